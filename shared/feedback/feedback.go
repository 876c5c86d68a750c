// Package feedback holds what every source of feedback shares: what an event
// means for the suppression list, and which contacts an event names. It is pure. A source
// is a package below this one, which reads the source's events.
//
// It promises that every address which stands in a recipient is found, however
// mail systems wrap it, and that an event which suppresses nobody it names is
// an error. Neither its errors nor the words for a log hold an address.
package feedback

import (
	"errors"
	"regexp"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// What an event can be refused for. No error says what the event holds.
var (
	ErrMalformed   = errors.New("the event is not JSON, has no type, or has another shape")
	ErrNoRecipient = errors.New("the event names a recipient without an address, or nobody")
)

// Effect is what an event means for the list.
type Effect string

// The effects of an event.
const (
	Suppresses Effect = "suppresses" // the contacts it names
	Echoes     Effect = "echoes"     // the source did not send, because of an event it had told before
	Counts     Effect = "counts"     // it is only counted
)

// Finding is what an event means for the list.
type Finding struct {
	Kind, Detail string // the source's words, for the log
	Effect       Effect
	// Of an event that suppresses:
	Change     suppression.Change
	Contacts   []contact.Contact
	Unreadable int // recipients without an address: the event must be retried
}

// Suppressing returns the finding of an event that suppresses its recipients. A
// time that cannot be read, lies ahead or before 1970 is taken for now: the
// event happened. An event without recipients is ErrNoRecipient.
func (f Finding) Suppressing(c suppression.Change, timestamp string, recipients []string, now time.Time) (Finding, error) {
	if len(recipients) == 0 {
		return Finding{}, ErrNoRecipient
	}
	at, err := time.Parse(time.RFC3339, timestamp)
	if err != nil || suppression.CheckTime(at, now) != nil {
		at = now
	}
	f.Effect, f.Change = Suppresses, c
	f.Change.Action, f.Change.At = suppression.Suppress, at.UTC()
	for _, recipient := range recipients {
		found := Addresses(recipient)
		if len(found) == 0 {
			f.Unreadable++
		}
		f.Contacts = append(f.Contacts, found...)
	}
	return f, nil
}

// Brand is the brand that scopes' names agree on. Where they do not name
// exactly one known brand, the message may have been any brand's.
func Brand(named []string, scopes *scope.Registry) scope.Scope {
	var found scope.Scope
	for _, name := range named {
		entry, known := scopes.Lookup(scope.Scope(name))
		if !known || found != "" && found != entry.Scope.Brand() {
			return scope.Everywhere
		}
		found = entry.Scope.Brand()
	}
	if found == "" {
		return scope.Everywhere
	}
	return found
}

var wordShape = regexp.MustCompile(`^[A-Za-z][A-Za-z -]{0,39}$`)

// Word is a source's word if it can be a word: a log line must not repeat
// anything else that an event may hold.
func Word(s string) string {
	if s == "" || wordShape.MatchString(s) {
		return s
	}
	return "other"
}
