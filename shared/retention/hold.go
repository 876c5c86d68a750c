package retention

import (
	"errors"
	"slices"
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

// Same reports whether both are one hold in the same state.
func (h Hold) Same(other Hold) bool {
	return h.Case == other.Case && h.Target == other.Target && h.Kind == other.Kind && h.Reason == other.Reason && h.Contact == other.Contact &&
		h.SetAt.Equal(other.SetAt) && h.SetBy == other.SetBy && h.LiftedAt.Equal(other.LiftedAt) && h.LiftedBy == other.LiftedBy
}

// eventAt is the time of the event that left the hold in its state.
func (h Hold) eventAt() time.Time { return later(h.SetAt, h.LiftedAt) }

// clocksApart is how far the clocks of two operators may differ.
const clocksApart = 5 * time.Minute

// HoldRepair is a hold that does not stand as its history says.
type HoldRepair struct {
	Was Hold // as stored; zero where the hold is missing
	Is  Hold // as the history says
}

// RepairHolds lists what the stored holds lack of their history: the events of all
// cases, each as the hold that it left. A stored hold that the history does not have
// is newer than the history, and stays.
func RepairHolds(events, stored []Hold) []HoldRepair {
	type place struct {
		caseID string
		target Target
	}
	histories, holds := map[place][]Hold{}, map[place]Hold{}
	var places []place
	for _, e := range events {
		at := place{e.Case, e.Target}
		if histories[at] == nil {
			places = append(places, at)
		}
		histories[at] = append(histories[at], e)
	}
	for _, h := range stored {
		holds[place{h.Case, h.Target}] = h
	}
	var repairs []HoldRepair
	for _, at := range places {
		is, was := outcome(histories[at]), holds[at]
		if was != (Hold{}) && (was.Same(is) || !slices.ContainsFunc(histories[at], was.Same)) {
			continue
		}
		repairs = append(repairs, HoldRepair{Was: was, Is: is})
	}
	return repairs
}

// outcome is the hold as its events leave it. A setting stands unless a lifting
// names it or a later event replaces it. Two operators' clocks may differ, so within
// five minutes no event replaces a setting: in doubt the hold stands.
func outcome(events []Hold) Hold {
	var last time.Time
	left := map[int64]int{} // settings of a time, less the liftings that name it
	for _, e := range events {
		last = later(last, e.eventAt())
		if e.Active() {
			left[e.SetAt.UnixNano()]++
		} else {
			left[e.SetAt.UnixNano()]--
		}
	}
	var standing, lifted Hold
	for _, e := range events {
		switch {
		case !e.Active():
			if !e.LiftedAt.Before(lifted.LiftedAt) {
				lifted = e
			}
		case left[e.SetAt.UnixNano()] > 0 && last.Sub(e.SetAt) < clocksApart && !e.SetAt.Before(standing.SetAt):
			standing = e
		}
	}
	if standing != (Hold{}) {
		return standing
	}
	return lifted
}

// Placed is what the placing of holds met.
type Placed struct {
	TooLate []Target       // records whose objects a purge has begun to delete, in order
	Covers  map[Target]int // number of records that each target covers now
}
