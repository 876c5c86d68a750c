package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/certificate"
	"stille/shared/names"
)

// ErrNoRun means that there is no such run of the class.
var ErrNoRun = errors.New("there is no such run")

// ErrChainMoved means that another run of the class was certified meanwhile:
// the certificate must be made again, on top of that one.
var ErrChainMoved = errors.New("another run of the class was certified meanwhile")

// Run is one purge of one class, from its plan to its certificate, or one audit.
type Run struct {
	Class        string              `dynamodbav:"class"`
	ID           string              `dynamodbav:"run"` // the execution's name
	StartedAt    time.Time           `dynamodbav:"startedAt"`
	ScheduledFor time.Time           `dynamodbav:"scheduledFor"` // zero for a run that was started by hand
	Cutoff       time.Time           `dynamodbav:"cutoff"`
	PolicyHash   string              `dynamodbav:"policyHash"` // of the policy it was planned by
	PlanHash     string              `dynamodbav:"planHash"`
	Planned      int                 `dynamodbav:"planned"`               // how many records were due
	CodeVersion  string              `dynamodbav:"codeVersion,omitempty"` // of the code that planned it
	StartedBy    string              `dynamodbav:"startedBy,omitempty"`   // the principal; empty where a schedule did, or nobody said
	ApprovedBy   string              `dynamodbav:"approvedBy,omitempty"`  // the principal; empty where no approval was needed
	Next         Next                `dynamodbav:"next,omitempty"`        // what follows the plan
	Reasons      []string            `dynamodbav:"reasons,omitempty"`     // why it does not delete: the brake's, or what stopped it
	StopBy       string              `dynamodbav:"stopBy,omitempty"`      // the principal that asked it to stop; empty where nobody did
	Outcome      certificate.Outcome `dynamodbav:"outcome,omitempty"`     // empty until certified
	EndedAt      time.Time           `dynamodbav:"endedAt"`               // zero until certified
	Counts       certificate.Counts  `dynamodbav:"counts"`                // zero until certified
	Certificate  string              `dynamodbav:"certificate,omitempty"` // its certificate.Hash
	Audit        bool                `dynamodbav:"audit,omitempty"`       // it read every record and deleted none
	Findings     map[string]int      `dynamodbav:"findings,omitempty"`    // of an audit: how many records, by what is wrong with them
}

// Next is what follows a run's plan.
type Next string

// What may follow a plan.
const (
	NextDelete Next = "delete" // the run deletes what is due
	NextHalt   Next = "halt"   // the brake halted it: it is only certified
	NextYield  Next = "yield"  // another run of the class is on: it is only certified
)

// Certified tells whether the run has its certificate.
func (r Run) Certified() bool { return r.Certificate != "" }

// Runs are the purges there were.
type Runs struct {
	db    *dynamodb.Client
	table string
}

// NewRuns returns the purges of a stack.
func NewRuns(db *dynamodb.Client, stack names.Stack) *Runs {
	return &Runs{db: db, table: stack.Runs()}
}

// Sort keys of the items of a class that are no runs: no execution's name has a
// # in it.
const (
	noRun       = "#"
	headOfChain = noRun + "head" // its "certificate" is the hash of the newest certificate
	lockOfClass = noRun + "lock" // its "holder" is the run that is on
	waitingPlan = noRun + "plan" // the Waiting plan
)

func runKey(class, run string) item {
	return item{names.AttrClass: text(class), names.AttrRun: text(run)}
}

// Start stores a planned run. Storing the same one again keeps the first plan
// and returns it, so that a repeated plan step goes on with the same cutoff.
func (r *Runs) Start(ctx context.Context, run Run) (Run, error) {
	stored, err := attributevalue.MarshalMap(run)
	if err != nil {
		return run, fmt.Errorf("storing a run: %w", err)
	}
	_, err = r.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.table, Item: stored,
		ConditionExpression:      aws.String("attribute_not_exists(#run)"),
		ExpressionAttributeNames: map[string]string{"#run": names.AttrRun},
	})
	var there *types.ConditionalCheckFailedException
	if errors.As(err, &there) {
		return r.Get(ctx, run.Class, run.ID)
	}
	if err != nil {
		return run, fmt.Errorf("storing a run: %w", err)
	}
	return run, nil
}

// Get reads one run; the error wraps ErrNoRun where there is none.
func (r *Runs) Get(ctx context.Context, class, id string) (Run, error) {
	var run Run
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: runKey(class, id), ConsistentRead: aws.Bool(true)})
	switch {
	case err != nil:
		return run, fmt.Errorf("reading a run: %w", err)
	case out.Item == nil:
		return run, ErrNoRun
	}
	if err := attributevalue.UnmarshalMap(out.Item, &run); err != nil {
		return run, errUnreadable("a run")
	}
	return run, nil
}

// List returns the runs of a class, by their ids.
func (r *Runs) List(ctx context.Context, class string) ([]Run, error) {
	pages := dynamodb.NewQueryPaginator(r.db, &dynamodb.QueryInput{
		TableName:                 &r.table,
		KeyConditionExpression:    aws.String("#class = :class"),
		ExpressionAttributeNames:  map[string]string{"#class": names.AttrClass},
		ExpressionAttributeValues: item{":class": text(class)},
		ConsistentRead:            aws.Bool(true),
	})
	var runs []Run
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing runs: %w", err)
		}
		var some []Run
		if err := attributevalue.UnmarshalListOfMaps(page.Items, &some); err != nil {
			return nil, errUnreadable("a run")
		}
		runs = append(runs, slices.DeleteFunc(some, func(r Run) bool { return strings.HasPrefix(r.ID, noRun) })...)
	}
	return runs, nil
}

// Head returns the hash of the class's newest certificate; empty before the first.
func (r *Runs) Head(ctx context.Context, class string) (string, error) {
	run, err := r.Get(ctx, class, headOfChain)
	if err != nil && !errors.Is(err, ErrNoRun) {
		return "", err
	}
	return run.Certificate, nil
}

// Certify records how a run ended and makes its certificate the head of the
// class's chain, provided that the head is still the certificate's previous
// one (ErrChainMoved otherwise) and the run has no certificate yet.
func (r *Runs) Certify(ctx context.Context, run Run, previous string) error {
	stored, err := attributevalue.MarshalMap(run)
	if err != nil {
		return fmt.Errorf("certifying a run: %w", err)
	}
	head := runKey(run.Class, headOfChain)
	head["certificate"] = text(run.Certificate)
	putHead := &types.Put{
		TableName: &r.table, Item: head,
		ConditionExpression:      aws.String("attribute_not_exists(#certificate)"),
		ExpressionAttributeNames: map[string]string{"#certificate": "certificate"},
	}
	if previous != "" {
		putHead.ConditionExpression = aws.String("#certificate = :previous")
		putHead.ExpressionAttributeValues = item{":previous": text(previous)}
	}
	_, err = r.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: putHead},
		{Put: &types.Put{
			TableName: &r.table, Item: stored,
			ConditionExpression:      aws.String("attribute_not_exists(#certificate)"),
			ExpressionAttributeNames: map[string]string{"#certificate": "certificate"},
		}},
	}})
	if reasons, ok := cancelled(err); ok && (failed(reasons[0], conditionFailed) || transient(reasons)) {
		return ErrChainMoved
	}
	if err != nil {
		return fmt.Errorf("certifying a run: %w", err)
	}
	return nil
}
