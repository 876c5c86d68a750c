package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// Records are the class tables.
type Records struct {
	db    *dynamodb.Client
	stack names.Tables
}

// NewRecords returns the class tables of a stack.
func NewRecords(db *dynamodb.Client, stack names.Tables) *Records {
	return &Records{db: db, stack: stack}
}

func recordKey(id string) item { return item{names.AttrID: text(id)} }

// Put stores a record by its id and replaces the stored record of that id, as
// retention.Record.Replacing says. A record older than the stored record changes
// nothing, and neither does a repetition. Put replaces a stored record only if
// may returns nil; it returns may's error unchanged. The error wraps ErrHeld if
// a hold covers the stored record or its replacement, ErrObjectTaken if another
// record owns one of its objects, ErrObjects if it would own too many, and
// ErrBeingPurged if a purge has marked the stored record, because the new record
// would lose its objects.
//
// If the record must be its subject's only record in its class and scope, only
// names the subject's live keys, the record's own first. If another record
// exists, the error is a DuplicateError and nothing is stored.
func (r *Records) Put(
	ctx context.Context, class string, record retention.Record, may func(stored retention.Record) error, only ...contact.Key,
) (retention.Outcome, error) {
	var put retention.Outcome
	err := repeat(ctx, contended("storing a record"), func() error {
		old, err := r.Get(ctx, class, record.ID)
		isNew := errors.Is(err, retention.ErrNoRecord)
		if err != nil && !isNew {
			return err
		}
		next := record.Replacing(old.Record, class)
		var unheld []types.TransactWriteItem
		if !isNew {
			switch err := may(old.Record); {
			case err != nil:
				return err
			case old.PurgingBy != "":
				return retention.ErrBeingPurged
			case !record.Supersedes(old.Record):
				put = retention.Outcome{Record: old.Record}
				return nil
			case next.Repeats(old.Record):
				put = retention.Outcome{Stored: true, Record: old.Record}
				return nil
			}
			if unheld, err = r.unheld(ctx, append(old.Targets(class), next.Targets(class)...)); err != nil {
				return err
			}
		}
		claims, next, err := r.putClaims(ctx, class, next)
		if err != nil {
			return err
		}
		done, err := r.replace(ctx, class, next, old, append(unheld, claims...), only)
		if err == nil && !done {
			return errRaced
		}
		put = retention.Outcome{Stored: true, Record: next}
		return err
	})
	if err != nil {
		return retention.Outcome{}, err
	}
	return put, nil
}

// replace writes the record over the old record, if the old record is unchanged
// and the conditions hold, and reports whether they did. Attributes that the
// system does not use stay unchanged.
func (r *Records) replace(
	ctx context.Context, class string, record retention.Record, old retention.Stored, conditions []types.TransactWriteItem, only []contact.Key,
) (bool, error) {
	var update expression.UpdateBuilder
	next := retention.Stored{Record: record}
	for _, a := range attributes() {
		if a.has(replaced) {
			update = assign(update, a.name, a.write(&next))
		}
	}
	input, err := updateItem(r.stack.Records(class), record.ID, update, unchangedRecord(old))
	switch {
	case err != nil:
		return false, err
	case len(only) > 0:
		return r.putOnly(ctx, class, record, only, append(conditions, operation(input)))
	}
	return r.write(ctx, "storing a record", input, conditions)
}

// write runs an update under conditions on other items, and reports whether all
// conditions held.
func (r *Records) write(ctx context.Context, doing string, update *dynamodb.UpdateItemInput, conditions []types.TransactWriteItem) (bool, error) {
	if len(conditions) == 0 {
		return r.updated(ctx, doing, update, nil)
	}
	return r.transact(ctx, doing, append(conditions, operation(update))...)
}

// operation is an update as an operation of a transaction.
func operation(update *dynamodb.UpdateItemInput) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: update.TableName, Key: update.Key,
		UpdateExpression: update.UpdateExpression, ConditionExpression: update.ConditionExpression,
		ExpressionAttributeNames: update.ExpressionAttributeNames, ExpressionAttributeValues: update.ExpressionAttributeValues,
	}}
}

// assign sets an attribute, or removes it if the value is empty.
func assign(u expression.UpdateBuilder, name string, value types.AttributeValue) expression.UpdateBuilder {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		if v.Value == "" {
			return u.Remove(expression.Name(name))
		}
	case *types.AttributeValueMemberL:
		if len(v.Value) == 0 {
			return u.Remove(expression.Name(name))
		}
	}
	return u.Set(expression.Name(name), expression.Value(value))
}

func exists() expression.ConditionBuilder {
	return expression.AttributeExists(expression.Name(names.AttrID))
}

