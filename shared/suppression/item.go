// Package suppression decides which contacts must not be sent to, on which
// channel and for which sender. It is pure: an item goes in, a decision or a
// changed item comes out. It promises that doubt means silence, that reasons are
// independent (a lifted reason leaves the others), and that the time of an event
// decides, not the order of arrival: the same events in any order lead to the
// same decision.
package suppression

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/scope"
)

// Source is where an event came from.
type Source string

// Sources of the events that the system itself takes in.
const (
	SourceLink     Source = "link"      // the page behind a link; Through names the link of another scope
	SourceOneClick Source = "one-click" // RFC 8058, by the mailbox provider
	SourceTool     Source = "tool"      // the tools' API
	SourceOperator Source = "operator"  // the operator's CLI
	SourceImport   Source = "import"    // a list of an older system; a colon and the name of the source there may follow

	SourceSESBounce    Source = "ses-bounce"    // SES, through feedback
	SourceSESComplaint Source = "ses-complaint" // likewise
	// SourceSESUnsubscribe is a contact list that SES keeps.
	SourceSESUnsubscribe Source = "ses-unsubscribe"

	SourceSMS       Source = "sms"        // an SMS reply that is a keyword
	SourceSMSReview Source = "sms-review" // an SMS reply with a keyword among other words: it counts, and an operator may look at it

	SourceHook Source = "hook" // another system's webhook; a colon and the provider's name follow
)

// Through is the source of an opt-out through the page behind the link of another
// scope: of a topic through the link of its brand, or of a brand through the link
// of another brand of the group.
func Through(link scope.Scope) Source { return throughLink + Source(link) }

const throughLink = SourceLink + ":"

// FromLink tells whether the event came through a link.
func (s Source) FromLink() bool {
	return s == SourceLink || s == SourceOneClick || s.isThrough()
}

// isThrough tells whether the event came through the link of another scope.
func (s Source) isThrough() bool { return strings.HasPrefix(string(s), string(throughLink)) }

// isLike tells whether two sources are one, or both the link of the scope.
func (s Source) isLike(other Source) bool {
	plain := func(s Source) bool { return s == SourceLink || s == SourceOneClick }
	return s == other || plain(s) && plain(other)
}

// Kind is the source without what follows the colon, which may say anything. The name
// of another system's provider stays.
func (s Source) Kind() Source {
	if s.FromHook() {
		return s
	}
	kind, _, _ := strings.Cut(string(s), ":")
	return Source(kind)
}

// FromHook reports whether another system's webhook reported the event.
func (s Source) FromHook() bool { return strings.HasPrefix(string(s), string(SourceHook)+":") }

// Mark is what is known of one reason in one scope. A mark stays after its
// release, so that an older event that arrives late finds the newer event.
type Mark struct {
	First      time.Time `json:"first,omitzero"`      // earliest opt-out of the present silence
	Last       time.Time `json:"last,omitzero"`       // newest opt-out; never goes back; zero when only a release is known
	Source     Source    `json:"source,omitempty"`    // of the newest opt-out; a link only where every opt-out of the silence came from a link
	ReleasedAt time.Time `json:"releasedAt,omitzero"` // newest release or undo that counts; zero when never released

	// Words are the opt-outs and undos since the newest release, oldest first, where
	// the fields above do not say all. Consented is then the newest release that was
	// no undo. Both are for Apply and Merge alone.
	Words     []Word    `json:"-"`
	Consented time.Time `json:"-"`
}

// Active tells whether the mark suppresses. A release in the same instant as
// the newest opt-out does not lift it.
func (m Mark) Active() bool { return !m.Last.IsZero() && !m.ReleasedAt.After(m.Last) }

// Item is everything that is known of one contact under one key.
type Item struct {
	Key     contact.Key
	Channel contact.Channel
	Marks   map[scope.Scope]map[Reason]Mark
	Version int64       // of the newest ledger entry; 0 when there is no item
	Head    ledger.Hash // of the newest ledger entry
	Touched int64       // the number of changes since the newest ledger entry; these have no entry

	// Former are other keys of the same contact: live keys, and keys whose items
	// this item has taken over. Records may name the contact by these keys.
	Former []contact.Key
	// MergedInto is the key whose item has taken this item over; empty where no
	// item has. A merged item keeps its marks and never changes again.
	MergedInto contact.Key
}

// with returns a copy of the item in which one mark is replaced.
func (i Item) with(s scope.Scope, r Reason, m Mark) Item {
	marks, reasons := map[scope.Scope]map[Reason]Mark{}, map[Reason]Mark{}
	maps.Copy(marks, i.Marks)
	maps.Copy(reasons, i.Marks[s])
	reasons[r] = m
	marks[s] = reasons
	i.Marks = marks
	return i
}

// StoppedThrough returns the other scopes in which a silence began, and was only
// ever asked for, through the link of this scope.
func (i Item) StoppedThrough(link scope.Scope) []scope.Scope {
	var stopped []scope.Scope
	for s, reasons := range i.Marks {
		if m := reasons[Unsubscribed]; m.Active() && m.Source == Through(link) {
			stopped = append(stopped, s)
		}
	}
	slices.Sort(stopped)
	return stopped
}

// ErrUnreadable means that an item is stored and cannot be understood. The
// contact of the item must not be sent to.
var ErrUnreadable = errors.New("the stored item cannot be read")

// Found is what a suppression list says of one contact. Err wraps ErrUnreadable
// where an item of the contact cannot be understood: then nothing may be sent
// to the contact, and Item must not be relied on.
type Found struct {
	Item Item
	Err  error
}

// Request is one of many changes that are asked for together.
type Request struct {
	Who    contact.Known
	Change Change
}

// Result is what came of a Request. Err wraps ErrUnreadable where an item of the
// contact cannot be understood: then the change is not made.
type Result struct {
	Outcome Outcome
	Err     error
}

// Waves divides requests, given by their numbers, into waves: a wave names each
// contact once, and the requests of a contact keep their order.
func Waves(requests []Request) [][]int {
	var waves [][]int
	named := map[contact.Key]int{}
	for n, r := range requests {
		wave := named[r.Who.Newest()]
		named[r.Who.Newest()]++
		if wave == len(waves) {
			waves = append(waves, nil)
		}
		waves[wave] = append(waves[wave], n)
	}
	return waves
}

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
