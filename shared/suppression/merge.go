package suppression

import (
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
)

// Merge returns the first item with the marks and the keys of all items, which
// belong to one contact. A merged item is for decisions only; TakeOver returns
// what may be written.
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

// unite returns the mark that follows from the words of two marks of one reason.
func unite(a, b Mark) Mark {
	if b.Last.After(a.Last) || b.Last.Equal(a.Last) && b.First.Before(a.First) {
		a, b = b, a
	}
	words, consented := a.words()
	more, other := b.words()
	if other.After(consented) {
		consented = other
	}
	for _, w := range more {
		words = insert(words, w)
	}
	return a.fold(words, consented)
}

// Known returns a copy of the item that also names these keys of the contact.
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

// TakeOver merges the item of an older key into the item, and ties the two
// histories: the entry, which gets the id, a ULID, names the older key and the
// end of its chain. The caller must write the item, the entry and MergedInto on
// the older item in one transaction, under the condition that both items are
// unchanged and unmerged.
func TakeOver(item, older Item, id string, now time.Time) (Item, ledger.Entry) {
	entry := ledger.Entry{
		ID: id, Key: item.Key, Channel: item.Channel, Version: item.Version + 1, Action: ledger.Rekeyed,
		At: now.UTC(), RecordedAt: now.UTC(), Previous: item.Head, Former: older.Key, FormerHead: older.Head,
	}
	item = Merge(item, older)
	item.Version, item.Head, item.Touched = entry.Version, entry.Hash(), 0
	return item, entry
}