func updateItem(table, id string, update expression.UpdateBuilder, condition expression.ConditionBuilder) (*dynamodb.UpdateItemInput, error) {
	e, err := expression.NewBuilder().WithUpdate(update).WithCondition(condition).Build()
	if err != nil {
		return nil, fmt.Errorf("building an update: %w", err)
	}
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: recordKey(id),
		UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	}, nil
}

// updated runs an update and reports whether its condition held. The update waits
// for a transaction with the record, a page of a purge for example, which may be
// cancelled and then leaves the record as it was.
func (r *Records) updated(ctx context.Context, doing string, update *dynamodb.UpdateItemInput, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	err = retry(ctx, doing, func() error {
		_, err := r.db.UpdateItem(ctx, update)
		return err
	})
	switch {
	case conditionNotMet(err):
		return false, nil
	case invalid(err):
		return false, fmt.Errorf("%s: %w", doing, ErrUnwritable)
	}
	return err == nil, err
}

// Get reads one record strongly, with its data. The error wraps retention.ErrNoRecord or
// retention.ErrUnreadable.
func (r *Records) Get(ctx context.Context, class, id string) (retention.Stored, error) {
	stored, err := r.item(ctx, class, id)
	if err != nil {
		return retention.Stored{}, err
	}
	s, err := decodeRecord(stored)
	s.Data = dataOf(stored)
	return s, err
}

// item reads one record strongly. The error wraps retention.ErrNoRecord if there is
// none.
func (r *Records) item(ctx context.Context, class, id string) (item, error) {
	stored, err := get(ctx, r.db, r.stack.Records(class), recordKey(id), "reading a record")
	if err == nil && stored == nil {
		err = retention.ErrNoRecord
	}
	return stored, err
}

// Stamp writes a record's place in the indexes, if the record is unchanged
// since it was read. Otherwise the stream will deliver a newer change and Stamp
// does nothing. A record keeps its shard.
func (r *Records) Stamp(ctx context.Context, class string, record retention.Stored, sort string) error {
	update := assign(expression.UpdateBuilder{}, names.AttrRetentionSort, text(sort))
	update = assign(update, names.AttrActiveSort, text(record.Record.ActiveSort(sort)))
	update = update.Set(expression.Name(names.AttrRetentionShard),
		expression.Name(names.AttrRetentionShard).IfNotExists(expression.Value(record.Record.Shard())))
	input, err := updateItem(r.stack.Records(class), record.ID, update, exists().And(unchangedRecord(record)))
	_, err = r.updated(ctx, "stamping a record", input, err)
	return err
}

// Remember sets the FirstAt of a record, if the record is unchanged since it was
// read, and reports whether it was.
func (r *Records) Remember(ctx context.Context, class string, record retention.Stored, first time.Time) (bool, error) {
	update := assign(expression.UpdateBuilder{}, names.AttrFirstAt, text(instant(first)))
	input, err := updateItem(r.stack.Records(class), record.ID, update, exists().And(unchangedRecord(record)))
	return r.updated(ctx, "noting when a record began", input, err)
}

// Withdraw sets the time of a record's withdrawal, or clears it (zero), if the
// record is unchanged since it was read, and reports whether it was. It does
// not touch a record that is being purged, because the record will be deleted.
func (r *Records) Withdraw(ctx context.Context, class string, record retention.Stored, at time.Time) (bool, error) {
	if record.PurgingBy != "" {
		return true, nil
	}
	withdrawn := ""
	if !at.IsZero() {
		withdrawn = retention.Sort(at)
	}
	update := assign(expression.UpdateBuilder{}, names.AttrWithdrawnAt, text(withdrawn))
	input, err := updateItem(r.stack.Records(class), record.ID, update, exists().And(unchangedRecord(record)))
	return r.updated(ctx, "marking a record as withdrawn", input, err)
}

// OfSubject returns the ids of a class's records about a subject. Its index lags
// behind the table by moments.
func (r *Records) OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error) {
	input := &dynamodb.QueryInput{
		TableName: aws.String(r.stack.Records(class)), IndexName: aws.String(names.IndexSubject),
		KeyConditionExpression:    aws.String("#subject = :subject"),
		ExpressionAttributeNames:  map[string]string{"#subject": names.AttrSubject},
		ExpressionAttributeValues: item{":subject": text(string(subject))},
	}
	var ids []string
	for entry, err := range query(ctx, r.db, input, "finding the records of a subject") {
		if err != nil {
			return nil, err
		}
		ids = append(ids, idOf(entry))
	}
	return ids, nil
}

func idOf(entry item) string { return textOf(entry, names.AttrID) }
