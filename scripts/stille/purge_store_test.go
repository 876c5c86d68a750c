//go:build store

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	scheduled "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/purge"
	"stille/shared/retention"
)

// store puts records of two-year-old consents into the messaging class, as
// they are once stamp has seen them.
func (d *deployed) store(t *testing.T, starts ...time.Time) {
	t.Helper()
	for i, start := range starts {
		record := retention.Record{ID: fmt.Sprintf("sub-%d", i), Scope: "acme", Basis: retention.Consent, OccurredAt: start, Start: start}
		if _, err := d.records.Put(t.Context(), "messaging", record, func(retention.Record) error { return nil }); err != nil {
			t.Fatal(err)
		}
		stored, err := d.records.Get(t.Context(), "messaging", record.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.records.Stamp(t.Context(), "messaging", stored, retention.Sort(start)); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *deployed) hold(t *testing.T, target retention.Target) {
	t.Helper()
	_, err := d.holds.Set(t.Context(), []string{"messaging"}, []retention.Hold{{Case: "C-17", Reason: "claim", Kind: retention.Legal, Target: target, SetAt: at}})
	if err != nil {
		t.Fatal(err)
	}
}

func day(year int, month time.Month, date int) time.Time {
	return time.Date(year, month, date, 12, 0, 0, 0, time.UTC)
}

func TestAPlanCountsAndDeletesNothing(t *testing.T) {
	d := deploy(t)
	d.store(t, day(2024, 11, 21), day(2023, 1, 2), day(2024, 11, 22)) // the last is due tomorrow
	d.hold(t, retention.RecordTarget("messaging", "sub-1"))
	d.hold(t, retention.RecordTarget("messaging", "sub-2"))
	got := d.run(t, "purge", "plan", "messaging").ended(t, exitDone)
	for _, says := range []string{
		"due     2 at 2026-11-22T03:00:00Z\nheld    1 of them\n",
		"oldest  2023-01-02T12:00:00Z",
		"time    about 20s, a rough estimate\n",
		"at most about $0.01, an estimate for records of up to 1 KB without objects: 14 write units\n        and 19 read units of DynamoDB, files, functions\n",
		"This was a dry run; nothing was deleted.",
	} {
		if !strings.Contains(got.out, says) {
			t.Errorf("it does not say %q:\n%s", says, got.out)
		}
	}
	inJSON := answers[operator.Plan](t, d.run(t, "purge", "plan", "messaging", "--json").ended(t, exitDone))[0]
	want := operator.Plan{
		Class: "messaging", Keep: "P2Y", Zone: "Europe/Oslo", Cutoff: at, Due: 2, Held: 1, Oldest: day(2023, 1, 2), Seconds: 20, WriteUnits: 14, ReadUnits: 19, CostUSD: 0.006568,
	}
	if diff := cmp.Diff(want, inJSON, cmpopts.IgnoreFields(operator.Plan{}, "PlanHash", "PolicyHash"), cmpopts.EquateApprox(1e-3, 0)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(inJSON.PlanHash) != 64 || len(inJSON.PolicyHash) != 64 {
		t.Errorf("hashes are %q and %q", inJSON.PlanHash, inJSON.PolicyHash)
	}
	for _, id := range []string{"sub-0", "sub-1", "sub-2"} {
		if _, err := d.records.Get(t.Context(), "messaging", id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestAPlanOfNothing(t *testing.T) {
	got := deploy(t).run(t, "purge", "plan", "communication").ended(t, exitDone)
	if !strings.Contains(got.out, "due     0 at") || strings.Contains(got.out, "oldest") {
		t.Errorf("it says\n%s", got.out)
	}
}

// run1 is the run of the machines' one execution.
func run1() purge.Run {
	return purge.Run{Class: "messaging", ID: "run-1", StartedAt: at, Cutoff: at, PlanHash: "abc", Planned: 2}
}

// runsTo lets the machines do a run that ends so.
func (d *deployed) runsTo(t *testing.T, outcome certificate.Outcome, status types.ExecutionStatus, counts certificate.Counts, deleted ...string) {
	t.Helper()
	d.machines.looks = 100
	d.machines.planned = func(ctx context.Context) {
		if _, err := d.runs.Start(ctx, run1()); err != nil {
			t.Error(err)
		}
	}
	d.machines.ends = func(ctx context.Context) types.ExecutionStatus {
		d.certify(ctx, t, run1(), outcome, counts, deleted...)
		return status
	}
}

func TestARunIsStartedFollowedAndTold(t *testing.T) {
	d := deploy(t)
	d.runsTo(t, certificate.Completed, types.ExecutionStatusSucceeded, certificate.Counts{Due: 2, Deleted: 1, Held: 1}, "k")
	got := d.run(t, "purge", "run", "messaging").ended(t, exitDone)
	progress := "started run-1 on the stack of the test\n" +
		"planned: 2 due at 2026-11-22T03:00:00Z\n" +
		"running, 30s\nrunning, 1m0s\nrunning, 1m30s\n"
	want := `run      run-1
class    messaging
outcome  COMPLETED
cutoff   2026-11-22T03:00:00Z
started  2026-11-22T03:00:00Z
ended    2026-11-22T03:00:00Z
plan     abc
due      2
deleted  1
held     1
changed  0
failed   0

next: stille certificate get run-1 --out run-1
`
	if diff := cmp.Diff([]string{progress, want}, []string{got.errors, got.out}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(d.machines.started) != 1 {
		t.Fatalf("it started %d executions", len(d.machines.started))
	}
	in := d.machines.started[0]
	if *in.Input != `{"startedBy":"arn:aws:iam::1:user/operator"}` || *in.StateMachineArn != "arn:aws:states:::stateMachine:messaging" {
		t.Errorf("it started %s with %s", *in.StateMachineArn, *in.Input)
	}
}

func TestARunInJSONIsOneValueOnStandardOutput(t *testing.T) {
	d := deploy(t)
	d.runsTo(t, certificate.Completed, types.ExecutionStatusSucceeded, certificate.Counts{Due: 1, Deleted: 1}, "k")
	got := answers[operator.Run](t, d.run(t, "purge", "run", "messaging", "--json").ended(t, exitDone))
	if len(got) != 1 || got[0].ID != "run-1" || got[0].Outcome != certificate.Completed || got[0].PlanHash != "abc" || got[0].Counts.Deleted != 1 {
		t.Errorf("it answers %+v", got)
	}
}

func TestHowARunEndedIsTheExitCode(t *testing.T) {
	for _, c := range []struct {
		outcome certificate.Outcome
		status  types.ExecutionStatus
		counts  certificate.Counts
		code    int
		says    string
	}{
		{certificate.Halted, types.ExecutionStatusSucceeded, certificate.Counts{Due: 2}, exitHalted, "the brake halted the purge: nothing was deleted"},
		{certificate.Stopped, types.ExecutionStatusSucceeded, certificate.Counts{Due: 2}, exitFailed, "ended as STOPPED"},
		{certificate.Failed, types.ExecutionStatusFailed, certificate.Counts{Due: 2, Failed: 2}, exitFailed, "ended as FAILED"},
	} {
		d := deploy(t)
		d.runsTo(t, c.outcome, c.status, c.counts)
		got := d.run(t, "purge", "run", "messaging").ended(t, c.code)
		if !strings.Contains(got.errors, c.says) || !strings.Contains(got.out, "outcome  "+string(c.outcome)) {
			t.Errorf("%s: it says %q and answers %q", c.outcome, got.errors, got.out)
		}
	}
}

func TestWhoeverStopsWaitingDoesNotStopTheRun(t *testing.T) {
	d := deploy(t)
	d.machines.looks = 1
	got := call{system: d.system, ends: context.Canceled}.run(t, "purge", "run", "messaging").ended(t, exitFailed)
	if !strings.Contains(got.errors, "the purge may go on: `stille purge show run-1` says how it ended") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestARunWithoutACertificateIsAFailure(t *testing.T) {
	d := deploy(t)
	d.machines.ends = func(context.Context) types.ExecutionStatus { return types.ExecutionStatusAborted }
	got := d.run(t, "purge", "run", "messaging").ended(t, exitFailed)
	if !strings.Contains(got.errors, "ended as ABORTED and without a certificate (States.TaskFailed)") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestAClassThatIsNotDeployedCannotBeRun(t *testing.T) {
	got := deploy(t).run(t, "purge", "run", "service").ended(t, exitFailed)
	if !strings.Contains(got.errors, "lacks the output PurgeService") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestARunCanBeScheduledOnce(t *testing.T) {
	d := deploy(t)
	got := d.run(t, "purge", "run", "messaging", "--at", "2026-11-23T03:30:00+01:00").ended(t, exitDone)
	name := d.name.Purge("messaging") + "-20261123T023000Z"
	if !strings.Contains(got.out, "starts once at 2026-11-23T02:30:00Z (schedule "+name+")") {
		t.Errorf("it says %q", got.out)
	}
	want := []scheduler.CreateScheduleInput{{
		Name: &name, GroupName: aws.String("default"), Target: d.schedules.nightly(),
		ScheduleExpression: aws.String("at(2026-11-23T02:30:00)"), ScheduleExpressionTimezone: aws.String("UTC"),
		FlexibleTimeWindow:    &scheduled.FlexibleTimeWindow{Mode: scheduled.FlexibleTimeWindowModeOff},
		ActionAfterCompletion: scheduled.ActionAfterCompletionDelete,
	}}
	unexported := cmpopts.IgnoreUnexported(scheduler.CreateScheduleInput{}, scheduled.Target{}, scheduled.DeadLetterConfig{}, scheduled.FlexibleTimeWindow{})
	if diff := cmp.Diff(want, d.schedules.created, unexported); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(d.machines.started) != 0 {
		t.Error("it started a purge now")
	}
	got = d.run(t, "purge", "run", "messaging", "--at", "2026-11-23T02:30:00Z").ended(t, exitFailed)
	if !strings.Contains(got.errors, "is scheduled for this time already") {
		t.Errorf("the second time it says %q", got.errors)
	}
}

func TestTheRunsThereWere(t *testing.T) {
	d := deploy(t)
	if got := d.run(t, "purge", "show").ended(t, exitDone); !strings.Contains(got.out, "no purge ran yet") {
		t.Errorf("it says %q", got.out)
	}
	running := purge.Run{Class: "communication", ID: "run-2", StartedAt: at.Add(time.Hour), Cutoff: at, PlanHash: "def", Planned: 7}
	for _, run := range []purge.Run{run1(), running} {
		if _, err := d.runs.Start(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	d.certify(t.Context(), t, run1(), certificate.Completed, certificate.Counts{Due: 2, Deleted: 1, Changed: 1}, "k")

	got := d.run(t, "purge", "show").ended(t, exitDone)
	want := strings.Join([]string{
		"STARTED               CLASS          OUTCOME            DUE  DELETED  HELD  CHANGED  FAILED  RUN",
		"2026-11-22T04:00:00Z  communication  not certified yet  7    0        0     0        0       run-2",
		"2026-11-22T03:00:00Z  messaging      COMPLETED          2    1        0     1        0       run-1", "",
	}, "\n")
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := d.run(t, "purge", "show", "run-2").ended(t, exitDone); !strings.Contains(got.out, "due      7 when it was planned") {
		t.Errorf("of the one that runs it says %q", got.out)
	}
	if got := d.run(t, "purge", "show", "run-9").ended(t, exitFailed); !strings.Contains(got.errors, "`stille purge show` lists the runs") {
		t.Errorf("of none it says %q", got.errors)
	}
	all := answers[operator.RunList](t, d.run(t, "purge", "show", "--json").ended(t, exitDone))[0].Runs
	if len(all) != 2 || all[0].Counts != nil || all[1].Counts == nil {
		t.Errorf("in JSON it answers %+v", all)
	}
}
