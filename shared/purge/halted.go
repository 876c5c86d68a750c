package purge

import (
	"errors"
	"time"
)

// ErrNoPlan means that the class has no halted plan, or not the one that was
// named: the plan was replaced, approved before, or is too old.
var ErrNoPlan = errors.New("no such plan waits for an approval")

// ApprovableFor is how long a halted plan may be approved.
const ApprovableFor = 7 * 24 * time.Hour

// HaltedPlan is a plan that the brake halted: the one of its class that may be
// approved. A newer one takes its place.
type HaltedPlan struct {
	Class      string
	Run        string // the run that halted
	PlanHash   string
	PolicyHash string
	Cutoff     time.Time
	Shards     []int // due records of each
	Reasons    []string
	HaltedAt   time.Time
	StartedBy  string
	ApprovedBy string // empty until it is approved
	ApprovedAt time.Time
}
