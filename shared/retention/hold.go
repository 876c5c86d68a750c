package retention

import (
	"errors"
	"strings"
	"time"

	"stille/shared/contact"
)

// HoldKind is the reason why a due record must stay.
type HoldKind string

// The kinds of holds.
const (
	Legal       HoldKind = "legal"       // law or a legal claim needs the record
	Restriction HoldKind = "restriction" // the person asked to keep the record for a claim (GDPR 18)
)

// Target is what a hold keeps: all records of a subject, or one record.
type Target string

// SubjectTarget is all records of a subject in every class, later records
// included.
func SubjectTarget(subject contact.Key) Target { return Target("subject#" + string(subject)) }

// RecordTarget is one record of a class. The record need not exist yet.
func RecordTarget(class, id string) Target { return Target("record#" + class + "#" + id) }

// Subject returns the subject of a SubjectTarget; false for another target.
func (t Target) Subject() (contact.Key, bool) {
	key, ok := strings.CutPrefix(string(t), string(SubjectTarget("")))
	return contact.Key(key), ok
}

// Record returns the class and id of a RecordTarget; false for another target.
func (t Target) Record() (class, id string, ok bool) {
	if path, isRecord := strings.CutPrefix(string(t), "record#"); isRecord {
		return strings.Cut(path, "#")
	}
	return "", "", false
}

// Targets lists the targets of every hold that would cover the record.
func (r Record) Targets(class string) []Target {
	targets := []Target{RecordTarget(class, r.ID)}
	for _, subject := range r.Subjects() {
		targets = append(targets, SubjectTarget(subject))
	}
	return targets
}

// ErrOtherKind means that the case already holds the target with another kind:
// ending one of the two must not end the other.
var ErrOtherKind = errors.New("the case already holds this for the other kind, legal or restriction: use another case")

// Hold keeps its target from being deleted until it is lifted.
type Hold struct {
	Case     string    `json:"case"`   // a reference: see package reference
	Reason   string    `json:"reason"` // a reference
	Kind     HoldKind  `json:"kind"`
	Target   Target    `json:"target"`
	Contact  Target    `json:"-"` // the target of the contact's newest key; empty for a hold on a record
	SetAt    time.Time `json:"setAt"`
	SetBy    string    `json:"setBy,omitempty"`   // the principal
	LiftedAt time.Time `json:"liftedAt,omitzero"` // zero while the hold is active
	LiftedBy string    `json:"liftedBy,omitempty"`
}

// Active reports whether the hold has not been lifted.
func (h Hold) Active() bool { return h.LiftedAt.IsZero() }

// OfCase selects the holds of a case.
func OfCase(id string) func(Hold) bool { return func(h Hold) bool { return h.Case == id } }

// Placed is what the placing of holds met.
type Placed struct {
	TooLate []Target       // records whose objects a purge has begun to delete, in order
	Covers  map[Target]int // number of records that each target covers now
}
