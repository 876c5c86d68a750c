// Package release ends silences over the store: it lets a consent lift what it
// may and then says what holds. It promises that the answer is about what is
// stored once it returns, also where somebody opts out at the same moment, and
// that whatever was lifted has its ledger entry.
package release

import (
	"context"
	"errors"
	"time"

	"stille/shared/contact"
	"stille/shared/suppression"
)

// ErrUnsettled means that the contact kept changing. What was lifted stands;
// the same consent may be shown again.
var ErrUnsettled = errors.New("the suppression kept changing")

// List is the suppression list, read strongly.
type List interface {
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

// looks is how often a contact is read: once to find what to lift, once to see
// what holds, and again for an opt-out that came in between.
const looks = 4

// Lift lifts what the consent may lift for the contact with these keys, the
// newest first, and returns why marketing in the scope is still stopped, or an
// empty Refusal, and the item this was read from.
func Lift(ctx context.Context, list List, who contact.Known, consent suppression.Consent, now time.Time) (suppression.Refusal, suppression.Item, error) {
	for range looks {
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
	return "", suppression.Item{}, ErrUnsettled
}
