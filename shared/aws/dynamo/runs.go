package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
)

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
	haltedPlan  = noRun + "plan" // the halted plan
)

func runKey(class, run string) item {
	return item{names.AttrClass: text(class), names.AttrRun: text(run)}
}

// Start stores a planned run, or returns the first plan of this run.
func (r *Runs) Start(ctx context.Context, run purge.Run) (purge.Run, error) {
	isNew, err := write(ctx, r.db, "storing a run", put(r.table, encode(run, storeTags), absent(names.AttrRun)))
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
	var run purge.Run
	if err := decode(from, &run, storeTags); err != nil {
		return run, errUnreadable("a run")
	}
	return run, nil
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
	head := runKey(run.Class, headOfChain)
	head["certificate"] = text(run.Certificate)
	follows := absent("certificate")
	if previous != "" {
		follows = terms{where: "#certificate = :previous", values: item{":previous": text(previous)}}
	}
	err := send(ctx, r.db, put(r.table, head, follows), put(r.table, encode(run, storeTags), absent("certificate")))
	if reasons, ok := cancelled(err); ok && (failed(reasons[0], conditionFailed) || transient(reasons)) {
		return purge.ErrChainMoved
	}
	if err != nil {
		return fmt.Errorf("certifying a run: %w", err)
	}
	return nil
}

const (
	attrHolder = "holder" // lock: the run
	attrTurn   = "turn"   // lock: its turn
	attrStopBy = "stopBy"
)

// Lock is purge.Runs's. The item stays when the lock is free, because the turns
// only rise.
func (r *Runs) Lock(ctx context.Context, class, run string) (purge.Lock, error) {
	var lock purge.Lock
	out, err := r.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: runKey(class, lockOfClass),
		UpdateExpression:                    aws.String("SET #holder = :run ADD #turn :turns"),
		ConditionExpression:                 aws.String("attribute_not_exists(#holder)"),
		ExpressionAttributeNames:            map[string]string{"#holder": attrHolder, "#turn": attrTurn},
		ExpressionAttributeValues:           item{":run": text(run), ":turns": number(purge.TurnsOfRun)},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var held *types.ConditionalCheckFailedException
	var stored item
	switch {
	case err == nil:
		stored = out.Attributes
	case errors.As(err, &held): // perhaps by this run, in an earlier attempt
		stored = held.Item
	default:
		return lock, fmt.Errorf("locking a class: %w", err)
	}
	if err := attributevalue.UnmarshalMap(stored, &lock); err != nil || lock.Holder == "" {
		return lock, errUnreadable("the lock of a class")
	}
	return lock, nil
}

// Unlock is purge.Runs's.
func (r *Runs) Unlock(ctx context.Context, class, run string) error {
	_, err := write(ctx, r.db, "unlocking a class", update(r.table, runKey(class, lockOfClass), terms{
		set: "REMOVE #holder", where: "#holder = :run", values: item{":run": text(run)},
	}))
	return err
}

// Stop asks a run without a certificate to stop before its next page. The error
// wraps purge.ErrNoRun if the run does not exist or has ended.
func (r *Runs) Stop(ctx context.Context, class, run, by string) error {
	stop := setting(item{attrStopBy: text(by)})
	stop.where = "attribute_exists(#run) AND attribute_not_exists(#certificate)"
	done, err := write(ctx, r.db, "stopping a run", update(r.table, runKey(class, run), stop))
	if err == nil && !done {
		return purge.ErrNoRun
	}
	return err
}

// Stopped reports, by a strong read, whether an operator asked the run to stop.
func (r *Runs) Stopped(ctx context.Context, class, run string) (bool, error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.table, Key: runKey(class, run), ConsistentRead: aws.Bool(true),
		ProjectionExpression:     aws.String("#stop"),
		ExpressionAttributeNames: map[string]string{"#stop": attrStopBy},
	})
	if err != nil {
		return false, fmt.Errorf("asking whether a run must stop: %w", err)
	}
	return out.Item[attrStopBy] != nil, nil
}

// Halt stores a halted plan in place of an older one.
func (r *Runs) Halt(ctx context.Context, plan purge.HaltedPlan) error {
	return r.putPlan(ctx, plan, terms{})
}

