package purge

import (
	"errors"
	"time"

	"stille/shared/certificate"
)

var (
	// ErrNoRun means that there is no such run of the class.
	ErrNoRun = errors.New("there is no such run")
	// ErrChainMoved means that another run of the class was certified meanwhile:
	// the certificate must be made again, on top of the other one.
	ErrChainMoved = errors.New("another run of the class was certified meanwhile")
)

// Run is one purge of one class, from its plan to its certificate, or one audit.
// Its JSON is what an operator sees of it.
type Run struct {
	Class        string              `json:"class"`
	ID           string              `json:"run"` // the execution's name
	StartedAt    time.Time           `json:"startedAt"`
	ScheduledFor time.Time           `json:"scheduledFor,omitzero"` // zero for a run that was started by hand
	Cutoff       time.Time           `json:"cutoff"`
	PolicyHash   string              `json:"-"` // of the policy that planned it
	PlanHash     string              `json:"planHash"`
	Planned      int                 `json:"planned"`               // how many records were due
	CodeVersion  string              `json:"-"`                     // of the code that planned it
	StartedBy    string              `json:"startedBy,omitempty"`   // the principal; empty where a schedule started it, or it is unknown
	ApprovedBy   string              `json:"approvedBy,omitempty"`  // the principal; empty where no approval was needed
	Next         Next                `json:"-"`                     // what follows the plan
	Reasons      []string            `json:"reasons,omitempty"`     // why it does not delete
	StopBy       string              `json:"stoppedBy,omitempty"`   // the principal that stopped it; empty where none did
	Outcome      certificate.Outcome `json:"outcome,omitempty"`     // empty until certified
	EndedAt      time.Time           `json:"endedAt,omitzero"`      // zero until certified
	Counts       certificate.Counts  `json:"counts"`                // zero until certified
	Certificate  string              `json:"certificate,omitempty"` // its certificate.Hash
	Audit        bool                `json:"audit,omitempty"`       // it read every record and deleted none
	Findings     map[string]int      `json:"findings,omitempty"`    // of an audit: how many records have each finding
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

// Next is what follows a run's plan.
type Next string

// What may follow a plan.
const (
	NextDelete Next = "delete" // the run deletes what is due
	NextHalt   Next = "halt"   // the brake halted it: it is only certified
	NextYield  Next = "yield"  // another run of the class is active: it is only certified
)
