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

// Basis is the legal basis of a messaging record.
type Basis string

// The bases of messaging records.
const (
	Consent  Basis = "consent"  // the start is the consent
	Customer Basis = "customer" // the start is the end of the service; absent while it runs
)

// Messaging is the class of consents to marketing. Only its records are
// withdrawn by an opt-out.
const Messaging = names.Messaging

// Record is one entry of a class, deleted when it is due. An absent time is
// zero; no time is inferred from another.
type Record struct {
	ID             string // its name in its class; never an address or a number
	Subject        contact.Key
	Former         []contact.Key // the subject under the older keys that were live when the record was stored
	Scope          scope.Scope
	Basis          Basis
	OccurredAt     time.Time
	FirstAt        time.Time // OccurredAt of the contact's first version of the record; zero where no version is older
	Start          time.Time // from when the class's Keep counts; zero while it is running
	StartAsOf      time.Time // time of the Ending that set Start; zero where the record itself did
	WithdrawnAt    time.Time // when its subject withdrew or objected
	LastActivityAt time.Time
	Objects        []string // s3://bucket/key, deleted with the record
	Claimed        []string // the objects that belong to the record: Objects, and what older versions of it named; sorted
	Data           json.RawMessage
}

// Outcome is the result of storing a record.
type Outcome struct {
	Stored bool   // false where a newer event of the same id is stored
	Record Record // the record as it is stored now
}

// Subjects are the keys under which holds and suppressions of the record's
// subject may lie, the newest first; none for a record without a subject.
func (r Record) Subjects() []contact.Key {
	if r.Subject == "" {
		return nil
	}
	return append([]contact.Key{r.Subject}, r.Former...)
}

// Owner is the scope that the record belongs to. A record without a scope
// belongs to every scope.
func (r Record) Owner() scope.Scope {
	if r.Scope == "" {
		return scope.Everywhere
	}
	return r.Scope
}

// Fault is one field of a record that cannot be stored. Field is its name in
// POST /v1/records, with an index where it is a list ("objects/3").
type Fault struct {
	Field  string
	Detail string // never repeats the value
}

// mostData keeps a record within DynamoDB's 400 KB for an item.
const mostData = 256 << 10

// How far ahead of our clock a sender's times may be. A start may be announced.
// OccurredAt is compared with opt-outs: a local time labelled UTC would make a
// consent newer than the opt-out that followed it.
const (
	aheadAllowed = 24 * time.Hour
	skewAllowed  = 5 * time.Minute
)

// earliestYear is the earliest year of a plausible start.
const earliestYear = 2000

// PlausibleStart reports whether a start is plausible: not before 2000 and not
// more than a day after now. A record with an implausible start is never
// deleted by it.
func PlausibleStart(start, now time.Time) bool {
	return start.UTC().Year() >= earliestYear && !start.After(now.Add(aheadAllowed))
}

// Validate lists every reason why the class must not store the record at now;
// nil if there is none.
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
	return append(faults, c.objectFaults(r)...)
}

var (
	errID       = errors.New("must be 1 to 128 printable ASCII characters without spaces")
	errPersonal = errors.New("must not look like an e-mail address or a phone number: it is shown in places where those must not be")

	printable = regexp.MustCompile(`^[!-~]+$`)
	// dialled matches "+" or "tel:" followed by a number, anywhere in a text.
	dialled = regexp.MustCompile(`(?i)(\+|%2b|tel:|sms:)[-().]*([0-9][-().]*){7}`)
	// numeric matches a text that is only a number with its punctuation.
	numeric = regexp.MustCompile(`^[-+().:/_]*([0-9][-+().:/_]*){7,}$`)
)

// longestID is not part of the pattern: every function compiles the pattern when
// it starts, and a count makes that slow.
const longestID = 128

// MayShowID reports whether an id may be logged. Other services also write
// class tables, and may name a record by an address.
func MayShowID(id string) bool { return CheckID(id) == nil }

// CheckID refuses an id that would carry an address or a number into logs,
// holds and certificates: an id with an @ (also as %40), with seven digits
// after a plus sign, or made only of seven or more digits and the punctuation
// of numbers. "order-81224417" and a UUID are accepted, a bare "81224417" is
// not.
func CheckID(id string) error {
	if len(id) > longestID || !printable.MatchString(id) {
		return errID
	}
	if strings.Contains(id, "@") || strings.Contains(id, "%40") || reference.HoldsAPIKey(id) || dialled.MatchString(id) || numeric.MatchString(id) {
		return errPersonal
	}
	return nil
}