// Keep is purge.HaltedPlans's.
func (r *Runs) Keep(ctx context.Context, plan purge.HaltedPlan) error {
	return r.putPlan(ctx, plan, terms{where: "#planHash = :hash", values: item{":hash": text(plan.PlanHash)}})
}

func (r *Runs) putPlan(ctx context.Context, plan purge.HaltedPlan, t terms) error {
	stored := encode(plan, storeTags)
	stored[names.AttrRun] = text(haltedPlan)
	done, err := write(ctx, r.db, "storing a halted plan", put(r.table, stored, t))
	if err == nil && !done {
		return purge.ErrNoPlan
	}
	return err
}

// Halted returns the class's halted plan. The error wraps purge.ErrNoPlan if
// there is none.
func (r *Runs) Halted(ctx context.Context, class string) (purge.HaltedPlan, error) {
	stored, err := get(ctx, r.db, r.table, runKey(class, haltedPlan), "reading a halted plan")
	switch {
	case err != nil:
		return purge.HaltedPlan{}, err
	case stored == nil:
		return purge.HaltedPlan{}, purge.ErrNoPlan
	}
	var plan purge.HaltedPlan
	if err := decode(stored, &plan, storeTags); err != nil {
		return purge.HaltedPlan{}, errUnreadable("a halted plan")
	}
	return r.approved(ctx, plan)
}

// Forget removes a class's halted plan.
func (r *Runs) Forget(ctx context.Context, class string) error {
	_, err := write(ctx, r.db, "removing a halted plan", remove(r.table, runKey(class, haltedPlan), terms{}))
	return err
}

// Clock returns DynamoDB's time; zero if the answer has none.
func (r *Runs) Clock(ctx context.Context) (time.Time, error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: runKey(noRun, noRun)})
	if err != nil {
		return time.Time{}, fmt.Errorf("asking the store for the time: %w", err)
	}
	at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
	return at, nil
}

// Size is the number of records of the class, as DynamoDB counts them about
// every six hours.
func (r *Records) Size(ctx context.Context, class string) (int, error) {
	out, err := r.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(r.stack.Records(class))})
	if err != nil {
		return 0, fmt.Errorf("asking how large a class is: %w", err)
	}
	return int(aws.ToInt64(out.Table.ItemCount)), nil
}

// approvalKey names the approval of a plan. A plan of the same contents that another
// run made needs its own approval. Approvals lie in separate partitions: IAM can tell
// partitions apart, so a policy can allow a principal to write runs and no approval, or
// an approval and no run.
func approvalKey(plan purge.HaltedPlan) item {
	return runKey(names.ApprovalPrefix+plan.Class, plan.PlanHash+noRun+plan.Run)
}

// Approve records the one approval of a halted plan. The error wraps
// purge.ErrNoPlan unless this plan is the class's halted plan. The caller must ask
// HaltedPlan.MayApprove before.
func (r *Runs) Approve(ctx context.Context, class string, approval purge.Approval) error {
	plan, err := r.Halted(ctx, class)
	if err != nil {
		return err
	}
	if plan.PlanHash != approval.PlanHash {
		return purge.ErrNoPlan
	}
	stored := encode(approval, storeTags)
	maps.Copy(stored, approvalKey(plan))
	done, err := write(ctx, r.db, "approving a plan", put(r.table, stored, terms{
		where: "attribute_not_exists(#approvedBy) OR #approvedBy = :by", values: item{":by": text(approval.By)},
	}))
	if err == nil && !done {
		return purge.ErrNoPlan
	}
	return err
}

// approved returns a plan with its approval, if there is one.
func (r *Runs) approved(ctx context.Context, plan purge.HaltedPlan) (purge.HaltedPlan, error) {
	stored, err := get(ctx, r.db, r.table, approvalKey(plan), "reading an approval")
	if err != nil {
		return plan, err
	}
	var approval purge.Approval
	if err := decode(stored, &approval, storeTags); err != nil {
		return plan, errUnreadable("an approval")
	}
	plan.ApprovedBy, plan.ApprovedAt, plan.UntilDone = approval.By, approval.At, approval.UntilDone
	return plan, nil
}
