package suppression

import (
	"fmt"

	"stille/shared/contact"
	"stille/shared/ledger"
)

// Replay returns the item that the history of a contact leads to. It serves a
// list that was restored to an older state than its ledger. The entries are all
// entries of one key, oldest first, in an unbroken chain (ledger.Verify). former
// returns the history of an older key that an entry took over.
//
// The returned item may have more marks than the item that the newest entry was
// written with: a change to a restored list continues at the end of the ledger,
// from older marks.
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
			_, next := changeOf(e, mark).mergeInto(mark)
			item = item.with(e.Scope, Reason(e.Reason), next)
		}
		item.Version, item.Head = e.Version, e.Hash()
	}
	return item, nil
}

// replayFormer returns the older key's item as the entry took it over.
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

// changeOf returns the change that an entry records. A noted entry of an older
// version is an opt-out older than a release, or a release of a contact that was
// not suppressed.
func changeOf(e ledger.Entry, m Mark) Change {
	action := Suppress
	switch {
	case e.Asked != "":
		action = Action(e.Asked)
	case e.Action == ledger.Released || e.Action == ledger.Noted && !e.At.Before(m.ReleasedAt):
		action = Release
	}
	return Change{Action: action, Scope: e.Scope, Reason: Reason(e.Reason), At: e.At, Source: Source(e.Source), Note: e.Note}
}
