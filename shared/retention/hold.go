package retention

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"stille/shared/contact"
)

// HoldKind is why something due must stay.
type HoldKind string

// The kinds of holds.
const (
	Legal       HoldKind = "legal"       // law or a legal claim needs it
	Restriction HoldKind = "restriction" // the person asked that it is kept for a claim (GDPR 18)
)

// Target is what a hold keeps: everything about a subject, or one record.
type Target string

// SubjectTarget is all records of a subject in every class, also later ones.
func SubjectTarget(subject contact.Key) Target { return Target("subject#" + string(subject)) }

// RecordTarget is one record of a class, whether it exists yet or not.
func RecordTarget(class, id string) Target { return Target("record#" + class + "#" + id) }

// Subject returns whose records the target is, and whether it is such a one.
func (t Target) Subject() (contact.Key, bool) {
	key, ok := strings.CutPrefix(string(t), string(SubjectTarget("")))
	return contact.Key(key), ok
}

// Record returns which record the target is, and whether it is one.
func (t Target) Record() (class, id string, ok bool) {
	if path, isRecord := strings.CutPrefix(string(t), "record#"); isRecord {
		return strings.Cut(path, "#")
	}
	return "", "", false
}

// Targets lists what a hold that covers the record can be on.
func (r Record) Targets(class string) []Target {
	targets := []Target{RecordTarget(class, r.ID)}
	for _, subject := range r.Subjects() {
		targets = append(targets, SubjectTarget(subject))
	}
	return targets
}

// Hold keeps its target from being deleted until it is lifted.
type Hold struct {
	Case     string    `json:"case"`   // a reference: see ParseReference
	Reason   string    `json:"reason"` // a reference
	Kind     HoldKind  `json:"kind"`
	Target   Target    `json:"target"`
	SetAt    time.Time `json:"setAt"`
	LiftedAt time.Time `json:"liftedAt,omitzero"` // zero while it holds
}

// Active reports whether the hold has not been lifted.
func (h Hold) Active() bool { return h.LiftedAt.IsZero() }

// ErrReference is returned for text that is no reference.
var ErrReference = errors.New("must be 1 to 64 characters of A-Za-z0-9._:/-")

var reference = regexp.MustCompile(`^[A-Za-z0-9._:/-]+$`)

// longestReference is no part of the pattern, which every function compiles
// when it starts: a count in it takes far longer.
const longestReference = 64

// looksLikeAPIKey tells whether a text may hold a tool's key: its prefix and a
// tail as long as a key's is all that no reference has.
func looksLikeAPIKey(s string) bool {
	const tail = 40
	_, after, found := strings.Cut(s, "stille_")
	return found && len(after) >= tail
}

// ParseReference checks a note, a piece of evidence, a case or a reason: it
// points to where the matter is told, and cannot tell it, so that no personal
// data gets in. Its error wraps ErrReference and does not repeat the text.
func ParseReference(s string) error {
	if len(s) > longestReference || !reference.MatchString(s) || looksLikeAPIKey(s) {
		return fmt.Errorf("reference: %w", ErrReference)
	}
	return nil
}
