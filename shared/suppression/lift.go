package suppression

import (
	"context"
	"errors"
	"time"

	"stille/shared/contact"
)

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
