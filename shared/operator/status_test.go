package operator

import (
	"testing"

	"stille/shared/certificate"
	"stille/shared/purge"
)

func TestMostUrgentClassIsAdvisedFirst(t *testing.T) {
	killed := ClassStatus{Class: "killed", NotCertified: []UncertifiedRun{{Run: "run-1"}}, Overdue: 1}
	halted := ClassStatus{Class: "halted", Halted: &HaltedPlan{HaltedPlan: purge.HaltedPlan{PlanHash: "hash"}}, Overdue: 1}
	failed := ClassStatus{Class: "failed", Last: &Run{Run: purge.Run{ID: "run-2", Outcome: certificate.Failed}}, Overdue: 1}
	overdue := ClassStatus{Class: "overdue", Overdue: 1}
	classes := []ClassStatus{{Class: "well"}, overdue, failed, halted, killed}
	for _, want := range []string{"stille purge run killed", "stille purge approve hash", "stille purge show run-2", "stille purge plan overdue", ""} {
		status := Status{Classes: classes}
		if got, _ := status.advice(); got != want {
			t.Errorf("the advice is %q, want %q", got, want)
		}
		classes = classes[:len(classes)-1]
	}
}
