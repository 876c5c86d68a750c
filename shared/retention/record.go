package retention

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/reference"
	"stille/shared/scope"
)

// Basis is why a messaging record may be used.
type Basis string

// The bases of messaging records.
const (
	Consent  Basis = "consent"  // the start is the consent
	Customer Basis = "customer" // the start is the end of the service; absent while it runs
)

// Messaging is the class of what a person gave to get marketing: the one whose
// records an opt-out withdraws.
const Messaging = names.Messaging

// Record is one thing that is deleted on its day. Times that are absent are
// zero; none is ever inferred from another.
type Record struct {
	ID             string // its own name in its class; never an address or a number
	Subject        contact.Key
	Former         []contact.Key // the subject under the older keys that were live when it was stored
	Scope          scope.Scope
	Basis          Basis
	OccurredAt     time.Time
	Start          time.Time // from when the class's Keep counts; zero while it is running
	StartAsOf      time.Time // of the Ending that says so; zero where the record itself does
	WithdrawnAt    time.Time // when its subject withdrew or objected
	LastActivityAt time.Time
	Objects        []string // s3://bucket/key, deleted with the record
	Data           json.RawMessage
}

// Outcome is what storing a record came to.
type Outcome struct {
	Stored bool   // false where a newer event of the same id is stored
	Record Record // as it is stored now
}

// Subjects are the keys under which holds and suppressions of the record's
// subject may lie, the newest first; none for a record about nobody.
func (r Record) Subjects() []contact.Key {
	if r.Subject == "" {
		return nil
	}
	return append([]contact.Key{r.Subject}, r.Former...)
}

// Owner is the scope that the record belongs to: every scope for a record
// without one.
func (r Record) Owner() scope.Scope {
	if r.Scope == "" {
		return scope.Everywhere
	}
	return r.Scope
}

// Supersedes reports whether the record may replace the stored one of the same
// id: the newer event wins, and the same one again wins as well.
func (r Record) Supersedes(stored Record) bool { return !r.OccurredAt.Before(stored.OccurredAt) }

// Fault is one field of a record that cannot be stored. Field is its name in
// POST /v1/records, with an index where it is a list ("objects/3").
type Fault struct {
	Field  string
	Detail string // never repeats the value
}

// mostData keeps a record within DynamoDB's 400 KB for an item.
const mostData = 256 << 10

// How far ahead of us a sender's times may be. A start may be announced. What
// occurred is compared with opt-outs: a local time that calls itself UTC would
// make a consent newer than the opt-out that followed it.
const (
	aheadAllowed = 24 * time.Hour
	skewAllowed  = 5 * time.Minute
)

// earliestYear is the first a start can lie in and be believed.
const earliestYear = 2000

// PlausibleStart reports whether a start can be believed: not before 2000 and
// not more than a day after now. Nothing is deleted by one that cannot.
func PlausibleStart(start, now time.Time) bool {
	return start.UTC().Year() >= earliestYear && !start.After(now.Add(aheadAllowed))
}

// Validate lists everything that keeps the record from being stored in the
// class at now, nil if nothing does.
func (c Class) Validate(r Record, now time.Time) []Fault {
	var faults []Fault
	fault := func(field, detail string) { faults = append(faults, Fault{field, detail}) }

	if err := CheckID(r.ID); err != nil {
		fault("id", err.Error())
	}
	if c.Name == Messaging {
		for _, required := range []struct{ field, value string }{
			{"contact", string(r.Subject)}, {"scope", string(r.Scope)}, {"basis", string(r.Basis)},
		} {
			if required.value == "" {
				fault(required.field, "is required for messaging")
			}
		}
		if r.Basis == Consent && r.Start.IsZero() {
			fault("start", "is required: for consent it is the time of the consent")
		}
	}
	if r.Basis != "" && r.Basis != Consent && r.Basis != Customer {
		fault("basis", `must be "consent" or "customer"`)
	}
	for _, t := range []struct {
		field string
		at    time.Time
		ahead time.Duration
		words string
	}{
		{"start", r.Start, aheadAllowed, "a day"},
		{"occurredAt", r.OccurredAt, skewAllowed, "five minutes"},
		{"lastActivityAt", r.LastActivityAt, skewAllowed, "five minutes"},
	} {
		if !t.at.IsZero() && (t.at.UTC().Year() < earliestYear || t.at.After(now.Add(t.ahead))) {
			fault(t.field, "must not be before 2000 or more than "+t.words+" ahead")
		}
	}
	if len(r.Data) > mostData {
		fault("data", fmt.Sprintf("must not be longer than %d bytes", mostData))
	}
	return append(faults, c.objectFaults(r.Objects)...)
}

var (
	errID       = errors.New("must be 1 to 128 printable ASCII characters without spaces")
	errPersonal = errors.New("must not look like an e-mail address or a phone number: it is shown in places where those must not be")

	printable = regexp.MustCompile(`^[!-~]+$`)
	// dialled is a "+" or "tel:" with a number behind it, wherever it stands.
	dialled = regexp.MustCompile(`(?i)(\+|%2b|tel:|sms:)[-().]*([0-9][-().]*){7}`)
	// numeric is nothing but a number, as people write numbers.
	numeric = regexp.MustCompile(`^[-+().:/_]*([0-9][-+().:/_]*){7,}$`)
)

// longestID is no part of a pattern, for the reason longestReference is none.
const longestID = 128

// MayShowID reports whether an id can be logged: others than POST /v1/records
// write class tables, and may name a record by an address.
func MayShowID(id string) bool { return CheckID(id) == nil }

// CheckID refuses ids that would carry an address or a number into logs, holds
// and certificates: any with an @ (also as %40), any with seven digits behind
// a plus sign, and any that is only seven or more digits with the punctuation
// of numbers. "order-81224417" and a UUID are fine, a bare "81224417" is not.
func CheckID(id string) error {
	if len(id) > longestID || !printable.MatchString(id) {
		return errID
	}
	if strings.Contains(id, "@") || strings.Contains(id, "%40") || reference.HoldsAPIKey(id) || dialled.MatchString(id) || numeric.MatchString(id) {
		return errPersonal
	}
	return nil
}
