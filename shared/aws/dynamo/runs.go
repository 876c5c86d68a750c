package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
)

// storedRun is a purge.Run as stored.
type storedRun struct {
	Class        string              `dynamodbav:"class"`
	ID           string              `dynamodbav:"run"`
	StartedAt    time.Time           `dynamodbav:"startedAt"`
	ScheduledFor time.Time           `dynamodbav:"scheduledFor"`
	Cutoff       time.Time           `dynamodbav:"cutoff"`
	PolicyHash   string              `dynamodbav:"policyHash"`
	PlanHash     string              `dynamodbav:"planHash"`
	Planned      int                 `dynamodbav:"planned"`
	Shares       []int               `dynamodbav:"shares,omitempty"`
	StartedBy    string              `dynamodbav:"startedBy,omitempty"`
	ApprovedBy   string              `dynamodbav:"approvedBy,omitempty"`
	UntilDone    bool                `dynamodbav:"untilDone,omitempty"`
	Next         purge.Next          `dynamodbav:"next,omitempty"`
	Withdrawn    bool                `dynamodbav:"withdrawn,omitempty"`
	Turn         int64               `dynamodbav:"turn,omitempty"`
	Reasons      []string            `dynamodbav:"reasons,omitempty"`
	StopBy       string              `dynamodbav:"stopBy,omitempty"`
	Outcome      certificate.Outcome `dynamodbav:"outcome,omitempty"`
	EndedAt      time.Time           `dynamodbav:"endedAt"`
	Counts       certificate.Counts  `dynamodbav:"counts"`
	Certificate  string              `dynamodbav:"certificate,omitempty"`
	Audit        bool                `dynamodbav:"audit,omitempty"`
	Findings     map[string]int      `dynamodbav:"findings,omitempty"`
}

// storedPlan is a purge.HaltedPlan as stored, but for its approval: see
// storedApproval.
type storedPlan struct {
	Class      string    `dynamodbav:"class"`
	Run        string    `dynamodbav:"haltedRun"`
	PlanHash   string    `dynamodbav:"planHash"`
	PolicyHash string    `dynamodbav:"policyHash"`
	Cutoff     time.Time `dynamodbav:"cutoff"`
	Shards     []int     `dynamodbav:"shards"`
	Reasons    []string  `dynamodbav:"reasons"`
	HaltedAt   time.Time `dynamodbav:"haltedAt"`
	StartedBy  string    `dynamodbav:"startedBy,omitempty"`
	ApprovedBy string    `dynamodbav:"-"`
	ApprovedAt time.Time `dynamodbav:"-"`
	UntilDone  bool      `dynamodbav:"-"`
}

// Runs are the purges and audits of all classes, and the halted plans.
type Runs struct {
	db    *dynamodb.Client
	table string
}

// NewRuns returns the runs of a stack.
func NewRuns(db *dynamodb.Client, stack names.Tables) *Runs {
	return &Runs{db: db, table: stack.Table(names.TableRuns)}
}

// Sort keys of the items of a class that are not runs. The name of an execution has
// no #.
const (
	noRun       = "#"
	headOfChain = noRun + "head" // its "certificate" is the hash of the newest certificate
	lockOfClass = noRun + "lock" // its "holder" is the active run, and its "turn" the turn of the last holder
	haltedPlan  = noRun + "plan" // the storedPlan
)

func runKey(class, run string) item {
	return item{names.AttrClass: text(class), names.AttrRun: text(run)}
}

// Start stores a planned run, or returns the first plan of this run.
func (r *Runs) Start(ctx context.Context, run purge.Run) (purge.Run, error) {
	stored, err := attributevalue.MarshalMap(storedRun(run))
	if err != nil {
		return run, fmt.Errorf("storing a run: %w", err)
	}
	isNew, err := write(ctx, r.db, "storing a run", put(r.table, stored, absent(names.AttrRun)))
	if err == nil && !isNew {
		return r.Get(ctx, run.Class, run.ID)
	}
	return run, err
}

// Get reads one run. The error wraps purge.ErrNoRun if there is none.
func (r *Runs) Get(ctx context.Context, class, id string) (purge.Run, error) {
	stored, err := get(ctx, r.db, r.table, runKey(class, id), "reading a run")
	switch {
	case err != nil:
		return purge.Run{}, err
	case stored == nil:
		return purge.Run{}, purge.ErrNoRun
	}
	return decodeRun(stored)
}

func decodeRun(from item) (purge.Run, error) {
	var run storedRun
	if err := attributevalue.UnmarshalMap(from, &run); err != nil {
		return purge.Run(run), errUnreadable("a run")
	}
	return purge.Run(run), nil
}

// List returns the runs of a class, by their ids.
func (r *Runs) List(ctx context.Context, class string) ([]purge.Run, error) {
	all, err := decodeAll(query(ctx, r.db, having(r.table, names.AttrClass, class), "listing runs"), decodeRun)
	return slices.DeleteFunc(all, func(run purge.Run) bool { return strings.HasPrefix(run.ID, noRun) }), err
}

// Head returns the hash of the class's newest certificate; empty before the first.
func (r *Runs) Head(ctx context.Context, class string) (string, error) {
	run, err := r.Get(ctx, class, headOfChain)
	if err != nil && !errors.Is(err, purge.ErrNoRun) {
		return "", err
	}
	return run.Certificate, nil
}

// Certify is purge.Runs's.
func (r *Runs) Certify(ctx context.Context, run purge.Run, previous string) error {
	stored, err := attributevalue.MarshalMap(storedRun(run))
	if err != nil {
		return fmt.Errorf("certifying a run: %w", err)
	}
	head := runKey(run.Class, headOfChain)
	head["certificate"] = text(run.Certificate)
	follows := absent("certificate")
	if previous != "" {
		follows = terms{where: "#certificate = :previous", values: item{":previous": text(previous)}}
	}
	err = send(ctx, r.db, put(r.table, head, follows), put(r.table, stored, absent("certificate")))
	if reasons, ok := cancelled(err); ok && (failed(reasons[0], conditionFailed) || transient(reasons)) {
		return purge.ErrChainMoved
	}
	if err != nil {
		return fmt.Errorf("certifying a run: %w", err)
	}
	return nil
}
