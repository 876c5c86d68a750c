package purge

import (
	"errors"
	"time"
)

var (
	// ErrNoPlan means that the class has no halted plan, or not the one that was
	// named: a newer plan replaced it, it was approved before, or it is too old.
	ErrNoPlan = errors.New("no such plan waits for an approval")
	// ErrOwnApproval means that the approver started the run that was halted.
	ErrOwnApproval = errors.New("whoever started the run that was halted may not approve it: another operator must")
	// ErrPlanTooOld means that the plan was halted longer than ApprovableFor ago.
	ErrPlanTooOld = errors.New("the plan is over seven days old")
	// ErrNotApproved means that nobody approved the plan.
	ErrNotApproved = errors.New("the plan was not approved")
	// ErrOtherPlanPolicy means that the plan was made by another policy than the
	// one that is deployed.
	ErrOtherPlanPolicy = errors.New("the policy changed since the plan was made")
)

// ApprovableFor is how long a halted plan may be approved and run.
const ApprovableFor = 7 * 24 * time.Hour

// HaltedPlan is a plan that the brake halted: the one of its class that may be
// approved. A newer one takes its place. Its JSON is what an operator sees of it.
type HaltedPlan struct {
	Class      string    `json:"-"`
	Run        string    `json:"run"` // the run that halted
	PlanHash   string    `json:"planHash"`
	PolicyHash string    `json:"-"`
	Cutoff     time.Time `json:"-"`
	Shards     []int     `json:"-"` // due records of each
	Reasons    []string  `json:"reasons"`
	HaltedAt   time.Time `json:"haltedAt"`
	StartedBy  string    `json:"-"`
	ApprovedBy string    `json:"approvedBy,omitempty"` // empty until it is approved
	ApprovedAt time.Time `json:"-"`
}

// TooOld reports whether the plan may not be approved or run at now any more.
func (p HaltedPlan) TooOld(now time.Time) bool { return now.Sub(p.HaltedAt) > ApprovableFor }

// MayApprove returns nil if the principal may approve the plan at now, else
// ErrOwnApproval or ErrPlanTooOld.
func (p HaltedPlan) MayApprove(by string, now time.Time) error {
	switch {
	case by == p.StartedBy:
		return ErrOwnApproval
	case p.TooOld(now):
		return ErrPlanTooOld
	}
	return nil
}

// MayRun returns nil if a run may carry out the plan at now under the policy of
// this hash, else why not.
func (p HaltedPlan) MayRun(policyHash string, now time.Time) error {
	if p.ApprovedBy == "" {
		return ErrNotApproved
	}
	if err := p.MayApprove(p.ApprovedBy, now); err != nil {
		return err
	}
	if p.PolicyHash != policyHash {
		return ErrOtherPlanPolicy
	}
	return nil
}
