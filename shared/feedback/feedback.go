// Package feedback knows what an event of SES means for the suppression list.
// It is pure. It promises that a bounce for good and a complaint suppress
// everybody they name, that SES repeating itself suppresses nobody anew, and
// that what SES may come to write one day is counted, not stumbled over. It
// refuses an event that would suppress but does not say whom or when. Neither
// its errors nor the words it hands on for a log hold an address.
package feedback

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"stille/shared/scope"
	"stille/shared/suppression"
)

// What an event can be refused for. None of them says what the event holds.
var (
	ErrMalformed   = errors.New("no event of SES: not JSON, without a type, or of another shape")
	ErrTime        = errors.New("the event's time cannot be read, or lies before 1970")
	ErrNoRecipient = errors.New("the event names nobody")
)

// greeting is what SES publishes, not as JSON, when it is first told of a topic.
const greeting = "Successfully validated SNS topic for Amazon SES event publishing."

// Effect is what an event means for the list.
type Effect string

const (
	Suppresses Effect = "suppresses" // the contacts it names
	Echoes     Effect = "echoes"     // SES did not send, for what it had told us before
	Counts     Effect = "counts"     // it is only counted
)

// Finding is an event, as far as it concerns the list.
type Finding struct {
	Kind, Detail string // what SES calls it, for the log
	Effect       Effect
	// Of an event that suppresses:
	Change     suppression.Change
	Recipients []string // as SES writes them
}

// notice is the part of an event that is read. Fields that nobody knew of are
// to be expected, and so are types of event.
type notice struct {
	EventType        string // of event publishing
	NotificationType string // of an identity's notifications
	Mail             struct{ Tags json.RawMessage }
	Bounce           struct {
		BounceType, BounceSubType, Timestamp string
		BouncedRecipients                    []recipient
	}
	Complaint struct {
		ComplaintSubType, ComplaintFeedbackType, Timestamp string
		ComplainedRecipients                               []recipient
	}
}

type recipient struct{ EmailAddress string }

// Read finds out what an event means. A time ahead of now is taken for now:
// the clock that wrote it runs fast. Its errors are ErrMalformed, ErrTime and
// ErrNoRecipient.
func Read(event string, scopes *scope.Registry, now time.Time) (Finding, error) {
	if strings.TrimSpace(event) == greeting {
		return Finding{Kind: "greeting", Effect: Counts}, nil
	}
	var n notice
	if err := json.Unmarshal([]byte(event), &n); err != nil {
		return Finding{}, ErrMalformed
	}
	kind := n.EventType
	if kind == "" {
		kind = n.NotificationType
	}
	switch kind {
	case "":
		return Finding{}, ErrMalformed
	case "Bounce":
		return n.bounce(now)
	case "Complaint":
		return n.complaint(scopes, now)
	}
	return Finding{Kind: word(kind), Effect: Counts}, nil
}

func (n notice) bounce(now time.Time) (Finding, error) {
	b := n.Bounce
	f := Finding{Kind: "Bounce", Detail: word(b.BounceType) + "/" + word(b.BounceSubType), Effect: Counts}
	switch {
	case b.BounceType == "":
		return Finding{}, ErrMalformed
	case b.BounceType != "Permanent":
		return f, nil
	case echo(b.BounceSubType):
		f.Effect = Echoes
		return f, nil
	}
	// An address that does not exist exists for nobody.
	change := suppression.Change{Scope: scope.Everywhere, Reason: suppression.HardBounce, Source: suppression.SourceSESBounce}
	return f.suppressing(change, b.Timestamp, b.BouncedRecipients, now)
}

// echo tells whether a bounce or complaint of this subtype is only SES saying
// that it did not send: because of an earlier bounce or complaint, or because
// the person left a contact list that SES keeps. To take it for a new one
// would end service messages for an opt-out, and undo every release.
func echo(subType string) bool {
	switch subType {
	case "Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList", "UnsubscribedRecipient":
		return true
	}
	return false
}

func (n notice) complaint(scopes *scope.Registry, now time.Time) (Finding, error) {
	c := n.Complaint
	f := Finding{Kind: "Complaint", Detail: word(c.ComplaintFeedbackType), Effect: Counts}
	switch {
	case echo(c.ComplaintSubType):
		f.Detail, f.Effect = word(c.ComplaintSubType), Echoes
		return f, nil
	case c.ComplaintFeedbackType == "not-spam":
		return f, nil
	}
	change := suppression.Change{Scope: brand(n.Mail.Tags, scopes), Reason: suppression.Complaint, Source: suppression.SourceSESComplaint}
	return f.suppressing(change, c.Timestamp, c.ComplainedRecipients, now)
}

func (f Finding) suppressing(change suppression.Change, timestamp string, named []recipient, now time.Time) (Finding, error) {
	at, err := time.Parse(time.RFC3339, timestamp)
	if err != nil || at.Year() < 1970 {
		return Finding{}, ErrTime
	}
	if at.After(now) {
		at = now
	}
	if len(named) == 0 {
		return Finding{}, ErrNoRecipient
	}
	f.Effect, f.Change = Suppresses, change
	f.Change.Action, f.Change.At = suppression.Suppress, at.UTC()
	for _, r := range named {
		f.Recipients = append(f.Recipients, r.EmailAddress)
	}
	return f, nil
}

// brand is the brand whose message it was, by the tags that it was sent with.
// Where they do not name exactly one known brand, the message might have been
// anybody's. Only event publishing has tags; a value is always in a list.
func brand(tags json.RawMessage, scopes *scope.Registry) scope.Scope {
	var given struct{ Brand, Scope []string }
	if err := json.Unmarshal(tags, &given); err != nil {
		return scope.Everywhere
	}
	var found scope.Scope
	for _, value := range append(given.Brand, given.Scope...) {
		entry, known := scopes.Lookup(scope.Scope(value))
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

// word is a word of SES's if it can be one: a log line must not repeat
// anything else that an event may hold.
func word(s string) string {
	if s == "" || wordShape.MatchString(s) {
		return s
	}
	return "other"
}
