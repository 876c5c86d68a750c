// Package suppression decides who hears no more, on which channel, from whom.
// It is pure: an item in, a decision or a changed item out. It promises that
// doubt means silence, that reasons live side by side (lifting one leaves the
// others), and that the time of an event decides, not the order of arrival:
// the same events in any order leave the same contact suppressed or not.
package suppression

import (
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/scope"
)

// Source is where an event came from.
type Source string

// Sources of the events the system itself takes in.
const (
	SourceLink     Source = "link"      // the page behind a link
	SourceOneClick Source = "one-click" // RFC 8058, by the mailbox provider
	SourceTool     Source = "tool"      // the tools' API
	SourceOperator Source = "operator"  // the operator's CLI
	SourceImport   Source = "import"    // a list of an older system, and behind a colon what that calls the source

	SourceSESBounce    Source = "ses-bounce"    // SES, through feedback
	SourceSESComplaint Source = "ses-complaint" // likewise
	// SourceSESUnsubscribe is a contact list that SES keeps.
	SourceSESUnsubscribe Source = "ses-unsubscribe"

	SourceSMS       Source = "sms"        // an SMS reply that is a keyword
	SourceSMSReview Source = "sms-review" // one that only has a keyword in it: it counts, and somebody may look at it
)

func (s Source) fromLink() bool { return s == SourceLink || s == SourceOneClick }

// Mark is what is known of one reason in one scope. It outlives its release,
// so that an older event which arrives late finds the newer one.
type Mark struct {
	First      time.Time // start of the present silence
	Last       time.Time // newest event; only rises; zero when only a release is known
	Source     Source    // of the newest event, see Apply
	ReleasedAt time.Time // newest release; zero when never released
}

// Active tells whether the mark suppresses. A release in the same instant as
// the newest opt-out does not lift it.
func (m Mark) Active() bool { return !m.Last.IsZero() && !m.ReleasedAt.After(m.Last) }

// Item is all that is known of one contact: one item in the table.
type Item struct {
	Key     contact.Key
	Channel contact.Channel
	Marks   map[scope.Scope]map[Reason]Mark
	Version int64       // of the newest ledger entry; 0 when there is no item
	Head    ledger.Hash // of the newest ledger entry

	// Former are other keys of the same contact: live ones, and those whose
	// items this one has taken over. Records may name the contact by them.
	Former []contact.Key
	// MergedInto is the key whose item has taken this one over; empty where
	// none has. A merged item keeps its marks, as a signpost, and never changes
	// again.
	MergedInto contact.Key
}

// with returns a copy of the item in which one mark is replaced.
func (i Item) with(s scope.Scope, r Reason, m Mark) Item {
	marks := make(map[scope.Scope]map[Reason]Mark, len(i.Marks)+1)
	for have, reasons := range i.Marks {
		marks[have] = reasons
	}
	reasons := make(map[Reason]Mark, len(marks[s])+1)
	for have, mark := range marks[s] {
		reasons[have] = mark
	}
	reasons[r] = m
	marks[s] = reasons
	i.Marks = marks
	return i
}
