package purge

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/retention"
)

// Records are the class tables, as a purge reads them.
type Records interface {
	// DueBefore yields the entries of one shard of an index before a time,
	// oldest first. It starts after the given entry (the zero entry: at the
	// beginning), reads atOnce entries at a time and ends with the first error.
	// The index lags behind the table by moments: an entry is a reason to read
	// the record, never to delete it.
	DueBefore(ctx context.Context, class string, by Index, shard string, before time.Time, after Due, atOnce int) iter.Seq2[Due, error]
	// Load reads at most MaxDeletes records strongly and returns the existing
	// ones by id. The second answer holds the unreadable records.
	Load(ctx context.Context, class string, ids []string) (map[string]retention.Stored, map[string]error, error)
	Scanner
	// Owners returns the records that own the objects, read strongly, by object.
	Owners(ctx context.Context, objects []string) (map[string]retention.Owner, error)
	// Size is the number of records of the class, as last counted by the store.
	Size(ctx context.Context, class string) (int, error)
}

// Scanner reads a class table, also what no index shows.
type Scanner interface {
	// Scan reads one page of a segment of the table strongly, after the id given
	// ("" for the first page).
	Scan(ctx context.Context, class string, segment Segment, after string, limit int) (Scanned, error)
}

// Deleter is the only part of the system that deletes records.
type Deleter interface {
	// DeleteUnderFence deletes records under the condition that the shard's
	// fence is still at the epoch and at the run's turn, and each record under
	// the condition that it is unchanged in everything that decides about a
	// deletion. A record InTwoSteps is marked for the run instead, under the
	// same conditions. A changed record is left alone and the others are
	// deleted. The error wraps ErrFenceMoved when a hold was placed meanwhile or
	// the turn is over; everything in Deletion was done nevertheless.
	DeleteUnderFence(ctx context.Context, under Conditions, records []retention.Stored) (Deletion, error)
	// DeleteMarked deletes records that DeleteUnderFence marked for the run and whose
	// objects are gone, under the condition that the fence shows the run's turn, and
	// each record if the mark stands and the record is otherwise unchanged. The
	// record's claims on the objects in Claimed go with it. The epoch does not
	// matter. The error wraps ErrLockLost when the turn is over; everything in
	// Deletion was done nevertheless.
	DeleteMarked(ctx context.Context, under Conditions, records []retention.Stored) (Deletion, error)
}

// Holds are the legal holds and restrictions, and the fences.
type Holds interface {
	// Fenced reads a shard's fence, then all holds, strongly.
	Fenced(ctx context.Context, shard string) (Fenced, error)
	HeldRecords
}

// HeldRecords are the holds without their fences.
type HeldRecords interface {
	// Held returns the held ones of the targets, read strongly.
	Held(ctx context.Context, targets []retention.Target) (HeldTargets, error)
}

// Turns say which run of a class may delete. Every shard's fence shows a turn of
// every class, and a transaction that deletes is conditional on it. A turn on a
// fence only rises.
type Turns interface {
	// Raise raises the turn of the class on the fences of all shards. The error
	// wraps ErrLockLost if a fence shows a higher turn; all others are raised
	// nevertheless.
	Raise(ctx context.Context, class string, turn int64) error
	// Highest is the highest turn of the class that a fence shows, read strongly; 0
	// before the first.
	Highest(ctx context.Context, class string) (int64, error)
}

// Runs are the purges of every class, the active run of each class, and the chain of
// its certificates.
type Runs interface {
	// Get reads one run; the error wraps ErrNoRun if there is none.
	Get(ctx context.Context, class, id string) (Run, error)
	// List returns the runs of a class, by their ids.
	List(ctx context.Context, class string) ([]Run, error)
	// Start stores a planned run. Storing the same run again keeps the first
	// plan and returns it, so that a repeated plan step keeps its cutoff.
	Start(ctx context.Context, run Run) (Run, error)
	// Lock makes a run the active run of its class, unless another run is, and
	// returns the lock.
	Lock(ctx context.Context, class, run string) (Lock, error)
	// Unlock frees the run's lock. It does not touch the lock of another run.
	Unlock(ctx context.Context, class, run string) error
	// Head returns the hash of the class's newest certificate; empty before the first.
	Head(ctx context.Context, class string) (string, error)
	// Certify records how a run ended and makes its certificate the head of the
	// class's chain, if the head is still the certificate's previous one
	// (ErrChainMoved otherwise) and the run has no certificate yet.
	Certify(ctx context.Context, run Run, previous string) error
}

// HaltedPlans are the halted plans, at most one of each class.
type HaltedPlans interface {
	// Halt stores a halted plan, in place of an older one.
	Halt(ctx context.Context, plan HaltedPlan) error
	// Halted returns the class's halted plan; the error wraps ErrNoPlan if
	// there is none.
	Halted(ctx context.Context, class string) (HaltedPlan, error)
	// Keep stores the class's plan in place of itself; the error wraps ErrNoPlan if
	// another plan, or none, has taken its place.
	Keep(ctx context.Context, plan HaltedPlan) error
	// Forget removes the class's halted plan: a run passed the brake.
	Forget(ctx context.Context, class string) error
}

// Index names an order in which a class's records can be read.
type Index string

const (
	// ByStart holds the records with a start, in the order of their starts.
	ByStart Index = names.IndexDue
	// ByWithdrawal holds the withdrawn records, in the order of their
	// withdrawals.
	ByWithdrawal Index = names.IndexWithdrawn
	// ByActivity holds the running records, in the order of their last
	// activity. It makes no record due.
	ByActivity Index = names.IndexRunning
)

