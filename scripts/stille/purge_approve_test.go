package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/purge"
)

var aPlan = strings.Repeat("ab", 32)

// halted stores a halted plan.
func (m memory) halted(t *testing.T, startedBy string, at time.Time) {
	t.Helper()
	err := m.Runs.Halt(t.Context(), purge.HaltedPlan{
		Class: "messaging", Run: "run-0", PlanHash: aPlan, Cutoff: at, Shards: []int{1001}, HaltedAt: at, StartedBy: startedBy,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHaltedPurgeNamesItsApproval(t *testing.T) {
	m := inMemory(t)
	m.runsTo(t, certificate.Halted, certificate.Counts{Due: 2})
	got := m.run(t, "purge", "run", "messaging").ended(t, exitHalted)
	if !strings.Contains(got.out, "stille purge approve abc") {
		t.Errorf("it says\n%s", got.out)
	}
}

func TestApprovedPlanIsPurgedAndFollowed(t *testing.T) {
	m := inMemory(t)
	m.halted(t, "arn:aws:iam::1:user/starter", at)
	m.runsTo(t, certificate.Completed, certificate.Counts{Due: 1, Deleted: 1}, "k")
	m.run(t, "purge", "approve", aPlan).ended(t, exitDone)
	plan, err := m.Runs.Halted(t.Context(), "messaging")
	if err != nil || plan.ApprovedBy != m.Who || !plan.ApprovedAt.Equal(at) {
		t.Errorf("approved by %q at %v, error %v", plan.ApprovedBy, plan.ApprovedAt, err)
	}
	if diff := cmp.Diff([]operatortest.Start{{Class: "messaging", By: m.Who, Approved: aPlan}}, m.Started); diff != "" {
		t.Errorf("started (-want +got)\n%s", diff)
	}
}

func TestApproverWithoutTheRightLeavesTheStart(t *testing.T) {
	m := inMemory(t)
	m.halted(t, "arn:aws:iam::1:user/starter", at)
	m.Refuses = operator.ErrMayNotStart
	got := m.run(t, "purge", "approve", aPlan).ended(t, exitDone)
	if !strings.Contains(got.out, "stille purge run messaging") {
		t.Errorf("it says\n%s", got.out)
	}
	m.Refuses = nil
	m.runsTo(t, certificate.Completed, certificate.Counts{Due: 1, Deleted: 1}, "k")
	m.run(t, "purge", "run", "messaging").ended(t, exitDone)
	if diff := cmp.Diff([]operatortest.Start{{Class: "messaging", By: m.Who, Approved: aPlan}}, m.Started); diff != "" {
		t.Errorf("started (-want +got)\n%s", diff)
	}
}

// The run of an approval until done may have ended: its stop ends the approval.
func TestStopEndsAnApprovalUntilDone(t *testing.T) {
	for what, ended := range map[string]bool{"during a run": false, "between two runs": true} {
		t.Run(what, func(t *testing.T) {
			m := inMemory(t)
			m.halted(t, "", at)
			m.runsTo(t, certificate.Completed, certificate.Counts{Due: 1, Deleted: 1}, "k")
			m.run(t, "purge", "approve", aPlan, "--until-done").ended(t, exitDone)
			plan, err := m.Runs.Halted(t.Context(), "messaging")
			if err != nil || !plan.UntilDone {
				t.Fatalf("plan %+v, error %v", plan, err)
			}
			if got := m.run(t, "status"); !strings.Contains(got.out, "until done") || strings.Contains(got.out, "stille purge approve") {
				t.Errorf("status says\n%s", got.out)
			}
			run := runOf("run-2", 1)
			run.PlanHash, run.ApprovedBy, run.UntilDone = aPlan, m.Who, true
			m.start(t, run)
			m.Execute = func(context.Context, string) operator.Execution { return operator.Execution{Running: true} }
			want := "asked to stop"
			if ended {
				m.Certify(run, certificate.Completed, certificate.Counts{})
				want = "next: stille purge plan messaging"
			}
			got := m.run(t, "purge", "stop", "run-2").ended(t, exitDone)
			if !strings.Contains(got.out, "ended: the approval until done") || !strings.Contains(got.out, want) {
				t.Errorf("it says\n%s", got.out)
			}
			if _, err := m.Runs.Halted(t.Context(), "messaging"); !errors.Is(err, purge.ErrNoPlan) {
				t.Errorf("error %v", err)
			}
			if got := m.run(t, "purge", "show", "run-2"); !strings.Contains(got.out, m.Who+", until done") {
				t.Errorf("it shows\n%s", got.out)
			}
		})
	}
}

// A newer plan has taken the place of the run's plan: it must wait for its approval.
func TestStopLeavesAnotherPlanAlone(t *testing.T) {
	m := inMemory(t)
	m.halted(t, "", at)
	run := run1()
	run.PlanHash, run.UntilDone = "older", true
	m.start(t, run)
	if got := m.run(t, "purge", "stop", "run-1").ended(t, exitDone); strings.Contains(got.out, "ended: the approval") {
		t.Errorf("it says\n%s", got.out)
	}
	if _, err := m.Runs.Halted(t.Context(), "messaging"); err != nil {
		t.Error(err)
	}
}

func TestStopOfKilledRunNamesTheNextRun(t *testing.T) {
	for status, named := range map[string]string{"ABORTED": "ABORTED", "TIMED_OUT": "TIMED_OUT", "": "UNKNOWN"} {
		m := inMemory(t)
		m.start(t, run1())
		m.Execute = func(context.Context, string) operator.Execution { return operator.Execution{Status: status} }
		got := m.run(t, "purge", "stop", "run-1").ended(t, exitDone)
		for _, says := range []string{"was killed: its execution ended as " + named, "next: stille purge run messaging"} {
			if !strings.Contains(got.out, says) {
				t.Errorf("%q: it says\n%s", status, got.out)
			}
		}
		if stopped, err := m.Runs.Stopped(t.Context(), "messaging", "run-1"); err != nil || !stopped {
			t.Errorf("%q: stopped is %v, error %v", status, stopped, err)
		}
	}
}

func TestShortIDsNameWhatTheyBegin(t *testing.T) {
	m := inMemory(t)
	m.halted(t, "", at)
	m.runsTo(t, certificate.Completed, certificate.Counts{Due: 1, Deleted: 1}, "k")
	m.run(t, "purge", "approve", aPlan[:8]).ended(t, exitDone)
	if m.Started[0].Approved != aPlan {
		t.Errorf("approved %q", m.Started[0].Approved)
	}
	if got := m.run(t, "purge", "show", "run").ended(t, exitDone); !strings.Contains(got.out, "run-1\n") {
		t.Errorf("it shows %q", got.out)
	}
	m.start(t, runOf("run-2", 1))
	if got := m.run(t, "purge", "show", "run-").ended(t, exitUsage); !strings.Contains(got.errors, "the ids of 2 runs begin so") {
		t.Errorf("it says %q", got.errors)
	}
	m.run(t, "purge", "show", "run-2").ended(t, exitDone)
	m.run(t, "purge", "show", "nothing").ended(t, exitFailed)
}

func TestRefusedApprovalStartsNothing(t *testing.T) {
	for _, c := range []struct {
		name, hash, starter string
		haltedAt            time.Time
		code                int
		says                string
	}{
		{"by the starter of the run", aPlan, "arn:aws:iam::1:user/operator", at, exitFailed, "may not approve it"},
		{"by the starter in a session", aPlan, "arn:aws:sts::2:assumed-role/admin/operator", at, exitFailed, "may not approve it"},
		{"eight days later", aPlan, "", at.Add(-8 * 24 * time.Hour), exitFailed, "over seven days old"},
		{"another plan", strings.Repeat("cd", 32), "", at, exitFailed, "a later run may have refreshed the plan"},
		{"no hash at all", "abc", "", at, exitUsage, "64 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := inMemory(t)
			m.halted(t, c.starter, c.haltedAt)
			got := m.run(t, "purge", "approve", c.hash).ended(t, c.code)
			plan, err := m.Runs.Halted(t.Context(), "messaging")
			if !strings.Contains(got.errors, c.says) || len(m.Started) != 0 || err != nil || plan.ApprovedBy != "" {
				t.Errorf("it says %q, started %d, approved by %q", got.errors, len(m.Started), plan.ApprovedBy)
			}
		})
	}
}

func TestRunningPurgeIsAskedToStop(t *testing.T) {
	m := inMemory(t)
	m.start(t, run1())
	m.Execute = func(context.Context, string) operator.Execution { return operator.Execution{Running: true} }
	if got := m.run(t, "purge", "stop", "run-1").ended(t, exitDone); !strings.Contains(got.out, "asked to stop: run-1 of messaging") {
		t.Errorf("it says %q", got.out)
	}
	if stopped, err := m.Runs.Stopped(t.Context(), "messaging", "run-1"); err != nil || !stopped {
		t.Errorf("stopped is %v, error %v", stopped, err)
	}
	m.Certify(run1(), certificate.Stopped, certificate.Counts{})
	if got := m.run(t, "purge", "stop", "run-1").ended(t, exitFailed); !strings.Contains(got.errors, "has ended already") {
		t.Errorf("it says %q", got.errors)
	}
}
