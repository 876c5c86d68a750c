//go:build store

package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestUnreadableHoldKeepsItsTarget(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	holds := dynamo.NewHolds(db, stack)
	target := retention.SubjectTarget(key(1))
	dynamotest.Put(t, db, stack.Table(names.TableHolds), map[string]any{"target": string(target), "cases": "?"})
	if got, err := holds.Held(t.Context(), []retention.Target{target}); err != nil || !got[target] {
		t.Errorf("held %v, error %v", got, err)
	}
	if got, err := holds.Fenced(t.Context(), "00"); err != nil || !got.Held[target] {
		t.Errorf("held under a fence %v, error %v", got, err)
	}
}

func TestEveryHoldIsReadUnderFence(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	holds := dynamo.NewHolds(db, stack)
	var targets []retention.Target
	for n := range 5 {
		targets = append(targets, retention.SubjectTarget(key(n)))
	}
	for n, target := range targets {
		hold := retention.Hold{Case: fmt.Sprint(n), Reason: "claim", Kind: retention.Legal, Target: target, SetAt: now}
		// One answer of the store is a megabyte at most.
		hold.Reason += strings.Repeat("x", 300*1024)
		if _, err := holds.Set(t.Context(), nil, []retention.Hold{hold}); err != nil {
			t.Fatal(err)
		}
	}
	if lifted, err := holds.Lift(t.Context(), retention.OfCase("3"), now, "ola"); err != nil || len(lifted) != 1 {
		t.Fatalf("lifted %v, error %v", lifted, err)
	}
	want := purge.Fenced{Epoch: 5, Held: purge.HeldTargets{targets[0]: true, targets[1]: true, targets[2]: true, targets[4]: true}}
	got, err := holds.Fenced(t.Context(), retention.ShardName(retention.Shards-1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConcurrentHoldIsReadOrMovesFence(t *testing.T) {
	for calls := 1; ; calls++ {
		db, stack := dynamotest.Tables(t, class)
		holds := dynamo.NewHolds(db, stack)
		target := retention.SubjectTarget(key(1))
		seen := 0
		racing := dynamotest.Intercept(db, func(string) error {
			if seen++; seen != calls {
				return nil
			}
			_, err := holds.Set(context.Background(), nil, []retention.Hold{{Case: "a", Reason: "claim", Kind: retention.Legal, Target: target, SetAt: now}})
			return err
		})
		got, err := dynamo.NewHolds(racing, stack).Fenced(t.Context(), "00")
		if err != nil {
			t.Fatal(err)
		}
		if seen < calls {
			if seen < 2 {
				t.Errorf("%d calls were made", seen)
			}
			return
		}
		epoch, err := holds.Fence(t.Context(), "00")
		if err != nil || epoch != 1 {
			t.Fatalf("epoch %d, error %v", epoch, err)
		}
		if !got.Held[target] && got.Epoch == epoch {
			t.Errorf("placed before call %d, the hold is not read, and the fence is where it was", calls)
		}
	}
}

func TestHoldWithoutRaisedFencesIsNotAcknowledged(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	down, stored := errors.New("down"), false
	failing := dynamotest.Intercept(db, func(operation string) error {
		if stored = stored || operation == "TransactWriteItems"; stored && operation == "UpdateItem" {
			return down
		}
		return nil
	})
	hold := retention.Hold{Case: "a", Reason: "claim", Kind: retention.Legal, Target: retention.RecordTarget(class, "x"), SetAt: now}
	if _, err := dynamo.NewHolds(failing, stack).Set(context.Background(), nil, []retention.Hold{hold}); !errors.Is(err, down) {
		t.Errorf("error %v, want %v", err, down)
	}
}
