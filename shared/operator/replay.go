package operator

import (
	"context"
	"errors"
	"fmt"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/retention"
)

// Ledger is the ledger, compared with the suppression list. Every read is strong.
type Ledger interface {
	// EachHistory hands over the key of every history, EachTakingOver every entry
	// that tells how one key's item took over another's.
	EachHistory(ctx context.Context, each func(contact.Key) error) error
	EachTakingOver(ctx context.Context, each func(ledger.Entry) error) error
	// Replay reports whether the item of a key lacks something that its history
	// tells, and ReplayTakingOver whether the item that was taken over does not
	// say so. To repair the item, they write what it lacks. The error wraps
	// ledger.ErrBroken where the history does not hold together, and
	// retention.ErrUnreadable where the item cannot be read.
	Replay(ctx context.Context, key contact.Key, repair bool) (lacking bool, err error)
	ReplayTakingOver(ctx context.Context, e ledger.Entry, repair bool) (lacking bool, err error)
}

// ErrNotReplayed means that some histories were left alone.
var ErrNotReplayed = errors.New("some histories do not hold together, or items cannot be read; these are left alone")

// Replay is what the ledger knows and the suppression list lacks.
type Replay struct {
	Histories int     `json:"histories"`
	Lacking   int     `json:"lacking"`  // suppressions that lacked something
	Broken    int     `json:"broken"`   // histories that do not hold together, and items that cannot be read
	Repaired  bool    `json:"repaired"` // what was lacking was written
	Faults    []error `json:"-"`        // of the broken ones, each with the beginning of its key
}

// Replay compares the whole ledger with the list and, to repair the list, writes
// what it lacks. It reads the items first, and then which item took over which.
// ErrNotReplayed comes with the answer.
func (o *Operator) Replay(ctx context.Context, repair bool) (*Replay, error) {
	answer := &Replay{Repaired: repair}
	count := func(key contact.Key, lacking bool, err error) error {
		if lacking {
			answer.Lacking++
		}
		if errors.Is(err, ledger.ErrBroken) || errors.Is(err, retention.ErrUnreadable) {
			answer.Broken++
			answer.Faults = append(answer.Faults, fmt.Errorf("under the key %s: %w", key.Short(), err))
			return nil
		}
		return err
	}
	err := o.Ledger.EachHistory(ctx, func(key contact.Key) error {
		answer.Histories++
		lacking, err := o.Ledger.Replay(ctx, key, repair)
		return count(key, lacking, err)
	})
	if err != nil {
		return nil, err
	}
	err = o.Ledger.EachTakingOver(ctx, func(e ledger.Entry) error {
		lacking, err := o.Ledger.ReplayTakingOver(ctx, e, repair)
		return count(e.Former, lacking, err)
	})
	if err != nil {
		return nil, err
	}
	if answer.Broken > 0 {
		return answer, ErrNotReplayed
	}
	return answer, nil
}
