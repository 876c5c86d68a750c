package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// Deleter is the purge.Deleter. Nothing else in this package deletes records.
type Deleter struct {
	db    *dynamodb.Client
	stack names.Tables
}

// NewDeleter returns the deleter of a stack.
func NewDeleter(db *dynamodb.Client, stack names.Tables) *Deleter {
	return &Deleter{db: db, stack: stack}
}

// DeleteUnderFence is purge.Deleter's.
func (d *Deleter) DeleteUnderFence(ctx context.Context, conditions purge.Conditions, records []retention.Stored) (purge.Deletion, error) {
	one := func(retention.Stored) int { return 1 }
	return d.transact(ctx, records, one, purge.ErrFenceMoved, func(chunk []retention.Stored) []types.TransactWriteItem {
		return d.operations(conditions, chunk)
	})
}

// DeleteMarked is purge.Deleter's. It deletes in transactions, because the SDK
// never repeats a transaction that was applied: a repeated deletion would find
// the record gone, and no run would have deleted it. The claims of a record's
// objects go in its transaction.
func (d *Deleter) DeleteMarked(ctx context.Context, conditions purge.Conditions, records []retention.Stored) (purge.Deletion, error) {
	withClaims := func(r retention.Stored) int { return 1 + len(r.Claimed) }
	return d.transact(ctx, records, withClaims, purge.ErrLockLost, func(chunk []retention.Stored) []types.TransactWriteItem {
		operations := []types.TransactWriteItem{check(d.stack.Table(names.TableHolds), fenceKey(conditions.Shard), turnTerms(conditions))}
		var claims []types.TransactWriteItem
		for _, r := range chunk {
			operations = append(operations, d.deletion(conditions.Class, withMark(r, conditions.Run)))
			claims = append(claims, d.unclaim(conditions.Class, r)...)
		}
		return append(operations, claims...)
	})
}

// transact deletes or marks records in transactions, and in smaller ones if the
// items together are too large for DynamoDB. The operations are the check of the
// fence, one for each record, and then those on other items; weigh is how many
// operations a record takes. If the check fails the error wraps refused.
func (d *Deleter) transact(
	ctx context.Context, records []retention.Stored, weigh func(retention.Stored) int, refused error,
	operations func(chunk []retention.Stored) []types.TransactWriteItem,
) (purge.Deletion, error) {
	var done purge.Deletion
	most := purge.MaxDeletes
	for len(records) > 0 {
		chunk := fitting(records[:min(most, len(records))], weigh)
		writes := operations(chunk)
		var reasons []types.CancellationReason
		err := repeat(ctx, ErrContended, func() error {
			_, err := d.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
			if reasons, _ = cancelled(err); transient(reasons) {
				return errRaced
			}
			return err
		})
		switch {
		case err == nil:
			noteDone(&done, chunk, writes[1:])
			records = records[len(chunk):]
		case len(reasons) > 0 && failed(reasons[0], conditionFailed):
			return done, refused
		case tooLarge(err, reasons) && len(chunk) > 1:
			most = len(chunk) / 2
		case tooLarge(err, reasons) && chunk[0].InTwoSteps():
			done.Kept = append(done.Kept, chunk[0].ID)
			records = records[1:]
		case len(reasons) == len(writes):
			left, dropped := drop(&done, chunk, reasons[1:], errors.Is(err, ErrContended)) // the first is the fence check's
			if dropped == 0 {
				return done, fmt.Errorf("deleting records: %w", err)
			}
			records = append(left, records[len(chunk):]...)
		default:
			return done, fmt.Errorf("deleting records: %w", err)
		}
	}
	return done, nil
}

// fitting returns the first records, at least one, whose operations fit into one
// transaction beside its check.
func fitting(records []retention.Stored, weigh func(retention.Stored) int) []retention.Stored {
	sum := 0
	for n, r := range records {
		if sum += weigh(r); sum > purge.MaxDeletes && n > 0 {
			return records[:n]
		}
	}
	return records
}

// noteDone lists the records of a successful transaction.
func noteDone(d *purge.Deletion, records []retention.Stored, operations []types.TransactWriteItem) {
	for i, r := range records {
		if operations[i].Update != nil {
			d.Marked = append(d.Marked, r.ID)
		} else {
			d.Deleted = append(d.Deleted, r.ID)
		}
	}
}

// drop lists the records of a cancelled transaction whose own condition failed, and
// after the last attempt those that others are changing, and returns the others. A
// record that is always in conflict must not stop the deletion of its page.
func drop(d *purge.Deletion, records []retention.Stored, reasons []types.CancellationReason, isLast bool) (left []retention.Stored, dropped int) {
	for i, r := range records {
		switch {
		case isLast && failed(reasons[i], conflict):
			d.Kept = append(d.Kept, r.ID)
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

// operations are the fence check and one deletion or mark for each record.
func (d *Deleter) operations(conditions purge.Conditions, records []retention.Stored) []types.TransactWriteItem {
	operations := make([]types.TransactWriteItem, 0, len(records)+1)
	operations = append(operations, fenceCheck(d.stack.Table(names.TableHolds), conditions))
	for _, r := range records {
		if r.InTwoSteps() {
			operations = append(operations, d.marking(conditions.Class, conditions.Run, r))
		} else {
			operations = append(operations, d.deletion(conditions.Class, r))
		}
	}
	return operations
}

// deletion deletes a record that is unchanged since it was read.
func (d *Deleter) deletion(class string, r retention.Stored) types.TransactWriteItem {
	deletion := remove(d.stack.Records(class), recordKey(r.ID), unchangedRecord(r))
	deletion.Delete.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return deletion
}

// marking marks a record that is unchanged since it was read, even if another
// run has marked it: a worker of that run then no longer deletes the record.
func (d *Deleter) marking(class, run string, r retention.Stored) types.TransactWriteItem {
	t := unchangedRecord(r)
	t.set = "SET " + names.AttrPurgingBy + " = :run, " + names.AttrPurging + " = :purging, " + names.AttrPurged + " = :purged"
	t.values[":run"], t.values[":purging"], t.values[":purged"] = text(run), list(r.Purging), number(int64(r.Purged))
	marking := update(d.stack.Records(class), recordKey(r.ID), t)
	marking.Update.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return marking
}

// withMark is the record with the mark of a run.
func withMark(s retention.Stored, run string) retention.Stored {
	was := maps.Clone(revision(s))
	was[names.AttrPurgingBy] = text(run)
	s.PurgingBy, s.Revision = run, was
	return s
}

// tooLarge reports whether the items of a transaction may be over 4 MB
// together. DynamoDB refuses the whole request, or one of its items, as
// invalid; half of the request may succeed.
func tooLarge(err error, reasons []types.CancellationReason) bool {
	return invalid(err) || slices.ContainsFunc(reasons, func(r types.CancellationReason) bool { return failed(r, itemInvalid) })
}
