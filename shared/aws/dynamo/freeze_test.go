//go:build store

package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/retention"
)

// TestHoldDuringChangeWins places a hold before each request of a change: on the
// contact, on the contact that the record is given to, and on the record.
func TestHoldDuringChangeWins(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, holds := dynamo.NewRecords(db, stack), dynamo.NewHolds(db, stack)
	given := consent("sub-1", 2, now)
	later := now.Add(time.Hour)
	service := consent("sub-1", 1, now)
	service.Basis = retention.Customer
	put := func(only ...contact.Key) func(*dynamo.Records) error {
		return func(r *dynamo.Records) error {
			_, err := r.Put(t.Context(), class, given, anyone, only...)
			return err
		}
	}
	end := func(r *dynamo.Records) error {
		return r.End(t.Context(), class, "sub-1", func(stored retention.Record) (retention.Record, error) {
			stored.Start, stored.StartAsOf = later, later
			return stored, nil
		})
	}
	for name, c := range map[string]struct {
		change func(*dynamo.Records) error
		on     retention.Target
	}{
		"its contact":           {put(), retention.SubjectTarget(key(1))},
		"its next contact":      {put(), retention.SubjectTarget(key(2))},
		"the record":            {put(), retention.RecordTarget(class, "sub-1")},
		"its contact's slot":    {put(key(2)), retention.SubjectTarget(key(1))},
		"the end of its record": {end, retention.SubjectTarget(key(1))},
	} {
		for request := 1; ; request++ {
			dynamotest.Remove(t, db, stack.Records(class), "sub-1")
			before := store(t, records, service)
			n, placed := 0, false
			racing := dynamotest.Intercept(db, func(string) error {
				if n++; n != request {
					return nil
				}
				placed = true
				hold := retention.Hold{Case: "a", Reason: "claim", Kind: retention.Legal, Target: c.on, SetAt: now}
				_, err := holds.Set(t.Context(), []string{class}, []retention.Hold{hold})
				return err
			})
			err := c.change(dynamo.NewRecords(racing, stack))
			if !placed {
				if err != nil {
					t.Errorf("%s, not held: error %v", name, err)
				}
				break
			}
			if !errors.Is(err, retention.ErrHeld) {
				t.Errorf("a hold on %s before request %d: error %v", name, request, err)
			}
			if diff := cmp.Diff(before.Record, get(t, records, "sub-1").Record); diff != "" {
				t.Errorf("a hold on %s before request %d: the record changed (-before +after):\n%s", name, request, diff)
			}
			if _, err := holds.Lift(t.Context(), retention.OfCase("a"), now, "ola"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
