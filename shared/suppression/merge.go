package suppression

import (
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
)

// Merge unites what several keys of one contact know of it, the keys
// themselves included; everything else is the first item's. It is for decisions
// only: what is written comes from TakeOver.
func Merge(items ...Item) Item {
	if len(items) == 0 {
		return Item{}
	}
	merged := items[0]
	for _, other := range items[1:] {
		for s, reasons := range other.Marks {
			for r, m := range reasons {
				merged = merged.with(s, r, unite(merged.Marks[s][r], m))
			}
		}
		merged = merged.Known(other.Key).Known(other.Former...)
	}
	return merged
}

// unite gives the mark that both belong to. Where the silence of the older one
// was never lifted it goes on in the newer one's, with its start, and with its
// source if that is no link: a click on top of what somebody else said does
// not make it undoable.
func unite(a, b Mark) Mark {
	if b.Last.After(a.Last) {
		a, b = b, a
	}
	if b.ReleasedAt.After(a.ReleasedAt) {
		a.ReleasedAt = b.ReleasedAt
	}
	if b.Last.IsZero() || a.ReleasedAt.After(b.Last) {
		return a
	}
	if b.First.Before(a.First) {
		a.First = b.First
	}
	if !b.Source.fromLink() {
		a.Source = b.Source
	}
	return a
}

// Known returns a copy of the item that also names these as keys of its
// contact.
func (i Item) Known(keys ...contact.Key) Item {
	former := slices.Clone(i.Former)
	for _, key := range keys {
		if key != "" && key != i.Key && !slices.Contains(former, key) {
			former = append(former, key)
		}
	}
	i.Former = former
	return i
}

// TakeOver merges what is known under an older key into the item, and ties
// the two histories: the entry, which gets id, a ULID, names the older key and
// where its chain ends. Both are to be written together with MergedInto on the
// older item, in one transaction, under the condition that neither item has
// changed or was merged meanwhile.
func TakeOver(item, older Item, id string, now time.Time) (Item, ledger.Entry) {
	entry := ledger.Entry{
		ID: id, Key: item.Key, Channel: item.Channel, Version: item.Version + 1, Action: ledger.Rekeyed,
		At: now.UTC(), RecordedAt: now.UTC(), Previous: item.Head, Former: older.Key, FormerHead: older.Head,
	}
	item = Merge(item, older)
	item.Version, item.Head = entry.Version, entry.Hash()
	return item, entry
}
