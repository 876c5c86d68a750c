package purgetest

import (
	"context"
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Stores are the stores that a purge works on, with ways for tests around their
// rules: in memory (NewStores), or in DynamoDB (dynamotest).
type Stores struct {
	Records Records
	Deleter purge.Deleter
	Holds   Holds
	Runs    Runs
	List    List
	Tables
}

// Records are the class tables, as all functions of the system use them.
type Records interface {
	purge.Records
	Put(ctx context.Context, class string, record retention.Record, may func(stored retention.Record) error, only ...contact.Key) (retention.Outcome, error)
	Get(ctx context.Context, class, id string) (retention.Stored, error)
	Stamp(ctx context.Context, class string, record retention.Stored, sort string) error
	Remember(ctx context.Context, class string, record retention.Stored, first time.Time) (bool, error)
	Withdraw(ctx context.Context, class string, record retention.Stored, at time.Time) (bool, error)
	End(ctx context.Context, class, id string, decide func(stored retention.Record) (retention.Record, error)) error
	Claim(ctx context.Context, class string, record retention.Stored) (bool, error)
	Leave(ctx context.Context, class, id string) error
	ClaimObjects(ctx context.Context, class string, record retention.Stored, older retention.Record) (bool, error)
	Slot(ctx context.Context, class string, subject contact.Key, in scope.Scope) (string, error)
	Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error)
}

// Holds are the holds, with the operator's methods.
type Holds interface {
	purge.Holds
	purge.Turns
	Fence(ctx context.Context, shard string) (int64, error)
	Set(ctx context.Context, classes []string, holds []retention.Hold) (retention.Placed, error)
	Lift(ctx context.Context, which func(retention.Hold) bool, at time.Time, by string) ([]retention.Hold, error)
	List(ctx context.Context) ([]retention.Hold, error)
	History(ctx context.Context, caseID string) ([]retention.Hold, error)
	Events(ctx context.Context) ([]retention.Hold, error)
	Restore(ctx context.Context, classes []string, repairs []retention.HoldRepair) (retention.Placed, error)
}

// Runs are the runs, with the operator's methods.
type Runs interface {
	purge.Runs
	purge.HaltedPlans
	Stopped(ctx context.Context, class, run string) (bool, error)
	Stop(ctx context.Context, class, run, by string) error
	Approve(ctx context.Context, class string, approval purge.Approval) error
}

// List is the suppression list.
type List interface {
	purge.List
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

// Tables give a test ways around the rules of the stores.
type Tables interface {
	// Plant writes items into a class table as another service would that does
	// not know the rules.
	Plant(t testing.TB, class string, items ...map[string]any)
	// Remove deletes an item of a class table as its owner would.
	Remove(t testing.TB, class, id string)
	// Items are the items of a class table, by their ids.
	Items(t testing.TB, class string) map[string]map[string]any
	// SpoilSuppression makes the suppression of a contact unreadable.
	SpoilSuppression(t testing.TB, key contact.Key)
	// Dump is the content of every table except the class tables, as text.
	Dump(t testing.TB) string
	// Intercept returns the same stores. They call before with the name of
	// DynamoDB's operation ("TransactWriteItems") when a request begins. If
	// before returns an error, the request returns it and does nothing.
	Intercept(before func(operation string) error) Stores
}
