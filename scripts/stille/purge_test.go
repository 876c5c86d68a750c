package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestPlanCountsAndDeletesNothing(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2024, 11, 21), day(2023, 1, 2), day(2024, 11, 22)) // the last is due tomorrow
	m.hold(t, retention.RecordTarget("messaging", "sub-1"))
	m.hold(t, retention.RecordTarget("messaging", "sub-2"))
	got := m.run(t, "purge", "plan", "messaging").ended(t, exitDone)
	for _, says := range []string{
		"due     2 at 2026-11-22T03:00:00Z\nheld    1 of them\n",
		"oldest  2023-01-02T12:00:00Z",
		"time    about 20s, a rough estimate\n",
		"at most about $0.01, for records of up to 1 KB without objects:\n        14 write units and 19 read units of DynamoDB, files, functions\n",
		"This was a dry run; nothing was deleted.",
	} {
		if !strings.Contains(got.out, says) {
			t.Errorf("it does not say %q:\n%s", says, got.out)
		}
	}
	inJSON := answers[operator.Plan](t, m.run(t, "purge", "plan", "messaging", "--json").ended(t, exitDone))[0]
	want := operator.Plan{
		Class: "messaging", Keep: "P2Y", Zone: "Europe/Oslo", Cutoff: at, Due: 2, Held: 1, Oldest: day(2023, 1, 2), Seconds: 20, WriteUnits: 14, ReadUnits: 19, CostUSD: 0.009768,
	}
	if diff := cmp.Diff(want, inJSON, cmpopts.IgnoreFields(operator.Plan{}, "PlanHash", "PolicyHash"), cmpopts.EquateApprox(1e-3, 0)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(inJSON.PlanHash) != 64 || len(inJSON.PolicyHash) != 64 {
		t.Errorf("hashes are %q and %q", inJSON.PlanHash, inJSON.PolicyHash)
	}
	for _, id := range []string{"sub-0", "sub-1", "sub-2"} {
		if _, err := m.Records.Get(t.Context(), "messaging", id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestPlanOfEmptyClassHasNoOldest(t *testing.T) {
	got := inMemory(t).run(t, "purge", "plan", "communication").ended(t, exitDone)
	if !strings.Contains(got.out, "due     0 at") || strings.Contains(got.out, "oldest") {
		t.Errorf("it says\n%s", got.out)
	}
}

func TestPurgeIsStartedFollowedAndShown(t *testing.T) {
	m := inMemory(t)
	m.runsTo(t, certificate.Completed, certificate.Counts{Due: 2, Deleted: 1, Held: 1}, "k")
	got := m.run(t, "purge", "run", "messaging").ended(t, exitDone)
	progress := "started run-1 on the stack of the test\n" +
		"planned: 2 due at 2026-11-22T03:00:00Z\n" +
		"running, 30s\nrunning, 1m0s\nrunning, 1m30s\n"
	want := `outcome  COMPLETED
run      run-1
class    messaging
cutoff   2026-11-22T03:00:00Z
started  2026-11-22T03:00:00Z
ended    2026-11-22T03:00:00Z
plan     abc
due      2
deleted  1
held     1
changed  0
failed   0
left     0

next: stille certificate get run-1 --out run-1
`
	if diff := cmp.Diff([]string{progress, want}, []string{got.errors, got.out}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]operatortest.Start{{Class: "messaging", By: m.Who}}, m.Started); diff != "" {
		t.Errorf("started (-want +got)\n%s", diff)
	}
}

func TestPurgeAnswersOneJSONValue(t *testing.T) {
	m := inMemory(t)
	m.runsTo(t, certificate.Completed, certificate.Counts{Due: 1, Deleted: 1}, "k")
	got := answers[operator.Run](t, m.run(t, "purge", "run", "messaging", "--json").ended(t, exitDone))
	if len(got) != 1 || got[0].ID != "run-1" || got[0].Outcome != certificate.Completed || got[0].PlanHash != "abc" || got[0].Counts.Deleted != 1 {
		t.Errorf("it answers %+v", got)
	}
}

func TestExitCodeTellsHowPurgeEnded(t *testing.T) {
	for _, c := range []struct {
		outcome certificate.Outcome
		counts  certificate.Counts
		code    int
		says    string
	}{
		{certificate.Halted, certificate.Counts{Due: 2}, exitHalted, "the brake halted the purge: nothing was deleted, but for withdrawn records"},
		{certificate.Stopped, certificate.Counts{Due: 2}, exitFailed, "ended as STOPPED"},
		{certificate.Failed, certificate.Counts{Due: 2, Failed: 2}, exitFailed, "ended as FAILED"},
	} {
		m := inMemory(t)
		m.runsTo(t, c.outcome, c.counts)
		got := m.run(t, "purge", "run", "messaging").ended(t, c.code)
		if !strings.Contains(got.errors, c.says) || !strings.Contains(got.out, "outcome  "+string(c.outcome)) {
			t.Errorf("%s: it says %q and answers %q", c.outcome, got.errors, got.out)
		}
	}
}

func TestHaltedPlanNamesWhoApproves(t *testing.T) {
	for by, want := range map[string]string{"": "once you have looked", "arn:aws:iam::1:user/kari": "once another operator has looked"} {
		out := textOf(t, "purge show RUN", operator.Run{Run: purge.Run{Outcome: certificate.Halted, PlanHash: "3f1c", StartedBy: by}, Counts: &certificate.Counts{}})
		if !strings.Contains(out, "next, "+want+" and it is right: stille purge approve 3f1c\n") {
			t.Errorf("it says %q", out)
		}
	}
}

func TestInterruptedWaitLeavesPurgeRunning(t *testing.T) {
	m := inMemory(t)
	m.Execute = func(context.Context, string) operator.Execution { return operator.Execution{Running: true} }
	got := call{stack: m.stack(), ends: context.Canceled}.run(t, "purge", "run", "messaging").ended(t, exitFailed)
	if !strings.Contains(got.errors, "the purge may go on: `stille purge show run-1` says how it ended") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestPurgeWithoutCertificateFails(t *testing.T) {
	m := inMemory(t)
	m.Execute = func(context.Context, string) operator.Execution {
		return operator.Execution{Status: "ABORTED", Error: "States.TaskFailed"}
	}
	got := m.run(t, "purge", "run", "messaging").ended(t, exitFailed)
	if !strings.Contains(got.errors, "ended as ABORTED and without a certificate (States.TaskFailed): the functions' logs, /aws/lambda/test-*, say why") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestBarShowsProgressOnTerminal(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2024, 11, 21), day(2023, 1, 2))
	run := run1()
	run.Planned = 4
	m.looks(t, 2, run, func() operator.Execution { return operator.Execution{} })
	var said strings.Builder
	now := at
	s := &session{stderr: &said, now: func() time.Time { return now }, sleep: func(_ context.Context, d time.Duration) error {
		now = now.Add(d)
		return nil
	}}
	started, err := m.Operator(s.now).StartPurge(t.Context(), "messaging")
	if err != nil {
		t.Fatal(err)
	}
	if err := watch(t.Context(), &progress{session: s, terminal: true}, started); err != nil {
		t.Fatal(err)
	}
	const bar, clear = "[###############...............] 2 of 4 gone, ", "\r\x1b[K"
	want := clear + "planned: 4 due at 2026-11-22T03:00:00Z\n" + clear + bar + "0s" + clear + bar + "1s" + clear
	if diff := cmp.Diff(want, said.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPurgeIsScheduledOnce(t *testing.T) {
	m := inMemory(t)
	got := m.run(t, "purge", "run", "messaging", "--at", "2026-11-23T03:30:00+01:00").ended(t, exitDone)
	if !strings.Contains(got.out, "starts once at 2026-11-23T02:30:00Z (schedule messaging-20261123T023000Z)") || len(m.Started) != 0 {
		t.Errorf("it started %d and says %q", len(m.Started), got.out)
	}
	if by := m.Scheduled["messaging-20261123T023000Z"].By; by != m.Who {
		t.Errorf("scheduled by %q", by)
	}
	got = m.run(t, "purge", "run", "messaging", "--at", "2026-11-23T02:30:00Z").ended(t, exitFailed)
	if !strings.Contains(got.errors, "is scheduled for this time already") {
		t.Errorf("the second time it says %q", got.errors)
	}
	got = m.run(t, "purge", "run", "messaging", "--at", "2026-11-22T03:00:00Z").ended(t, exitUsage)
	if !strings.Contains(got.errors, "--at: must be in the future; leave it out to start now") || len(m.Scheduled) != 1 {
		t.Errorf("of now it says %q", got.errors)
	}
}

func TestRunsAreListedNewestFirst(t *testing.T) {
	m := inMemory(t)
	if got := m.run(t, "purge", "show").ended(t, exitDone); !strings.Contains(got.out, "no purge ran yet") {
		t.Errorf("it says %q", got.out)
	}
	running := purge.Run{Class: "communication", ID: "run-2", StartedAt: at.Add(time.Hour), Cutoff: at, PlanHash: "def", Planned: 7}
	for _, run := range []purge.Run{run1(), running} {
		m.start(t, run)
	}
	m.Certify(run1(), certificate.Completed, certificate.Counts{Due: 2, Deleted: 1, Changed: 1}, "k")

	got := m.run(t, "purge", "show").ended(t, exitDone)
	want := strings.Join([]string{
		"2 runs; the newest, of communication, is not certified yet",
		"STARTED               CLASS          OUTCOME            DUE  DELETED  HELD",
		"2026-11-22T04:00:00Z  communication  not certified yet  7    0        0",
		"    changed 0  failed 0  run run-2",
		"2026-11-22T03:00:00Z  messaging      COMPLETED          2    1        0",
		"    changed 1  failed 0  run run-1", "",
	}, "\n")
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := m.run(t, "purge", "show", "run-2").ended(t, exitDone); !strings.Contains(got.out, "due      7 when it was planned") {
		t.Errorf("of the running purge the command says %q", got.out)
	}
	if got := m.run(t, "purge", "show", "run-9").ended(t, exitFailed); !strings.Contains(got.errors, "`stille purge show` lists the runs") {
		t.Errorf("of none it says %q", got.errors)
	}
	all := answers[operator.RunList](t, m.run(t, "purge", "show", "--json").ended(t, exitDone))[0].Runs
	if len(all) != 2 || all[0].Counts != nil || all[1].Counts == nil {
		t.Errorf("in JSON it answers %+v", all)
	}
}

func TestRemainingRecordsAreListedWithTheirReason(t *testing.T) {
	m := inMemory(t)
	starts := make([]time.Time, 25)
	for i := range starts {
		starts[i] = day(2024, 11, 1)
	}
	m.Store(starts...)
	m.hold(t, retention.RecordTarget("messaging", "sub-3"))
	m.Plant(t, "messaging",
		map[string]any{"id": "broken", "retentionStart": "?", "retentionSort": "2024-11-01T12:00:00Z", "retentionShard": "00"},
		map[string]any{"id": "kari@example.no", "retentionStart": "2024-11-01T12:00:00Z", "retentionSort": "2024-11-01T12:00:00Z", "retentionShard": "01"})
	m.start(t, run1())
	for _, args := range [][]string{{"purge", "plan", "messaging"}, {"purge", "show", "run-1"}} {
		got := m.run(t, append(args, "--list", "--all")...).ended(t, exitDone).out
		for _, line := range []string{"\nheld       sub-3\n", "\ndue        sub-4\n", "\nunreadable broken\n", "\ndue        …\n"} {
			if !strings.Contains("\n"+got, line) {
				t.Errorf("%v does not say %q:\n%s", args, line, got)
			}
		}
		if n := strings.Count(got, "due        "); n != 25 {
			t.Errorf("%v lists %d due records", args, n)
		}
		if got := m.run(t, append(args, "--list")...).ended(t, exitDone).out; strings.Count(got, " sub-")+strings.Count(got, "broken") > 20 || !strings.Contains(got, "--all lists every id") {
			t.Errorf("%v: the sample is\n%s", args, got)
		}
		if got := m.run(t, args...).ended(t, exitDone).out; strings.Contains(got, "sub-") {
			t.Errorf("%v lists what nobody asked for:\n%s", args, got)
		}
	}
	m.run(t, "purge", "show", "--list").ended(t, exitUsage)
}

func TestAWholeListIsNotCalledASample(t *testing.T) {
	m := inMemory(t)
	starts := make([]time.Time, sampleSize)
	for i := range starts {
		starts[i] = day(2024, 11, 1)
	}
	m.Store(starts...)
	args := []string{"purge", "plan", "messaging", "--list", "--all"}
	if got := m.run(t, args...).ended(t, exitDone).out; strings.Contains(got, "at most;") || strings.Count(got, " sub-") != sampleSize {
		t.Errorf("it says\n%s", got)
	}
}
