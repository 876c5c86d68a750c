package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
)

// crowd is a class with one due record more than the brake allows.
type crowd struct {
	planning
	house *apitest.House
	more  func(n int) // stores n more due records
}

func newCrowd(t *testing.T, n int) crowd {
	t.Helper()
	house := apitest.New(t)
	stored := 0
	c := crowd{house: house, planning: newPlanning(t, house)}
	subject := string(house.Key(t, contact.Email, apitest.Address))
	c.more = func(n int) {
		t.Helper()
		records := make([]map[string]any, n)
		for i := range records {
			stored++
			records[i] = map[string]any{
				"id": fmt.Sprintf("sub-%05d", stored), "subject": subject, "scope": "acme",
				"retentionStart": "2024-11-20T08:00:00Z", "retentionSort": "2024-11-20T08:00:00Z", "retentionShard": retention.ShardName(stored % retention.Shards),
			}
		}
		c.stores.Plant(t, retention.Messaging, records...)
	}
	c.more(n)
	return c
}

// planned plans a run with an input and checks the next step.
func (c crowd) planned(t *testing.T, run, input string, next purge.Next) response {
	t.Helper()
	got, err := c.plan(t.Context(), request{Execution: purge.Execution{Class: retention.Messaging, Run: run, StartedAt: c.house.Now}, Input: json.RawMessage(input)})
	if err != nil {
		t.Fatal(err)
	}
	if got.Next != next {
		t.Fatalf("%s: next is %q, want %q", run, got.Next, next)
	}
	if (len(got.Shards) > 0) != (next == purge.NextDelete) {
		t.Errorf("%s: work for %d shards", run, len(got.Shards))
	}
	return got
}

// halts ends a halted run as purge-verify does.
func (c crowd) halts(t *testing.T, run, input string) response {
	t.Helper()
	got := c.planned(t, run, input, purge.NextHalt)
	c.ended(t, run, certificate.Halted, certificate.Counts{Due: got.Due})
	return got
}

func (c crowd) approve(t *testing.T, hash, by string) {
	t.Helper()
	if err := c.stores.Runs.Approve(t.Context(), retention.Messaging, purge.Approval{PlanHash: hash, By: by, At: c.house.Now}); err != nil {
		t.Fatal(err)
	}
}

func approval(hash string) string { return fmt.Sprintf(`{"approved":%q}`, hash) }

func TestHaltedPlanIsRefreshedAndRunsOnceApproved(t *testing.T) {
	c := newCrowd(t, 1001)
	first := c.halts(t, "run-1", `{"startedBy":"arn:aws:iam::1:user/starter"}`)
	c.house.Now = c.house.Now.Add(24 * time.Hour)
	second := c.halts(t, "run-2", `{}`)
	waiting, err := c.stores.Runs.Halted(t.Context(), retention.Messaging)
	if err != nil || waiting.PlanHash != second.PlanHash || first.PlanHash == second.PlanHash || waiting.Run != "run-2" || len(waiting.Reasons) == 0 {
		t.Fatalf("waiting %+v, error %v", waiting, err)
	}
	c.approve(t, second.PlanHash, "arn:aws:iam::1:user/operator")
	c.house.Now = c.house.Now.Add(time.Hour)
	got := c.planned(t, "run-3", approval(second.PlanHash), purge.NextDelete)
	if !got.Cutoff.Equal(second.Cutoff) || got.PlanHash != second.PlanHash || got.Due != 1001 {
		t.Errorf("the approved run is at %v with %d due, plan %s", got.Cutoff, got.Due, got.PlanHash)
	}
	run, err := c.stores.Runs.Get(t.Context(), retention.Messaging, "run-3")
	if err != nil || run.ApprovedBy != "arn:aws:iam::1:user/operator" {
		t.Errorf("approved by %q, error %v", run.ApprovedBy, err)
	}
	c.ended(t, "run-3", certificate.Completed, certificate.Counts{})
	c.halts(t, "run-4", approval(second.PlanHash)) // an approval is for one run
}

func TestInvalidApprovalHaltsTheRunAgain(t *testing.T) {
	for what, c := range map[string]struct {
		between func(t *testing.T, c crowd, hash string) // the plan and the run that names it
		reason  string
	}{
		"not approved": {func(*testing.T, crowd, string) {}, "was not approved"},
		"approved by its starter": {func(t *testing.T, c crowd, hash string) { c.approve(t, hash, "arn:aws:iam::1:user/starter") },
			"the person who started"},
		"eight days later": {func(t *testing.T, c crowd, hash string) {
			c.approve(t, hash, "arn:aws:iam::1:user/operator")
			c.house.Now = c.house.Now.Add(7*24*time.Hour + time.Minute)
		}, "over seven days old"},
		"a shard grew": {func(t *testing.T, c crowd, hash string) {
			c.approve(t, hash, "arn:aws:iam::1:user/operator")
			c.more(11 * retention.Shards)
		}, "a shard holds more"},
		"the clock ran ahead": {func(t *testing.T, c crowd, hash string) {
			c.approve(t, hash, "arn:aws:iam::1:user/operator")
			c.house.Now = c.house.Now.Add(-24 * time.Hour)
		}, "the run before ended later than now"},
	} {
		t.Run(what, func(t *testing.T) {
			over := newCrowd(t, 1001)
			plan := over.halts(t, "run-1", `{"startedBy":"arn:aws:iam::1:user/starter"}`)
			c.between(t, over, plan.PlanHash)
			over.planned(t, "run-2", approval(plan.PlanHash), purge.NextHalt)
			run, err := over.stores.Runs.Get(t.Context(), retention.Messaging, "run-2")
			if err != nil || run.ApprovedBy != "" || !strings.Contains(strings.Join(run.Reasons, "; "), c.reason) {
				t.Errorf("reasons %q, approved by %q, error %v", run.Reasons, run.ApprovedBy, err)
			}
		})
	}
}

