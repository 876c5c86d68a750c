package suppression

import (
	"fmt"

	"stille/shared/contact"
	"stille/shared/ledger"
)

// Replay returns the item that a contact's history leads to: for a list that
// was restored to an older state than its ledger. The entries are all of one
// key's, oldest first, in an unbroken chain (ledger.Verify). Of an older key
// that an entry says was taken over, former returns the history up to then.
//
// It may know more than the item that wrote the newest entry: a change to a
// restored list goes on where the ledger ends, from marks that are older.
func Replay(entries []ledger.Entry, former func(contact.Key) ([]ledger.Entry, error)) (Item, error) {
	var item Item
	for _, e := range entries {
		item.Key, item.Channel = e.Key, e.Channel
		if e.Action == ledger.Rekeyed {
			older, err := replayFormer(e, former)
			if err != nil {
				return item, err
			}
			item = Merge(item, older)
		} else {
			mark := item.Marks[e.Scope][Reason(e.Reason)]
			_, next := changeOf(e, mark).on(mark)
			item = item.with(e.Scope, Reason(e.Reason), next)
		}
		item.Version, item.Head = e.Version, e.Hash()
	}
	return item, nil
}

// replayFormer returns what the older key's item was when the entry took it
// over.
func replayFormer(e ledger.Entry, former func(contact.Key) ([]ledger.Entry, error)) (Item, error) {
	history, err := former(e.Former)
	if err != nil {
		return Item{}, err
	}
	for n := range history {
		if upTo := history[:n+1]; e.VerifyTie(upTo) == nil {
			return Replay(upTo, former)
		}
	}
	return Item{}, fmt.Errorf("%w: version %d took over a history that is not there", ledger.ErrBroken, e.Version)
}

// changeOf is the event that an entry tells of. A noted one is an opt-out that
// is older than a release, or a release of what was not suppressed.
func changeOf(e ledger.Entry, m Mark) Change {
	action := Suppress
	if e.Action == ledger.Released || e.Action == ledger.Noted && !e.At.Before(m.ReleasedAt) {
		action = Release
	}
	return Change{Action: action, Scope: e.Scope, Reason: Reason(e.Reason), At: e.At, Source: Source(e.Source), Note: e.Note}
}
