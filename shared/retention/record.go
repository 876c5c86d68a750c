package retention

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
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

// Ending is a message, apart from the record itself, on whether a record ended:
// that it ended At, or, with Running, that it was still running At.
type Ending struct {
	At      time.Time
	Running bool
}

var (
	// ErrNotAService means that the record's start is a consent. A consent does
	// not end; a customer's service does.
	ErrNotAService = errors.New("the record's start is a consent, which does not end")
	// ErrOlder means that a newer event is known. The older event changes
	// nothing.
	ErrOlder = errors.New("a newer event is known")
)

// AsOf is the time of the newest event that says whether the record has ended.
func (r Record) AsOf() time.Time { return later(r.OccurredAt, r.StartAsOf) }

// ActiveAt is the time of the record's last known activity.
func (r Record) ActiveAt() time.Time { return later(r.AsOf(), r.LastActivityAt) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// RunsAgain is the Ending that says at now that the record runs. It is newer
// than every known event, including an end announced for later.
func (r Record) RunsAgain(now time.Time) Ending {
	if known := r.AsOf(); known.After(now) {
		now = known.Add(1)
	}
	return Ending{At: now, Running: true}
}

// End returns the record after an Ending. The newest event wins, in whatever
// order events arrive. At equal times an Ending wins over the record, and an
// end wins over Running. The error wraps ErrOlder or ErrNotAService.
func (c Class) End(r Record, e Ending) (Record, error) {
	endKnown := r.StartAsOf.Equal(e.At) && !r.Start.IsZero()
	switch {
	case !r.hasEnd(c.Name):
		return r, ErrNotAService
	case e.At.Before(r.AsOf()), e.Running && endKnown:
		return r, ErrOlder
	}
	r.Start, r.StartAsOf = e.At, e.At
	if e.Running {
		r.Start = time.Time{}
	}
	return r, nil
}

// SetsStart reports whether next sets the missing start of the record. A hold
// allows this change, because the time of an end is evidence, too.
func (r Record) SetsStart(next Record) bool { return r.Start.IsZero() && !next.Start.IsZero() }

// hasEnd reports whether the start of the class's record is an end.
func (r Record) hasEnd(class string) bool { return class != Messaging || r.Basis == Customer }

// Supersedes reports whether the record may replace the stored record of the
// same id: a newer event wins, and so does a repetition of the same event.
func (r Record) Supersedes(stored Record) bool { return !r.OccurredAt.Before(stored.OccurredAt) }

// Replacing returns the record as it is stored in place of an older record of
// its class and id. A stored Ending that is not older than the record still
// counts. A messaging record that occurred after its withdrawal, or has another
// contact or scope, is no longer withdrawn; every other withdrawal stays. The
// record keeps the objects of the stored record, whether it names them or not.
func (r Record) Replacing(stored Record, class string) Record {
	r.Claimed = r.Owning(stored)
	r.FirstAt = r.FirstKnown(class, stored)
	r.WithdrawnAt = stored.WithdrawnAt
	if class == Messaging && (r.OccurredAt.After(stored.WithdrawnAt) || !r.sameContact(stored) || r.Scope != stored.Scope) {
		r.WithdrawnAt = time.Time{}
	}
	if !r.hasEnd(class) || stored.StartAsOf.IsZero() || stored.StartAsOf.Before(r.OccurredAt) {
		return r
	}
	r.Start, r.StartAsOf = stored.Start, stored.StartAsOf
	return r
}

// FirstKnown is the record's FirstAt if the record replaces an older version. An
// erasure covers a record by its first version, whatever was written over that. A
// messaging record has no FirstAt: newer consent is another record.
func (r Record) FirstKnown(class string, older Record) time.Time {
	if class == Messaging || older.ID == "" || !r.sameContact(older) {
		return r.FirstAt
	}
	first := older.FirstAt
	if first.IsZero() {
		first = later(older.OccurredAt, time.Unix(0, 0)) // an event without a time came before every erasure
	}
	if !r.FirstAt.IsZero() && r.FirstAt.Before(first) {
		first = r.FirstAt
	}
	if !first.Before(r.OccurredAt) {
		return time.Time{}
	}
	return first.UTC()
}

// ErasableAt is the time of the event for which an opt-out or an erasure withdraws
// the record, if it is not older.
func (r Record) ErasableAt() time.Time {
	if r.FirstAt.IsZero() {
		return r.OccurredAt
	}
	return r.FirstAt
}

// Owning lists the objects of the record and of an older version of it.
func (r Record) Owning(older Record) []string {
	all := slices.Concat(r.Objects, r.Claimed, older.Objects, older.Claimed)
	slices.Sort(all)
	return slices.Compact(all)
}

// Repeats reports whether the record says what is stored already: nothing
// changes if the record is stored in place of the stored one. The keys that name
// a contact may differ after a rotation, and so may the layout of the data.
func (r Record) Repeats(stored Record) bool {
	for _, t := range [][2]time.Time{
		{r.OccurredAt, stored.OccurredAt}, {r.Start, stored.Start}, {r.StartAsOf, stored.StartAsOf},
		{r.WithdrawnAt, stored.WithdrawnAt}, {r.LastActivityAt, stored.LastActivityAt},
	} {
		if !t[0].Equal(t[1]) {
			return false
		}
	}
	return r.sameContact(stored) && r.Scope == stored.Scope && r.Basis == stored.Basis &&
		slices.Equal(r.Objects, stored.Objects) && sameJSON(r.Data, stored.Data)
}

// sameContact reports whether both records are about one contact, or both about
// none: after a rotation a record has its contact's older key in Former.
func (r Record) sameContact(other Record) bool {
	return r.Subject == other.Subject || slices.Contains(r.Former, other.Subject) || slices.Contains(other.Former, r.Subject)
}

// sameJSON compares values, and numbers by their digits.
func sameJSON(a, b json.RawMessage) bool {
	var values [2]any
	for i, text := range []json.RawMessage{a, b} {
		read := json.NewDecoder(bytes.NewReader(text))
		read.UseNumber()
		if read.Decode(&values[i]) != nil {
			return bytes.Equal(a, b)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
