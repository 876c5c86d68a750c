package suppression

import (
	"context"
	"errors"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
)

// Refusal is why a consent did not end the silence; empty when it did.
type Refusal string

// The refusals there are. Where several apply, the first is the answer.
const (
	// NeedsOperator means that a reason that only an operator lifts still stops
	// marketing, in the scope or above it, or an erasure above it.
	NeedsOperator Refusal = "needs-operator"
	// OlderThanOptOut means that the person opted out after the consent, or in
	// the same instant.
	OlderThanOptOut Refusal = "older-than-opt-out"
	// NotSuppressed means that there was nothing to lift in exactly this scope.
	NotSuppressed Refusal = "not-suppressed"
)

// Consent is newer consent to marketing in exactly one scope, with a reference
// to its evidence.
type Consent struct {
	Scope    scope.Scope
	At       time.Time // when the person consented, never in the future
	Source   Source
	Evidence string // a reference (package reference)
	Operator bool   // an operator shows the consent, which then lifts every reason but a restriction
}

// Lifts returns the changes that the consent has yet to make to the item: one
// for each reason in the scope that is older than the consent and that the
// consent may lift.
func (c Consent) Lifts(item Item) []Change {
	var changes []Change
	for _, r := range Reasons() {
		m := item.Marks[c.Scope][r]
		if m.Active() && c.At.After(m.Last) && c.mayLift(r) {
			changes = append(changes, Change{Action: Release, Scope: c.Scope, Reason: r, At: c.At, Source: c.Source, Note: c.Evidence})
		}
	}
	return changes
}

// lifts tells whether the consent may lift a reason in its own scope, or whether a
// consent for a wider scope may. A person demands an erasure of all brands, and a
// tool must not answer that with the consent to one.
func (c Consent) lifts(r Reason, in scope.Scope) bool {
	if in != c.Scope {
		return r.rule().liftable && !r.WithdrawsForGood()
	}
	return c.mayLift(r)
}

// mayLift tells whether the consent may lift a reason in its own scope.
func (c Consent) mayLift(r Reason) bool {
	return r.rule().liftable || c.Operator && !r.rule().unlifted
}

// Refusal returns the answer once nothing is left to lift. The answer depends on
// the item alone, so that a consent that is shown again after its answer was
// lost gets the same answer. A time ahead of our clock counts as now, so that the
// first showing may have released up to ClockSkew before the second.
func (c Consent) Refusal(item Item) Refusal {
	var older, lifted bool
	for s, marks := range item.Marks {
		if !s.Covers(c.Scope) {
			continue
		}
		for r, m := range marks {
			switch {
			case m.Active() && !c.lifts(r, s):
				return NeedsOperator
			case s != c.Scope || m.Last.IsZero():
			case m.Active():
				older = true
			case c.At.After(m.Last) && !c.At.Add(-ClockSkew).After(m.ReleasedAt):
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

// ErrUnsettled means that the contact kept changing. What was lifted stays
// lifted; the same consent may be shown again.
var ErrUnsettled = errors.New("the suppression kept changing; show the same consent again")

// List is the suppression list. Every read is strong, and a change is durable
// with its ledger entry once Apply has returned without an error.
type List interface {
	Get(ctx context.Context, keys []contact.Key) (Item, error)
	Apply(ctx context.Context, who contact.Known, c Change, now time.Time) (Outcome, error)
}

// reads is how often Lift reads a contact: once to find what to lift, once to
// see what holds, and again for opt-outs that came in between.
const reads = 4

// Lift lifts what the consent may lift for the contact. It returns why marketing
// in the scope is still stopped, an empty Refusal where it is not, and the item
// that says so. The answer is about what is stored when Lift returns, also where
// the person opts out at the same moment.
func Lift(ctx context.Context, list List, who contact.Known, consent Consent, now time.Time) (Refusal, Item, error) {
	for range reads {
		item, err := list.Get(ctx, who.Keys)
		if err != nil {
			return "", item, err
		}
		changes := consent.Lifts(item)
		if len(changes) == 0 {
			return consent.Refusal(item), item, nil
		}
		for _, c := range changes {
			if _, err := list.Apply(ctx, who, c, now); err != nil {
				return "", item, err
			}
		}
	}
	return "", Item{}, ErrUnsettled
}
