//go:build store

package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/certificate"
	"stille/shared/purge"
)

func TestOneRunOfClassIsActive(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	runs := dynamo.NewRuns(db, stack)
	holds := func(class, run, want string, turn int64) {
		t.Helper()
		got, err := runs.Lock(t.Context(), class, run)
		if diff := cmp.Diff(purge.Lock{Holder: want, Turn: turn}, got); diff != "" || err != nil {
			t.Errorf("%s of %s (-want +got):\n%s\nerror %v", run, class, diff, err)
		}
	}
	holds(class, "run-1", "run-1", 2)
	holds(class, "run-1", "run-1", 2) // the same step again
	holds(class, "run-2", "run-1", 2)
	holds("communication", "run-2", "run-2", 2) // another class is independent
	if err := runs.Unlock(t.Context(), class, "run-2"); err != nil {
		t.Fatal(err)
	}
	holds(class, "run-3", "run-1", 2) // run-2 could not unlock the lock of another run
	for range 2 {
		if err := runs.Unlock(t.Context(), class, "run-1"); err != nil {
			t.Fatal(err)
		}
	}
	holds(class, "run-3", "run-3", 4)
	if all, err := runs.List(t.Context(), class); err != nil || len(all) != 0 {
		t.Errorf("a lock counts as a run: %v, error %v", all, err)
	}
}

func TestUncertifiedRunCanBeStopped(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	runs := dynamo.NewRuns(db, stack)
	if err := runs.Stop(t.Context(), class, "run-1", "somebody"); !errors.Is(err, purge.ErrNoRun) {
		t.Errorf("a run that is not there: error %v", err)
	}
	run := purge.Run{Class: class, ID: "run-1", StartedAt: now, Cutoff: now, EndedAt: now}
	if _, err := runs.Start(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	stopped := func(want bool) {
		t.Helper()
		if got, err := runs.Stopped(t.Context(), class, "run-1"); err != nil || got != want {
			t.Errorf("stopped is %v, want %v, error %v", got, want, err)
		}
	}
	stopped(false)
	if err := runs.Stop(t.Context(), class, "run-1", "somebody"); err != nil {
		t.Fatal(err)
	}
	stopped(true)
	if got, err := runs.Get(t.Context(), class, "run-1"); err != nil || got.StopBy != "somebody" {
		t.Errorf("stopped by %q, error %v", got.StopBy, err)
	}
	run.StopBy, run.Outcome, run.Certificate = "somebody", certificate.Stopped, "one"
	if err := runs.Certify(t.Context(), run, ""); err != nil {
		t.Fatal(err)
	}
	if err := runs.Stop(t.Context(), class, "run-1", "somebody"); !errors.Is(err, purge.ErrNoRun) {
		t.Errorf("a run that has ended: error %v", err)
	}
}

func TestNewestHaltedPlanIsApprovedOnce(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	runs := dynamo.NewRuns(db, stack)
	if _, err := runs.Halted(t.Context(), class); !errors.Is(err, purge.ErrNoPlan) {
		t.Errorf("error %v, want ErrNoPlan", err)
	}
	plan := purge.HaltedPlan{
		Class: class, Run: "run-1", PlanHash: "old", PolicyHash: "p", Cutoff: now, Shards: []int{1, 2},
		Reasons: []string{"much"}, HaltedAt: now, StartedBy: "starter",
	}
	newer := plan
	newer.Run, newer.PlanHash = "run-2", "new"
	for _, p := range []purge.HaltedPlan{plan, newer} {
		if err := runs.Halt(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	approve := func(hash, by string, want error) {
		t.Helper()
		if err := runs.Approve(t.Context(), class, purge.Approval{PlanHash: hash, By: by, At: now.Add(time.Hour)}); !errors.Is(err, want) {
			t.Errorf("%s by %s: error %v, want %v", hash, by, err, want)
		}
	}
	approve("old", "operator", purge.ErrNoPlan)
	approve("new", "operator", nil)
	approve("new", "operator", nil) // the same approval is repeated
	approve("new", "another", purge.ErrNoPlan)
	newer.ApprovedBy, newer.ApprovedAt = "operator", now.Add(time.Hour)
	got, err := runs.Halted(t.Context(), class)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newer, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if err := runs.Forget(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	approve("new", "operator", purge.ErrNoPlan)
}

func TestStoreTellsItsTimeAndClassSize(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	at, err := dynamo.NewRuns(db, stack).Clock(t.Context())
	if off := time.Since(at).Abs(); err != nil || off > time.Minute {
		t.Errorf("the store's clock is off by %s, error %v", off, err)
	}
	for _, id := range []string{"a", "b"} {
		dynamotest.Put(t, db, stack.Records(class), map[string]any{"id": id})
	}
	if size, err := dynamo.NewRecords(db, stack).Size(t.Context(), class); err != nil || size != 2 {
		t.Errorf("size %d, error %v", size, err)
	}
}
