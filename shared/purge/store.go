package purge

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"stille/shared/names"
	"stille/shared/retention"
)

// Records are the class tables, as far as a purge reads them.
type Records interface {
	// DueBefore gives the entries of one shard of an index that sort before a
	// time, oldest first, after the entry given (the zero entry for all of them),
	// and reads atOnce of them at a time. It ends with the first error. The index
	// lags behind the table by moments: an entry says "look", never "delete".
	DueBefore(ctx context.Context, class string, by Index, shard string, before time.Time, after Due, atOnce int) iter.Seq2[Due, error]
	// Load reads at most MaxDeletes records strongly and returns those that exist
	// by id. A record that cannot be understood is in the second answer.
	Load(ctx context.Context, class string, ids []string) (map[string]retention.Stored, map[string]error, error)
	// Scan reads one page of a segment of the table strongly, after the id given
	// ("" for the first page).
	Scan(ctx context.Context, class string, segment Segment, after string, limit int) (Scanned, error)
	// Size is how many records the class has, as the store last counted them.
	Size(ctx context.Context, class string) (int, error)
}

// Deleter deletes records, and nothing else of the system does.
type Deleter interface {
	// DeleteUnderFence deletes records under the condition that the shard's fence
	// is still at the epoch, each under the condition that everything a deletion
	// is decided on is as it was read. A record InTwoSteps is marked for the run
	// instead, under the same conditions. A record that changed is left alone and
	// the others are deleted. The error wraps ErrFenceMoved when a hold was placed
	// meanwhile; what Deletion lists was done nevertheless.
	DeleteUnderFence(ctx context.Context, under Conditions, records []retention.Stored) (Deletion, error)
	// DeleteMarked deletes a record that DeleteUnderFence marked for the run and
	// whose objects are gone, if the mark stands and the record is otherwise as it
	// was read.
	DeleteMarked(ctx context.Context, class, run string, record retention.Stored) (Deletion, error)
}

// Holds are the legal holds and restrictions, and the fences.
type Holds interface {
	// Fenced reads a shard's fence, then all holds, strongly.
	Fenced(ctx context.Context, shard string) (Fenced, error)
	// Held returns those of the targets that are held, read strongly.
	Held(ctx context.Context, targets []retention.Target) (HeldTargets, error)
}

// Runs are the purges of every class, and which of them is active.
type Runs interface {
	// Get reads one run; the error wraps ErrNoRun where there is none.
	Get(ctx context.Context, class, id string) (Run, error)
	// List returns the runs of a class, by their ids.
	List(ctx context.Context, class string) ([]Run, error)
	// Start stores a planned run. Storing the same run again keeps the first plan
	// and returns it, so that a repeated plan step goes on with the same cutoff.
	Start(ctx context.Context, run Run) (Run, error)
	// Lock makes a run the active run of its class and returns the active run:
	// another run if that run was first. The lock of the run from, which is known
	// to have ended, may be taken over; from is empty where there is none.
	Lock(ctx context.Context, class, run, from string) (holder string, err error)
	// Unlock ends the run's lock. Where another run is active, it changes nothing.
	Unlock(ctx context.Context, class, run string) error
}

// Chain is the chain of a class's certificates.
type Chain interface {
	// Get reads one run; the error wraps ErrNoRun where there is none.
	Get(ctx context.Context, class, id string) (Run, error)
	// Head returns the hash of the class's newest certificate; empty before the first.
	Head(ctx context.Context, class string) (string, error)
	// Certify records how a run ended and makes its certificate the head of the
	// class's chain, provided that the head is still the certificate's previous
	// one (ErrChainMoved otherwise) and the run has no certificate yet.
	Certify(ctx context.Context, run Run, previous string) error
}

// HaltedPlans are the plans that the brake halted, at most one of each class.
type HaltedPlans interface {
	// Halt stores a halted plan, in place of an older one.
	Halt(ctx context.Context, plan HaltedPlan) error
	// Halted returns the class's halted plan; the error wraps ErrNoPlan where there
	// is none.
	Halted(ctx context.Context, class string) (HaltedPlan, error)
	// Forget removes the class's halted plan: a run passed the brake.
	Forget(ctx context.Context, class string) error
}

// Stops tells whether a run must stop.
type Stops interface {
	Stopped(ctx context.Context, class, run string) (bool, error)
}

// Index names one of the orders in which a class's records can be asked for.
type Index string

const (
	// ByStart holds the records whose retention started, by that start.
	ByStart Index = names.IndexDue
	// ByWithdrawal holds the records that were withdrawn, by that time.
	ByWithdrawal Index = names.IndexWithdrawn
	// ByActivity holds the running records, by when something last happened with
	// them. They are not due by it.
	ByActivity Index = names.IndexRunning
)

// Due is one entry of an index: the record's id, and the time it is due by, as
// it sorts.
type Due struct {
	ID   string
	Sort string
}

// Segment is one of the parts that a class table is divided into to be read
// as a whole: Number is from 0 up to but not including Of.
type Segment struct{ Number, Of int }

// Scanned is one page of a segment.
type Scanned struct {
	Records    []retention.Stored
	Unreadable []string // ids of records that cannot be understood
	Last       string   // the id to go on after; "" on the segment's last page
}

// MaxDeletes is how many records one transaction deletes beside its fence check.
const MaxDeletes = 99

// ErrFenceMoved means that a hold was placed since the fence was read, and
// nothing was deleted: read the fence and the holds again.
var ErrFenceMoved = errors.New("a hold was placed meanwhile")

// Conditions are what the transactions of one page of a purge stand under.
type Conditions struct {
	Class, Run string
	Shard      string
	Epoch      int64 // of the shard's fence, read before the holds
}

// Deletion is what became of the records of one call: each id is in exactly
// one of the lists.
type Deletion struct {
	Deleted  []string
	Marked   []string // past their hold check; after their objects, DeleteMarked deletes them
	Changed  []string // no longer as they were read; kept
	Gone     []string // deleted by another service, or by an attempt that was cut off
	Unmarked []string // too large for the mark; kept
}

// HeldTargets are the targets that a hold keeps. A hold that cannot be understood
// keeps its target.
type HeldTargets map[retention.Target]bool

// Any reports whether a hold keeps any of the targets.
func (h HeldTargets) Any(targets []retention.Target) bool {
	return slices.ContainsFunc(targets, func(t retention.Target) bool { return h[t] })
}

// Fenced is everything that was held when a shard's fence was read. While the fence
// stays at the epoch nothing else is held, although holds may have been lifted.
type Fenced struct {
	Epoch int64
	Held  HeldTargets
}
