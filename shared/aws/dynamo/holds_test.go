//go:build store

package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestHolds(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	holds := dynamo.NewHolds(db, stack)
	subject, record := retention.SubjectTarget(key(1)), retention.RecordTarget(class, "sub-1")
	set := []retention.Hold{
		{Case: "a", Reason: "claim", Kind: retention.Legal, Target: subject, SetAt: now},
		{Case: "a", Reason: "claim", Kind: retention.Legal, Target: record, SetAt: now},
		{Case: "b", Reason: "asked", Kind: retention.Restriction, Target: subject, SetAt: now},
	}
	for _, h := range set {
		if _, err := holds.Set(t.Context(), nil, []retention.Hold{h}); err != nil {
			t.Fatal(err)
		}
	}
	held := func() map[retention.Target]bool {
		got, err := holds.Held(t.Context(), []retention.Target{subject, record, subject, "record#messaging#other"})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(map[retention.Target]bool{subject: true, record: true}, held()); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	for n := range retention.Shards {
		if epoch, err := holds.Fence(t.Context(), retention.ShardName(n)); err != nil || epoch != 3 {
			t.Errorf("fence %d: epoch %d, error %v", n, epoch, err)
		}
	}
	if n, err := holds.Lift(t.Context(), "a", now.Add(time.Hour)); err != nil || n != 2 {
		t.Errorf("lifted %d, error %v", n, err)
	}
	if n, err := holds.Lift(t.Context(), "a", now.Add(2*time.Hour)); err != nil || n != 0 {
		t.Errorf("lifted again %d, error %v", n, err)
	}
	if diff := cmp.Diff(map[retention.Target]bool{subject: true}, held()); diff != "" {
		t.Errorf("held after case a was lifted (-want +got):\n%s", diff)
	}
	set[0].LiftedAt, set[1].LiftedAt = now.Add(time.Hour), now.Add(time.Hour)
	want := []retention.Hold{set[1], set[0], set[2]}
	got, err := holds.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("holds (-want +got):\n%s", diff)
	}
	if _, err := holds.Set(t.Context(), nil, nil); err == nil {
		t.Error("no holds were placed without an error")
	}
}

func TestUnreadableHoldKeepsItsTarget(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	holds := dynamo.NewHolds(db, stack)
	target := retention.SubjectTarget(key(1))
	dynamotest.Put(t, db, stack.Holds(), map[string]any{"target": string(target), "cases": "?"})
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
	if n, err := holds.Lift(t.Context(), "3", now); err != nil || n != 1 {
		t.Fatalf("lifted %d, error %v", n, err)
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
	down := errors.New("down")
	updates := 0
	failing := dynamotest.Intercept(db, func(operation string) error {
		if operation == "UpdateItem" {
			if updates++; updates > 1 { // the first update makes room for the case
				return down
			}
		}
		return nil
	})
	hold := retention.Hold{Case: "a", Reason: "claim", Kind: retention.Legal, Target: retention.RecordTarget(class, "x"), SetAt: now}
	if _, err := dynamo.NewHolds(failing, stack).Set(context.Background(), nil, []retention.Hold{hold}); !errors.Is(err, down) {
		t.Errorf("error %v, want %v", err, down)
	}
}
