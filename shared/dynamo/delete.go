package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/schema"
)

// MaxDeletes is how many records one transaction deletes beside its fence check.
const MaxDeletes = 99

// ErrFenceMoved means that a hold was placed since the fence was read, and
// nothing was deleted: read the fence and the holds again.
var ErrFenceMoved = errors.New("a hold was placed meanwhile")

// Deletion is what became of the records of one DeleteUnderFence: each id is
// in exactly one of the lists.
type Deletion struct {
	Deleted []string
	Changed []string // no longer as they were read; kept
	Gone    []string // deleted by somebody else, or by an attempt that was cut off
}

// Deleter is what deletes records, and nothing else of the system does.
type Deleter struct {
	db    *dynamodb.Client
	stack schema.Stack
}

// NewDeleter returns the deleter of a stack.
func NewDeleter(db *dynamodb.Client, stack schema.Stack) *Deleter {
	return &Deleter{db: db, stack: stack}
}

// DeleteUnderFence deletes records in transactions under the condition that
// the shard's fence is still at epoch, each record under the condition that
// its start, withdrawal, subject and time are as they were read. A record that
// changed is left alone and the others go. The error wraps ErrFenceMoved when
// a hold was placed meanwhile; what Deletion lists was done all the same.
func (d *Deleter) DeleteUnderFence(ctx context.Context, class, shard string, epoch int64, records []Stored) (Deletion, error) {
	var done Deletion
	most := MaxDeletes
	for n := 0; len(records) > 0; {
		page := records[:min(most, len(records))]
		err := d.deletePage(ctx, class, shard, epoch, page)
		reasons, wasCancelled := cancelled(err)
		switch {
		case err == nil:
			for _, r := range page {
				done.Deleted = append(done.Deleted, r.ID)
			}
			records, n = records[len(page):], 0
		case wasCancelled && len(reasons) > 0 && failed(reasons[0], conditionFailed):
			return done, ErrFenceMoved
		case wasCancelled && transient(reasons):
			if n++; n == attempts {
				return done, fmt.Errorf("deleting records: %w", ErrContended)
			}
			if err := pause(ctx, n); err != nil {
				return done, err
			}
		case tooLarge(err, reasons) && len(page) > 1:
			most = len(page) / 2
		case wasCancelled:
			left, dropped := done.drop(page, reasons)
			if dropped == 0 {
				return done, fmt.Errorf("deleting records: %w", err)
			}
			records = append(left, records[len(page):]...)
		default:
			return done, fmt.Errorf("deleting records: %w", err)
		}
	}
	return done, nil
}

// drop lists the records of a cancelled page whose own condition failed and
// returns the others.
func (d *Deletion) drop(page []Stored, reasons []types.CancellationReason) (left []Stored, dropped int) {
	for i, r := range page {
		reason := reasons[i+1] // the first is the fence check's
		switch {
		case !failed(reason, conditionFailed):
			left = append(left, r)
		case reason.Item == nil:
			d.Gone = append(d.Gone, r.ID)
		default:
			d.Changed = append(d.Changed, r.ID)
		}
	}
	return left, len(page) - len(left)
}

func (d *Deleter) deletePage(ctx context.Context, class, shard string, epoch int64, page []Stored) error {
	operations := make([]types.TransactWriteItem, 0, len(page)+1)
	operations = append(operations, fenceCheck(d.stack.Holds(), shard, epoch))
	for _, r := range page {
		e, err := expression.NewBuilder().WithCondition(exists().And(r.unchanged())).Build()
		if err != nil {
			return fmt.Errorf("building a deletion: %w", err)
		}
		operations = append(operations, types.TransactWriteItem{Delete: &types.Delete{
			TableName: aws.String(d.stack.Records(class)), Key: recordKey(r.ID),
			ConditionExpression:                 e.Condition(),
			ExpressionAttributeNames:            e.Names(),
			ExpressionAttributeValues:           e.Values(),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}})
	}
	_, err := d.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
	return err
}

// tooLarge tells whether the items of a transaction may be over 4 MB together:
// DynamoDB refuses such a request as invalid, in the one form or the other, and
// the same one in halves may go through.
func tooLarge(err error, reasons []types.CancellationReason) bool {
	return invalid(err) || slices.ContainsFunc(reasons, func(r types.CancellationReason) bool { return failed(r, itemInvalid) })
}
