//go:build store

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/certificate"
	"stille/shared/purge"
)

var aPlan = strings.Repeat("ab", 32)

// halted lets a plan wait that somebody's run made.
func (d *deployed) halted(t *testing.T, startedBy string, at time.Time) {
	t.Helper()
	err := d.runs.Halt(t.Context(), purge.HaltedPlan{
		Class: "messaging", Run: "run-0", PlanHash: aPlan, Cutoff: at, Shards: []int{1001}, HaltedAt: at, StartedBy: startedBy,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAHaltedPurgeSaysHowToLetItGoOn(t *testing.T) {
	d := deploy(t)
	d.runsTo(t, certificate.Halted, types.ExecutionStatusFailed, certificate.Counts{Due: 2})
	got := d.run(t, "purge", "run", "messaging").ended(t, exitHalted)
	if !strings.Contains(got.out, "stille purge approve abc") {
		t.Errorf("it says\n%s", got.out)
	}
}

func TestAnApprovalIsRecordedAndItsPurgeFollowed(t *testing.T) {
	d := deploy(t)
	d.halted(t, "arn:aws:iam::1:user/starter", at)
	d.runsTo(t, certificate.Completed, types.ExecutionStatusSucceeded, certificate.Counts{Due: 1, Deleted: 1}, "k")
	d.run(t, "purge", "approve", aPlan).ended(t, exitDone)
	plan, err := d.runs.Halted(t.Context(), "messaging")
	if err != nil || plan.ApprovedBy != d.somebody.arn || !plan.ApprovedAt.Equal(at) {
		t.Errorf("approved by %q at %v, error %v", plan.ApprovedBy, plan.ApprovedAt, err)
	}
	want := `{"startedBy":"arn:aws:iam::1:user/operator","approved":"` + aPlan + `"}`
	if len(d.machines.started) != 1 || *d.machines.started[0].Input != want {
		t.Errorf("it started %d executions", len(d.machines.started))
	}
}

func TestWhoMayNotApproveStartsNothing(t *testing.T) {
	for _, c := range []struct {
		name, hash, starter string
		haltedAt            time.Time
		code                int
		says                string
	}{
		{"whoever started the run", aPlan, "arn:aws:iam::1:user/operator", at, exitFailed, "may not approve it"},
		{"eight days later", aPlan, "", at.Add(-8 * 24 * time.Hour), exitFailed, "over seven days old"},
		{"another plan", strings.Repeat("cd", 32), "", at, exitFailed, "a later run may have refreshed the plan"},
		{"no hash at all", "abc", "", at, exitUsage, "64 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t)
			d.halted(t, c.starter, c.haltedAt)
			got := d.run(t, "purge", "approve", c.hash).ended(t, c.code)
			plan, err := d.runs.Halted(t.Context(), "messaging")
			if !strings.Contains(got.errors, c.says) || len(d.machines.started) != 0 || err != nil || plan.ApprovedBy != "" {
				t.Errorf("it says %q, started %d, approved by %q", got.errors, len(d.machines.started), plan.ApprovedBy)
			}
		})
	}
}

func TestARunningPurgeIsAskedToStop(t *testing.T) {
	d := deploy(t)
	if _, err := d.runs.Start(t.Context(), run1()); err != nil {
		t.Fatal(err)
	}
	d.run(t, "purge", "stop", "run-1").ended(t, exitDone)
	if stopped, err := d.runs.Stopped(t.Context(), "messaging", "run-1"); err != nil || !stopped {
		t.Errorf("stopped is %v, error %v", stopped, err)
	}
	d.certify(t.Context(), t, run1(), certificate.Stopped, certificate.Counts{})
	if got := d.run(t, "purge", "stop", "run-1").ended(t, exitFailed); !strings.Contains(got.errors, "has ended already") {
		t.Errorf("it says %q", got.errors)
	}
}
