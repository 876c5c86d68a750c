package purge_test

import (
	"errors"
	"testing"
	"time"

	"stille/shared/purge"
)

func TestOnlyFreshPlanApprovedByAnotherMayRun(t *testing.T) {
	halted := time.Date(2026, 11, 15, 3, 30, 0, 0, time.UTC)
	last := halted.Add(7 * 24 * time.Hour)
	plan := purge.HaltedPlan{PolicyHash: "p", HaltedAt: halted, StartedBy: "starter", ApprovedBy: "operator"}
	for name, c := range map[string]struct {
		change        func(*purge.HaltedPlan)
		policy        string
		now           time.Time
		approve, runs error
	}{
		"approved in time":          {func(*purge.HaltedPlan) {}, "p", last, nil, nil},
		"started by a schedule":     {func(p *purge.HaltedPlan) { p.StartedBy = "" }, "p", last, nil, nil},
		"a moment too late":         {func(*purge.HaltedPlan) {}, "p", last.Add(1), purge.ErrPlanTooOld, purge.ErrPlanTooOld},
		"approved by its starter":   {func(p *purge.HaltedPlan) { p.StartedBy = "operator" }, "p", last, purge.ErrOwnApproval, purge.ErrOwnApproval},
		"not approved":              {func(p *purge.HaltedPlan) { p.ApprovedBy = "" }, "p", last, nil, purge.ErrNotApproved},
		"planned by another policy": {func(*purge.HaltedPlan) {}, "q", last, nil, purge.ErrOtherPlanPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan
			c.change(&p)
			if err := p.MayApprove("operator", c.now); !errors.Is(err, c.approve) {
				t.Errorf("may approve: %v, want %v", err, c.approve)
			}
			if err := p.MayRun(c.policy, c.now); !errors.Is(err, c.runs) {
				t.Errorf("may run: %v, want %v", err, c.runs)
			}
		})
	}
}
