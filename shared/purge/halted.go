package purge

import (
	"errors"
	"time"
)

var (
	// ErrNoPlan means that the class has no halted plan of this name: a newer
	// plan replaced it, it was approved before, or it is too old.
	ErrNoPlan = errors.New("no such plan waits for an approval")
	// ErrOwnApproval means that the approver is, or may be, the person who started or
	// scheduled the run that was halted.
	ErrOwnApproval = errors.New("the person who started or scheduled the halted run may not approve it: another operator must")
	// ErrUnnamed means that the approver's session has no name that somebody chose.
	ErrUnnamed = errors.New("your session does not say who you are: sign in as a user, or choose a session name (AWS_ROLE_SESSION_NAME, role_session_name) and approve again")
	// ErrPlanTooOld means that the plan was halted longer than ApprovableFor
	// ago.
	ErrPlanTooOld = errors.New("the plan is over seven days old")
	// ErrNotApproved means that nobody approved the plan.
	ErrNotApproved = errors.New("the plan was not approved")
	// ErrOtherPlanPolicy means that the plan was made under another policy than
	// the deployed one.
	ErrOtherPlanPolicy = errors.New("the policy changed since the plan was made")
)

// ApprovableFor is how long a halted plan may be approved and run.
const ApprovableFor = 7 * 24 * time.Hour

// HaltedPlan is the plan of a class that the brake halted and that may be
// approved. A newer halted plan replaces it. Its JSON is the operator's view.
type HaltedPlan struct {
	Class      string    `json:"-"`
	Run        string    `json:"run"` // the halted run
	PlanHash   string    `json:"planHash"`
	PolicyHash string    `json:"-"`
	Cutoff     time.Time `json:"-"`
	Shards     []int     `json:"-"` // number of records of each shard that would be deleted
	Reasons    []string  `json:"reasons"`
	HaltedAt   time.Time `json:"haltedAt"`
	StartedBy  string    `json:"-"`                    // who started or scheduled the run; empty for the nightly schedule and a bare execution
	ApprovedBy string    `json:"approvedBy,omitempty"` // empty until the approval
	ApprovedAt time.Time `json:"-"`
	UntilDone  bool      `json:"untilDone,omitempty"` // the approval covers every run until the plan's records are gone: see backlog.go
}

// Approval is one person's approval of a halted plan.
type Approval struct {
	PlanHash  string
	By        string // the principal
	At        time.Time
	UntilDone bool
}

// TooOld reports whether it is too late at now to approve or run the plan.
func (p HaltedPlan) TooOld(now time.Time) bool { return now.Sub(p.HaltedAt) > ApprovableFor }

// MayApprove returns nil if the principal, an ARN of STS, may approve the plan at
// now, else ErrUnnamed, ErrOwnApproval or ErrPlanTooOld. It is the only rule on who
// may approve. Everybody with a name may approve a run that nobody started. A
// starter that is no ARN is nobody: a bare execution can name any text.
func (p HaltedPlan) MayApprove(by string, now time.Time) error {
	who, known := parsePrincipal(by)
	starter, started := parsePrincipal(p.StartedBy)
	switch {
	case !known || !who.chosen:
		return ErrUnnamed
	case started && who.isPerson(starter):
		return ErrOwnApproval
	case p.TooOld(now):
		return ErrPlanTooOld
	}
	return nil
}

// MayRun returns nil if a run may carry out the plan at now under the policy of
// this hash, else the reason. An approval until done must be in time; its runs may
// be later.
func (p HaltedPlan) MayRun(policyHash string, now time.Time) error {
	if p.ApprovedBy == "" {
		return ErrNotApproved
	}
	if p.UntilDone {
		now = p.ApprovedAt
	}
	if err := p.MayApprove(p.ApprovedBy, now); err != nil {
		return err
	}
	if p.PolicyHash != policyHash {
		return ErrOtherPlanPolicy
	}
	return nil
}
