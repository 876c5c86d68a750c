//go:build store

package dynamo_test

import (
	"crypto/rand"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/retention"
)

// A transaction with the record is under way: a page of a purge, for example.
func TestWritesOfRecordsWaitForTransactions(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	var conflicts atomic.Int64
	records := dynamo.NewRecords(dynamotest.Intercept(db, func(operation string) error {
		if operation == "UpdateItem" && conflicts.Add(-1) >= 0 {
			return &types.TransactionConflictException{}
		}
		return nil
	}), stack)
	stored := store(t, records, consent("sub-1", 1, now))
	for _, write := range []struct {
		name string
		do   func() error
	}{
		{"a new record", func() error {
			_, err := records.Put(t.Context(), class, consent(rand.Text(), 2, now), anyone)
			return err
		}},
		{"a stamp", func() error { return records.Stamp(t.Context(), class, stored, retention.Sort(stored.Start)) }},
		{"a withdrawal", func() error {
			_, err := records.Withdraw(t.Context(), class, stored, now)
			return err
		}},
		{"a first time", func() error {
			_, err := records.Remember(t.Context(), class, stored, now)
			return err
		}},
	} {
		conflicts.Store(2)
		if err := write.do(); err != nil || conflicts.Load() >= 0 {
			t.Errorf("%s after two conflicts: %v", write.name, err)
		}
		var err error
		conflicts.Store(0)
		if stored, err = records.Get(t.Context(), class, "sub-1"); err != nil {
			t.Fatal(err)
		}
	}
	conflicts.Store(1000)
	if err := records.Stamp(t.Context(), class, stored, stored.Sort); !errors.Is(err, dynamo.ErrContended) {
		t.Errorf("a stamp among conflicts without end: %v, want ErrContended", err)
	}
	if stored.Sort == "" || stored.WithdrawnAt.IsZero() || stored.FirstAt.IsZero() {
		t.Errorf("stamped %q, withdrawn %v, first %v: a write is lost", stored.Sort, stored.WithdrawnAt, stored.FirstAt)
	}
}
