package purge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// Withdrawer brings records in line with a change of the suppression list. A
// repetition changes nothing.
type Withdrawer struct {
	Policy  *retention.Policy
	List    Subjects
	Records Withdrawable
}

// Withdrawable is the part of the class tables that a withdrawal needs.
type Withdrawable interface {
	OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error)
	Get(ctx context.Context, class, id string) (retention.Stored, error)
	Withdraw(ctx context.Context, class string, record retention.Stored, at time.Time) (bool, error)
}

// Withdraw brings the contact's records in line with the list after a change, under
// every key by which records may name the contact, and returns how many it changed.
// The faults are records that a person must look into; all others were withdrawn.
func (w Withdrawer) Withdraw(ctx context.Context, e ledger.Entry) (changed int, faults []error, err error) {
	var classes []string
	for _, class := range w.Policy.Classes {
		if suppression.Touches(e, class.Name) {
			classes = append(classes, class.Name)
		}
	}
	if len(classes) == 0 {
		return 0, nil, nil
	}
	item, err := w.List.Get(ctx, []contact.Key{e.Key})
	if err != nil {
		return 0, nil, err
	}
	for _, class := range classes {
		for _, subject := range append([]contact.Key{e.Key}, item.Former...) {
			ids, err := w.Records.OfSubject(ctx, class, subject)
			if err != nil {
				return changed, faults, err
			}
			for _, id := range ids {
				done, err := w.one(ctx, class, id, item, e)
				switch {
				case errors.Is(err, retention.ErrUnreadable), errors.Is(err, retention.ErrUnwritable):
					// stamp has parked an unreadable record, and withdraws it once it is mended.
					faults = append(faults, fmt.Errorf("a record is not withdrawn: %w", err))
				case err != nil:
					return changed, faults, err
				case done:
					changed++
				}
			}
		}
	}
	return changed, faults, nil
}

func (w Withdrawer) one(ctx context.Context, class, id string, item suppression.Item, e ledger.Entry) (changed bool, err error) {
	for range mostTries {
		record, err := w.Records.Get(ctx, class, id)
		if errors.Is(err, retention.ErrNoRecord) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		at, moves := suppression.Withdrawal(item, e, suppression.Kept{
			Class: class, Scope: record.Scope, OccurredAt: record.ErasableAt(), WithdrawnAt: record.WithdrawnAt,
		})
		if !moves {
			return false, nil
		}
		done, err := w.Records.Withdraw(ctx, class, record, at)
		if done || err != nil {
			return done, err
		}
	}
	return false, retention.ErrContended
}
