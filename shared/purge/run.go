package purge

import (
	"errors"
	"time"

	"stille/shared/certificate"
)

var (
	// ErrNoRun means that the class has no run of this name.
	ErrNoRun = errors.New("there is no such run")
	// ErrChainMoved means that another run of the class was certified
	// meanwhile: the certificate must be remade to follow the other run's.
	ErrChainMoved = errors.New("another run of the class was certified meanwhile")
)

// Run is one purge of one class, from its plan to its certificate, or one
// audit. Its JSON is the operator's view.
type Run struct {
	Class        string              `json:"class"`
	ID           string              `json:"run"` // the execution's name
	StartedAt    time.Time           `json:"startedAt"`
	ScheduledFor time.Time           `json:"scheduledFor,omitzero"` // zero for a run without a schedule
	Cutoff       time.Time           `json:"cutoff"`
	PolicyHash   string              `json:"-"` // of the policy that planned it
	PlanHash     string              `json:"planHash"`
	Planned      int                 `json:"planned"`               // number of due records
	Shares       []int               `json:"-"`                     // how many records each shard may delete; nil if as many as are due
	StartedBy    string              `json:"startedBy,omitempty"`   // the principal; empty for a scheduled run, or if unknown
	ApprovedBy   string              `json:"approvedBy,omitempty"`  // the principal; empty if no approval was needed
	UntilDone    bool                `json:"untilDone,omitempty"`   // the approval covers every run until the backlog is gone
	Next         Next                `json:"-"`                     // the next step after the plan
	Withdrawn    bool                `json:"-"`                     // the brake halted it, but for the withdrawn records
	Turn         int64               `json:"-"`                     // in which it may delete; 0 if it never held the lock of its class
	Reasons      []string            `json:"reasons,omitempty"`     // why it did not delete
	StopBy       string              `json:"stoppedBy,omitempty"`   // the principal that stopped it; empty without a stop
	Outcome      certificate.Outcome `json:"outcome,omitempty"`     // empty until certified
	EndedAt      time.Time           `json:"endedAt,omitzero"`      // zero until certified
	Counts       certificate.Counts  `json:"counts"`                // zero until certified
	Certificate  string              `json:"certificate,omitempty"` // its certificate.Hash
	Audit        bool                `json:"audit,omitempty"`       // it reads every record and deletes none
	Findings     map[string]int      `json:"findings,omitempty"`    // of an audit: the number of records with each finding
}

// Certified reports whether the run has its certificate.
func (r Run) Certified() bool { return r.Certificate != "" }

// Faults is how many findings of an audit are faults of the system itself.
func (r Run) Faults() int {
	faults := 0
	for _, finding := range Every() {
		if finding.Fault() {
			faults += r.Findings[string(finding)]
		}
	}
	return faults
}

// Next is the step after a run's plan.
type Next string

// The steps after a plan.
const (
	NextDelete Next = "delete" // the run deletes due records
	NextHalt   Next = "halt"   // the brake halted the run: it is only certified
	NextYield  Next = "yield"  // another run of the class is active: this run is only certified
)
