package main

import (
	"context"
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/purge"
	"stille/shared/retention"
)

// memory is a stack in memory.
type memory struct{ *operatortest.Stack }

func inMemory(t *testing.T) memory { return memory{operatortest.New(t)} }

// stack is what a session opens.
func (m memory) stack() *stack { return &stack{Operator: m.Operator(clock)} }

// run calls the program on the stack.
func (m memory) run(t *testing.T, args ...string) call {
	t.Helper()
	return call{stack: m.stack()}.run(t, args...)
}

func (m memory) hold(t *testing.T, target retention.Target) {
	t.Helper()
	_, err := m.Holds.Set(t.Context(), []string{"messaging"}, []retention.Hold{{Case: "C-17", Reason: "claim", Kind: retention.Legal, Target: target, SetAt: at}})
	if err != nil {
		t.Fatal(err)
	}
}

// start stores a planned run.
func (m memory) start(t *testing.T, run purge.Run) {
	t.Helper()
	if _, err := m.Runs.Start(t.Context(), run); err != nil {
		t.Fatal(err)
	}
}

// run1 is the run that a started purge has.
func run1() purge.Run {
	return purge.Run{Class: "messaging", ID: "run-1", StartedAt: at, Cutoff: at, PlanHash: "abc", Planned: 2}
}

// looks makes the next executions run for some looks. The first look finds the
// run planned, and the last look calls end.
func (m memory) looks(t *testing.T, n int, planned purge.Run, end func() operator.Execution) {
	t.Helper()
	begun := false
	m.Execute = func(context.Context, string) operator.Execution {
		if !begun {
			begun = true
			m.start(t, planned)
		}
		if n--; n >= 0 {
			return operator.Execution{Running: true, Status: "RUNNING"}
		}
		return end()
	}
}

// runsTo makes the next purge end with the outcome.
func (m memory) runsTo(t *testing.T, outcome certificate.Outcome, counts certificate.Counts, deleted ...string) {
	t.Helper()
	m.looks(t, 100, run1(), func() operator.Execution {
		m.Certify(run1(), outcome, counts, deleted...)
		return operator.Execution{Status: "SUCCEEDED"}
	})
}

func day(year int, month time.Month, date int) time.Time {
	return time.Date(year, month, date, 12, 0, 0, 0, time.UTC)
}
