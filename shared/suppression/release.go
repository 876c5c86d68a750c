package suppression

import (
	"time"

	"stille/shared/scope"
)

// Refusal is why a consent did not end the silence; empty when it did.
type Refusal string

// The refusals there are, the weightiest first: of several that hold, the
// first is the answer.
const (
	// NeedsOperator means that a complaint or a hard bounce still stops
	// marketing in the scope, from there or from above it.
	NeedsOperator Refusal = "needs-operator"
	// OlderThanOptOut means that the person opted out after the consent, or in
	// the same instant.
	OlderThanOptOut Refusal = "older-than-opt-out"
	// NotSuppressed means that in exactly this scope there was nothing to lift.
	NotSuppressed Refusal = "not-suppressed"
)

// Consent is newer consent to marketing in exactly one scope, with a reference
// to its evidence.
type Consent struct {
	Scope    scope.Scope
	At       time.Time // when the person consented, never in the future
	Source   Source
	Evidence string // a reference (package reference)
	Operator bool   // an operator's, which lifts complaints and hard bounces too
}

// Lifts tells which changes the consent has yet to make to the item: one for
// each reason in its scope that is older than it and that it may lift.
func (c Consent) Lifts(item Item) []Change {
	var changes []Change
	for _, r := range Reasons() {
		m := item.Marks[c.Scope][r]
		if m.Active() && c.At.After(m.Last) && (r.rule().liftable || c.Operator) {
			changes = append(changes, Change{Action: Release, Scope: c.Scope, Reason: r, At: c.At, Source: c.Source, Note: c.Evidence})
		}
	}
	return changes
}

// Refusal is the answer once there is nothing more to lift. It depends on the
// item alone and not on who lifted what, so a consent that is shown again
// after its answer was lost gets that answer again.
func (c Consent) Refusal(item Item) Refusal {
	var older, lifted bool
	for s, marks := range item.Marks {
		if !s.Covers(c.Scope) {
			continue
		}
		for r, m := range marks {
			switch {
			case m.Active() && !r.rule().liftable && !(c.Operator && s == c.Scope):
				return NeedsOperator
			case s != c.Scope || m.Last.IsZero():
			case m.Active():
				older = true
			case c.At.After(m.Last) && !c.At.After(m.ReleasedAt):
				lifted = true
			}
		}
	}
	switch {
	case older:
		return OlderThanOptOut
	case lifted:
		return ""
	}
	return NotSuppressed
}
