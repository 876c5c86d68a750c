package operator

import (
	"context"
	"time"

	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Records is the class tables.
type Records interface {
	purge.Records
	// Get's error wraps retention.ErrNoRecord or retention.ErrUnreadable.
	Get(ctx context.Context, class, id string) (retention.Stored, error)
	// OfSubject returns the ids of a contact's records. It lags behind by moments.
	OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error)
	// Document returns a record with everything that is stored of it. Its error
	// wraps retention.ErrNoRecord.
	Document(ctx context.Context, class, id string) (retention.Document, error)
	// Slot returns the id of the contact's only record in a scope, or "".
	Slot(ctx context.Context, class string, subject contact.Key, in scope.Scope) (string, error)
}

// Holds is the legal holds and restrictions.
type Holds interface {
	purge.Holds
	// Set places holds. Once it returns without an error no purge deletes what
	// they cover in these classes, except the records that it returns. After an
	// error the holds may stand already, and must be set again.
	Set(ctx context.Context, classes []string, holds []retention.Hold) (tooLate []retention.Target, err error)
	// Lift lifts every hold of a case that stands, and counts them.
	Lift(ctx context.Context, caseID string, at time.Time) (int, error)
	// List returns all holds, lifted ones too, ordered by case and target.
	List(ctx context.Context) ([]retention.Hold, error)
}

// Runs is the purges and audits there were, and the halted plans.
type Runs interface {
	// Get's error wraps purge.ErrNoRun where the class has no such run.
	Get(ctx context.Context, class, id string) (purge.Run, error)
	List(ctx context.Context, class string) ([]purge.Run, error)
	// Stop's error wraps purge.ErrNoRun where the run has ended.
	Stop(ctx context.Context, class, run, by string) error
	// Waiting's error wraps purge.ErrNoPlan where the class has no halted plan.
	Halted(ctx context.Context, class string) (purge.HaltedPlan, error)
	// Approve records one approval of the halted plan of this hash. Its error
	// wraps purge.ErrNoPlan where there is no such plan. It does not ask who may.
	Approve(ctx context.Context, class, planHash, by string, at time.Time) error
}