func TestAClockTenYearsAheadPlansNoDeletion(t *testing.T) {
	c := newCrowd(t, 1)
	right := c.house.Now
	c.planner.StoreClock = func(context.Context) (time.Time, error) { return right, nil }
	c.house.Now = right.AddDate(10, 0, 0)
	c.planned(t, "run-1", `{}`, purge.NextHalt)
}

func TestAPassingRunLeavesNoPlanWaiting(t *testing.T) {
	c := newCrowd(t, 3)
	if err := c.stores.Runs.Halt(t.Context(), purge.HaltedPlan{Class: retention.Messaging, PlanHash: "old"}); err != nil {
		t.Fatal(err)
	}
	c.planned(t, "run-1", `{}`, purge.NextDelete)
	if plan, err := c.stores.Runs.Halted(t.Context(), retention.Messaging); err == nil {
		t.Errorf("%s waits", plan.PlanHash)
	}
}

func TestOnlyOneRunOfClassIsActive(t *testing.T) {
	c := newCrowd(t, 3)
	on := &going{runs: []string{"run-1"}}
	c.planner.Running = on.Running
	c.planned(t, "run-1", `{}`, purge.NextDelete)
	for range 2 { // a repeated step has the same answer
		c.planned(t, "run-2", `{}`, purge.NextYield)
	}
	on.runs = nil // run-1 is killed
	got := c.planned(t, "run-3", `{}`, nextFinish)
	if diff := cmp.Diff("run-1", got.Unfinished); diff != "" {
		t.Error(diff)
	}
	if _, err := c.stores.Runs.Get(t.Context(), retention.Messaging, "run-3"); err == nil {
		t.Error("the run is stored before the one before it is finished")
	}
	c.ended(t, "run-1", certificate.Failed, certificate.Counts{})
	c.planned(t, "run-3", `{}`, purge.NextDelete)
}

func TestCertifiedRunIsNotWaitedFor(t *testing.T) {
	c := newCrowd(t, 3)
	c.planner.Running = (&going{runs: []string{"run-1"}}).Running // its execution is about to end
	c.planned(t, "run-1", `{}`, purge.NextDelete)
	c.ended(t, "run-1", certificate.Completed, certificate.Counts{})
	if _, err := c.stores.Runs.Lock(t.Context(), retention.Messaging, "run-1"); err != nil { // it was cut off before Unlock
		t.Fatal(err)
	}
	if got := c.planned(t, "run-2", `{}`, nextFinish); got.Unfinished != "run-1" {
		t.Errorf("unfinished %q", got.Unfinished)
	}
}

// Each input is what one way of starting a run passes on.
func TestStarterByAnyWayMayNotApprove(t *testing.T) {
	const kari, ola = "arn:aws:iam::1:user/kari", "arn:aws:iam::1:user/ola"
	for name, c := range map[string]struct {
		input string
		own   error // of the approval by kari
	}{
		"stille purge run":        {`{"startedBy":"` + kari + `"}`, purge.ErrOwnApproval},
		"stille purge run --at":   {`{"scheduledTime":"2026-11-22T02:30:00Z","startedBy":"` + kari + `"}`, purge.ErrOwnApproval},
		"--at on a local stack":   {`{"scheduledTime":"<aws.scheduler.scheduled-time>","startedBy":"` + kari + `"}`, purge.ErrOwnApproval},
		"an approval that halted": {`{"startedBy":"` + kari + `","approved":"` + strings.Repeat("ab", 32) + `"}`, purge.ErrOwnApproval},
		"the nightly schedule":    {`{"scheduledTime":"2026-11-22T02:30:00Z"}`, nil},
		"a bare execution":        {`{}`, nil},
		"an empty execution":      {``, nil},
	} {
		crowd := newCrowd(t, 1001)
		crowd.halts(t, "run-1", c.input)
		plan, err := crowd.stores.Runs.Halted(t.Context(), retention.Messaging)
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.MayApprove(kari, crowd.house.Now); !errors.Is(err, c.own) {
			t.Errorf("%s: the starter's approval: %v, want %v", name, err, c.own)
		}
		if err := plan.MayApprove(ola, crowd.house.Now); err != nil {
			t.Errorf("%s: another's approval: %v", name, err)
		}
	}
}