// Due is one entry of an index: the record's id and its sort key, a time.
type Due struct {
	ID   string
	Sort string
}

// Segment is one part of a class table for a parallel scan: Number is from 0 to
// Of-1.
type Segment struct{ Number, Of int }

// Scanned is one page of a segment.
type Scanned struct {
	Records    []retention.Stored
	Unreadable []string // ids of unreadable records
	Last       string   // the id to continue after; "" on the segment's last page
}

// Lock is the lock of a class. Each holder's Turn is TurnsOfRun above the turn
// of the holder before: a run deletes in its turn, and raising the fences by one
// ends that turn.
type Lock struct {
	Holder string // the active run
	Turn   int64
}

// TurnsOfRun is the distance between the turns of two runs.
const TurnsOfRun = 2

// MaxDeletes is how many records one transaction deletes beside its fence check.
const MaxDeletes = 99

var (
	// ErrFenceMoved means that a hold was placed or the run's turn ended since
	// the fence was read, and nothing was deleted. The caller must read the fence
	// and the holds again.
	ErrFenceMoved = errors.New("a hold was placed meanwhile")
	// ErrLockLost means that the run does not hold its class's lock any more:
	// the run was taken for dead, and must not delete.
	ErrLockLost = errors.New("the run lost the lock of its class")
)

// Conditions are the conditions of the transactions of one page.
type Conditions struct {
	Class, Run string
	Shard      string
	Epoch      int64 // of the shard's fence, read before the holds
	Turn       int64 // of the run
}

// Deletion is the result of one call: each id is in exactly one of the lists.
type Deletion struct {
	Deleted []string
	Marked  []string // passed their hold check; DeleteMarked deletes them after their objects
	Changed []string // kept: changed since they were read
	Gone    []string // deleted by another service, or by an earlier attempt
	Kept    []string // too large for the mark, or others were changing them at every attempt
}

// HeldTargets are the targets that a hold keeps. An unreadable hold keeps its
// target.
type HeldTargets map[retention.Target]bool

// Any reports whether a hold keeps any of the targets.
func (h HeldTargets) Any(targets []retention.Target) bool {
	return slices.ContainsFunc(targets, func(t retention.Target) bool { return h[t] })
}

// Fenced is everything that was held when a shard's fence was read. While the
// fence stays at the epoch no other hold is placed, although holds may have
// been lifted.
type Fenced struct {
	Epoch int64
	Turns map[string]int64 // class -> its turn; 0 before a run of the class deleted
	Held  HeldTargets
}

var (
	// ErrNoRun means that the class has no run of this name.
	ErrNoRun = errors.New("there is no such run")
	// ErrChainMoved means that another run of the class was certified
	// meanwhile: the certificate must be remade to follow the other run's.
	ErrChainMoved = errors.New("another run of the class was certified meanwhile")
)

// Run is one purge of one class, from its plan to its certificate, or one
// audit. Its JSON is the operator's view; the tag store has the names under which it is
// stored.
type Run struct {
	Class        string              `json:"class" store:"class"`
	ID           string              `json:"run" store:"run"` // the execution's name
	StartedAt    time.Time           `json:"startedAt" store:"startedAt"`
	ScheduledFor time.Time           `json:"scheduledFor,omitzero" store:"scheduledFor"` // zero for a run without a schedule
	Cutoff       time.Time           `json:"cutoff" store:"cutoff"`
	PolicyHash   string              `json:"-" store:"policyHash"` // of the policy that planned it
	PlanHash     string              `json:"planHash" store:"planHash"`
	Planned      int                 `json:"planned" store:"planned"`                             // number of due records
	Shares       []int               `json:"-" store:"shares,omitempty"`                          // how many records each shard may delete; nil if as many as are due
	StartedBy    string              `json:"startedBy,omitempty" store:"startedBy,omitempty"`     // the principal; empty for a scheduled run, or if unknown
	ApprovedBy   string              `json:"approvedBy,omitempty" store:"approvedBy,omitempty"`   // the principal; empty if no approval was needed
	UntilDone    bool                `json:"untilDone,omitempty" store:"untilDone,omitempty"`     // the approval covers every run until the backlog is gone
	Next         Next                `json:"-" store:"next,omitempty"`                            // the next step after the plan
	Withdrawn    bool                `json:"-" store:"withdrawn,omitempty"`                       // the brake halted it, but for the withdrawn records
	Turn         int64               `json:"-" store:"turn,omitempty"`                            // in which it may delete; 0 if it never held the lock of its class
	Reasons      []string            `json:"reasons,omitempty" store:"reasons,omitempty"`         // why it did not delete
	StopBy       string              `json:"stoppedBy,omitempty" store:"stopBy,omitempty"`        // the principal that stopped it; empty without a stop
	Outcome      certificate.Outcome `json:"outcome,omitempty" store:"outcome,omitempty"`         // empty until certified
	EndedAt      time.Time           `json:"endedAt,omitzero" store:"endedAt"`                    // zero until certified
	Counts       certificate.Counts  `json:"counts" store:"counts"`                               // zero until certified
	Certificate  string              `json:"certificate,omitempty" store:"certificate,omitempty"` // its certificate.Hash
	Audit        bool                `json:"audit,omitempty" store:"audit,omitempty"`             // it reads every record and deletes none
	Findings     map[string]int      `json:"findings,omitempty" store:"findings,omitempty"`       // of an audit: the number of records with each finding
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
