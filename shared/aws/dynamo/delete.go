package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
)

// MaxDeletes is how many records one transaction deletes beside its fence check.
const MaxDeletes = 99

// ErrFenceMoved means that a hold was placed since the fence was read, and
// nothing was deleted: read the fence and the holds again.
var ErrFenceMoved = errors.New("a hold was placed meanwhile")

// Deletion is what became of the records of one call: each id is in exactly
// one of the lists.
type Deletion struct {
	Deleted  []string
	Marked   []string // past their hold check; their objects go first, then DeleteMarked deletes them
	Changed  []string // no longer as they were read; kept
	Gone     []string // deleted by somebody else, or by an attempt that was cut off
	Unmarked []string // as large as an item can be, with no room for the mark; kept
}

// Page is what the transactions of one page of a purge stand under.
type Page struct {
	Class, Run string
	Shard      string
	Epoch      int64 // of the shard's fence, read before the holds
}

// InTwoSteps tells whether a record is marked before it is deleted: it has
// objects, which no transaction covers, or it had some and is marked already.
func (s Stored) InTwoSteps() bool { return len(s.Objects) > 0 || s.PurgingBy != "" }

// Deleter is what deletes records, and nothing else of the system does.
type Deleter struct {
	db    *dynamodb.Client
	stack names.Stack
}

// NewDeleter returns the deleter of a stack.
func NewDeleter(db *dynamodb.Client, stack names.Stack) *Deleter {
	return &Deleter{db: db, stack: stack}
}

// DeleteUnderFence deletes records in transactions under the condition that
// the shard's fence is still at the page's epoch, each record under the
// condition that its start, withdrawal, subject, time, objects and mark are as
// they were read. One InTwoSteps is marked for the run instead, under the same
// conditions. A record that changed is left alone and the others go. The error
// wraps ErrFenceMoved when a hold was placed meanwhile; what Deletion lists was
// done all the same.
func (d *Deleter) DeleteUnderFence(ctx context.Context, page Page, records []Stored) (Deletion, error) {
	var done Deletion
	most := MaxDeletes
	for n := 0; len(records) > 0; {
		some := records[:min(most, len(records))]
		err := d.deleteSome(ctx, page, some)
		reasons, wasCancelled := cancelled(err)
		switch {
		case err == nil:
			done.note(some)
			records, n = records[len(some):], 0
		case wasCancelled && len(reasons) > 0 && failed(reasons[0], conditionFailed):
			return done, ErrFenceMoved
		case wasCancelled && transient(reasons):
			if n++; n == attempts {
				return done, fmt.Errorf("deleting records: %w", ErrContended)
			}
			if err := pause(ctx, n); err != nil {
				return done, err
			}
		case tooLarge(err, reasons) && len(some) > 1:
			most = len(some) / 2
		case tooLarge(err, reasons) && some[0].InTwoSteps():
			done.Unmarked = append(done.Unmarked, some[0].ID)
			records, n = records[1:], 0
		case len(reasons) == len(some)+1:
			left, dropped := done.drop(some, reasons[1:]) // the first is the fence check's
			if dropped == 0 {
				return done, fmt.Errorf("deleting records: %w", err)
			}
			records = append(left, records[len(some):]...)
		default:
			return done, fmt.Errorf("deleting records: %w", err)
		}
	}
	return done, nil
}

// note lists the records of a transaction that went through.
func (d *Deletion) note(records []Stored) {
	for _, r := range records {
		if r.InTwoSteps() {
			d.Marked = append(d.Marked, r.ID)
		} else {
			d.Deleted = append(d.Deleted, r.ID)
		}
	}
}

// drop lists the records of a cancelled transaction whose own condition failed
// and returns the others.
func (d *Deletion) drop(records []Stored, reasons []types.CancellationReason) (left []Stored, dropped int) {
	for i, r := range records {
		switch {
		case !failed(reasons[i], conditionFailed):
			left = append(left, r)
		case reasons[i].Item == nil:
			d.Gone = append(d.Gone, r.ID)
		default:
			d.Changed = append(d.Changed, r.ID)
		}
	}
	return left, len(records) - len(left)
}

func (d *Deleter) deleteSome(ctx context.Context, page Page, records []Stored) error {
	operations := make([]types.TransactWriteItem, 0, len(records)+1)
	operations = append(operations, fenceCheck(d.stack.Holds(), page.Shard, page.Epoch))
	for _, r := range records {
		if r.InTwoSteps() {
			operations = append(operations, d.marking(page.Class, page.Run, r))
		} else {
			operations = append(operations, d.deletion(page.Class, r))
		}
	}
	_, err := d.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
	return err
}

// deletion deletes a record that is as it was read.
func (d *Deleter) deletion(class string, r Stored) types.TransactWriteItem {
	condition, attributes, values := r.asRead()
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: aws.String(d.stack.Records(class)), Key: recordKey(r.ID),
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            attributes,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// marking marks a record that is as it was read, also one that another run has
// marked: that one's worker, should it still be about, deletes it no more.
func (d *Deleter) marking(class, run string, r Stored) types.TransactWriteItem {
	condition, attributes, values := r.asRead()
	values[":run"] = text(run)
	return types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String(d.stack.Records(class)), Key: recordKey(r.ID),
		UpdateExpression:                    aws.String("SET " + names.AttrPurgingBy + " = :run"),
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            attributes,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// asRead is what exists and unchanged say, in as few words as possible: with
// the expression package's, a page of a purge took two percent longer.
func (s Stored) asRead() (condition string, attributes map[string]string, values item) {
	condition = "attribute_exists(" + names.AttrID + ")"
	attributes, values = map[string]string{"#" + names.AttrScope: names.AttrScope}, item{} // it is a reserved word
	for _, name := range decidedOn() {
		in := name
		if name == names.AttrScope {
			in = "#" + name
		}
		if value, there := s.was[name]; there {
			condition += " AND " + in + " = :" + name
			values[":"+name] = value
		} else {
			condition += " AND attribute_not_exists(" + in + ")"
		}
	}
	return condition, attributes, values
}

// DeleteMarked deletes a record that DeleteUnderFence has marked for the run
// and whose objects are gone, under the condition that this mark stands and
// the record is otherwise as it was read. It is a transaction of one, because
// an attempt of that is never taken twice: the second would find the record
// gone, and nobody would have deleted it.
func (d *Deleter) DeleteMarked(ctx context.Context, class, run string, record Stored) (Deletion, error) {
	var done Deletion
	operation := d.deletion(class, record.marked(run))
	err := retry(ctx, "deleting a record", func() error {
		_, err := d.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{operation}})
		return err
	})
	if err == nil {
		done.Deleted = []string{record.ID}
		return done, nil
	}
	if reasons, _ := cancelled(err); len(reasons) == 1 {
		if _, dropped := done.drop([]Stored{record}, reasons); dropped == 1 {
			return done, nil
		}
	}
	return done, err
}

// marked is the record as it is once it was marked for a run.
func (s Stored) marked(run string) Stored {
	s.was = maps.Clone(s.was)
	s.was[names.AttrPurgingBy] = text(run)
	s.PurgingBy = run
	return s
}

// tooLarge tells whether the items of a transaction may be over 4 MB together:
// DynamoDB refuses such a request as invalid, in the one form or the other, and
// the same one in halves may go through.
func tooLarge(err error, reasons []types.CancellationReason) bool {
	return invalid(err) || slices.ContainsFunc(reasons, func(r types.CancellationReason) bool { return failed(r, itemInvalid) })
}
