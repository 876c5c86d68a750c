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
type Run struct {
	Class        string
	ID           string // the execution's name
	StartedAt    time.Time
	ScheduledFor time.Time // zero for a run that was started by hand
	Cutoff       time.Time
	PolicyHash   string // of the policy it was planned by
	PlanHash     string
	Planned      int                 // how many records were due
	CodeVersion  string              // of the code that planned it
	StartedBy    string              // the principal; empty where a schedule did, or nobody said
	ApprovedBy   string              // the principal; empty where no approval was needed
	Next         Next                // what follows the plan
	Reasons      []string            // why it does not delete: the brake's, or what stopped it
	StopBy       string              // the principal that asked it to stop; empty where nobody did
	Outcome      certificate.Outcome // empty until certified
	EndedAt      time.Time           // zero until certified
	Counts       certificate.Counts  // zero until certified
	Certificate  string              // its certificate.Hash
	Audit        bool                // it read every record and deleted none
	Findings     map[string]int      // of an audit: how many records, by what is wrong with them
}

// Certified reports whether the run has its certificate.
func (r Run) Certified() bool { return r.Certificate != "" }

// Next is what follows a run's plan.
type Next string

// What may follow a plan.
const (
	NextDelete Next = "delete" // the run deletes what is due
	NextHalt   Next = "halt"   // the brake halted it: it is only certified
	NextYield  Next = "yield"  // another run of the class is on: it is only certified
)
