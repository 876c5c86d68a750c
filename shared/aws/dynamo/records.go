package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Records are the class tables: what a policy says is deleted.
type Records struct {
	db    *dynamodb.Client
	stack names.Stack
}

// NewRecords returns the class tables of a stack.
func NewRecords(db *dynamodb.Client, stack names.Stack) *Records {
	return &Records{db: db, stack: stack}
}

// storedRecord is a record as its owner writes it. Times are RFC 3339; other
// services write them too, so any offset and precision is read.
type storedRecord struct {
	ID             string   `dynamodbav:"id"`
	Subject        string   `dynamodbav:"subject,omitempty"`
	Former         []string `dynamodbav:"formerSubjects,omitempty"`
	Scope          string   `dynamodbav:"scope,omitempty"`
	Basis          string   `dynamodbav:"basis,omitempty"`
	OccurredAt     string   `dynamodbav:"occurredAt,omitempty"`
	RetentionStart string   `dynamodbav:"retentionStart,omitempty"`
	StartAsOf      string   `dynamodbav:"startAsOf,omitempty"`
	LastActivityAt string   `dynamodbav:"lastActivityAt,omitempty"`
	WithdrawnAt    string   `dynamodbav:"withdrawnAt,omitempty"`
	Objects        []string `dynamodbav:"objects,omitempty"`
	RetentionSort  string   `dynamodbav:"retentionSort,omitempty"`
	RetentionShard string   `dynamodbav:"retentionShard,omitempty"`
	ActiveSort     string   `dynamodbav:"activeSort,omitempty"`
	PurgingBy      string   `dynamodbav:"purgingBy,omitempty"`
}

func recordKey(id string) item { return item{names.AttrID: text(id)} }

// Put stores a record by its id. The withdrawal that an earlier record of the
// same id carries stays, unless the record occurred after it or is about
// another subject or scope, and so does a newer word on its end; everything
// else is replaced. An older record than the stored one changes nothing. A
// stored record is only touched if may allows it; may's error is returned as it
// is. The error wraps ErrBeingPurged where a purge has marked the stored one:
// written over, it would stand without its objects.
//
// A record that is to be its subject's only one in its class and scope comes
// with the subject's live keys, its own first. Where there is another one, the
// error is a DuplicateError and nothing is stored.
func (r *Records) Put(
	ctx context.Context, class string, record retention.Record, may func(stored retention.Record) error, only ...contact.Key,
) (retention.Outcome, error) {
	var put retention.Outcome
	err := repeat(ctx, contended("storing a record"), func() error {
		old, err := r.Get(ctx, class, record.ID)
		if err != nil && !errors.Is(err, retention.ErrNoRecord) {
			return err
		}
		if err == nil {
			switch err := may(old.Record); {
			case err != nil:
				return err
			case old.PurgingBy != "":
				return retention.ErrBeingPurged
			case !record.Supersedes(old.Record):
				put = retention.Outcome{Record: old.Record}
				return nil
			}
		}
		next := record.Replacing(old.Record, class)
		update, err := replacement(r.stack.Records(class), next, old)
		done := false
		if len(only) > 0 && err == nil {
			done, err = r.putOnly(ctx, class, record, only, update)
		} else {
			done, err = r.whether(ctx, "storing a record", update, err)
		}
		if err != nil {
			return err
		}
		if !done {
			return errRaced
		}
		put = retention.Outcome{Stored: true, Record: next}
		return nil
	})
	return put, err
}

// replacement writes the record over the old one, provided that is unchanged.
// Attributes that are not ours to know stay as they are.
func replacement(table string, record retention.Record, old retention.Stored) (*dynamodb.UpdateItemInput, error) {
	withdrawn := ""
	sameBasis := record.Subject == old.Subject && record.Scope == old.Scope
	if sameBasis && !old.WithdrawnAt.IsZero() && !record.OccurredAt.After(old.WithdrawnAt) {
		withdrawn = retention.Sort(old.WithdrawnAt)
	}
	var update expression.UpdateBuilder
	for _, attribute := range []struct{ name, value string }{
		{names.AttrSubject, string(record.Subject)},
		{names.AttrScope, string(record.Scope)},
		{names.AttrBasis, string(record.Basis)},
		{names.AttrOccurredAt, instant(record.OccurredAt)},
		{names.AttrRetentionStart, instant(record.Start)},
		{names.AttrStartAsOf, instant(record.StartAsOf)},
		{names.AttrLastActivityAt, instant(record.LastActivityAt)},
		{names.AttrWithdrawnAt, withdrawn},
		{names.AttrData, string(record.Data)}, // JSON, as it was given
	} {
		update = assign(update, attribute.name, attribute.value)
	}
	update = assignList(update, names.AttrObjects, record.Objects)
	update = assignList(update, names.AttrFormerSubjects, record.Former)
	return updateItem(table, record.ID, update, unchangedRecord(old))
}

// decidedOn are the attributes that a decision about a record rests on.
func decidedOn() []string {
	return []string{
		names.AttrRetentionStart, names.AttrStartAsOf, names.AttrWithdrawnAt, names.AttrSubject, names.AttrFormerSubjects,
		names.AttrScope, names.AttrBasis, names.AttrOccurredAt, names.AttrObjects, names.AttrPurgingBy,
	}
}

// revision is what was read of a record; nil for a record that was not read.
func revision(s retention.Stored) item {
	was, _ := s.Revision.(item)
	return was
}

// unchangedRecord is the condition that what a decision about the record rests on is
// still as it was read, whatever its form.
func unchangedRecord(s retention.Stored) expression.ConditionBuilder {
	var conditions []expression.ConditionBuilder
	for _, name := range decidedOn() {
		conditions = append(conditions, same(s, name))
	}
	return expression.And(conditions[0], conditions[1], conditions[2:]...)
}

func same(s retention.Stored, name string) expression.ConditionBuilder {
	value, there := revision(s)[name]
	if !there {
		return expression.AttributeNotExists(expression.Name(name))
	}
	return expression.Name(name).Equal(expression.Value(value))
}

// assignList sets an attribute to a list, or removes it where that is empty.
func assignList[T ~string](u expression.UpdateBuilder, name string, values []T) expression.UpdateBuilder {
	if len(values) == 0 {
		return u.Remove(expression.Name(name))
	}
	return u.Set(expression.Name(name), expression.Value(values))
}

// assign sets an attribute, or removes it where the value is empty.
func assign(u expression.UpdateBuilder, name, value string) expression.UpdateBuilder {
	if value == "" {
		return u.Remove(expression.Name(name))
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

// whether runs an update and reports whether its condition held.
func (r *Records) whether(ctx context.Context, doing string, update *dynamodb.UpdateItemInput, err error) (bool, error) {
	if err == nil {
		_, err = r.db.UpdateItem(ctx, update)
	}
	var changed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &changed):
		return false, nil
	case invalid(err):
		return false, fmt.Errorf("%s: %w", doing, ErrUnwritable)
	}
	return false, fmt.Errorf("%s: %w", doing, err)
}

// Get reads one record strongly; the error wraps ErrNoRecord or ErrUnreadable.
func (r *Records) Get(ctx context.Context, class, id string) (retention.Stored, error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(r.stack.Records(class)), Key: recordKey(id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return retention.Stored{}, fmt.Errorf("reading a record: %w", err)
	}
	if out.Item == nil {
		return retention.Stored{}, retention.ErrNoRecord
	}
	return decodeRecord(out.Item)
}

// decodeRecord reads a record whoever wrote it. One whose times cannot be read
// is unreadable: it is never due.
func decodeRecord(from item) (retention.Stored, error) {
	var s storedRecord
	if err := attributevalue.UnmarshalMap(from, &s); err != nil {
		return retention.Stored{}, unreadableRecord("an attribute of a record has the wrong type")
	}
	record := retention.Record{
		ID: s.ID, Subject: contact.Key(s.Subject), Scope: scope.Scope(s.Scope), Basis: retention.Basis(s.Basis), Objects: s.Objects,
	}
	for _, key := range s.Former {
		record.Former = append(record.Former, contact.Key(key))
	}
	for _, t := range []struct {
		name, written string
		into          *time.Time
	}{
		{names.AttrOccurredAt, s.OccurredAt, &record.OccurredAt}, {names.AttrRetentionStart, s.RetentionStart, &record.Start},
		{names.AttrStartAsOf, s.StartAsOf, &record.StartAsOf},
		{names.AttrLastActivityAt, s.LastActivityAt, &record.LastActivityAt}, {names.AttrWithdrawnAt, s.WithdrawnAt, &record.WithdrawnAt},
	} {
		var err error
		_, there := from[t.name]
		if *t.into, err = parseInstant(t.written); err != nil || there && t.written == "" {
			return retention.Stored{Record: retention.Record{ID: s.ID}, Revision: from}, unreadableRecord("a record's time is not RFC 3339")
		}
	}
	return retention.Stored{
		Record: record, Sort: s.RetentionSort, Shard: s.RetentionShard, ActiveSort: s.ActiveSort,
		WithdrawnSort: s.WithdrawnAt, PurgingBy: s.PurgingBy, Revision: from,
	}, nil
}

// unreadableRecord keeps what is wrong with a record, never the value.
func unreadableRecord(what string) error {
	return fmt.Errorf("%w: %s", retention.ErrUnreadable, what)
}

// Stamp writes a record's place in the indexes, as retention.Record gives it,
// provided that the record is still the one it was computed from; if it is
// not, a newer change is on its way through the stream and Stamp does nothing.
// The shard of a record that has one already is left as it is.
func (r *Records) Stamp(ctx context.Context, class string, of retention.Stored, sort string) error {
	update := assign(expression.UpdateBuilder{}, names.AttrRetentionSort, sort)
	update = assign(update, names.AttrActiveSort, of.Record.ActiveSort(sort))
	update = update.Set(expression.Name(names.AttrRetentionShard),
		expression.Name(names.AttrRetentionShard).IfNotExists(expression.Value(of.Record.Shard())))
	input, err := updateItem(r.stack.Records(class), of.ID, update, exists().And(unchangedRecord(of)))
	_, err = r.whether(ctx, "stamping a record", input, err)
	return err
}

// Withdraw sets since when a record has no basis any more, or clears it (zero),
// provided that the record is still the one that was decided on. It reports
// whether it was. One that is being purged is left as it is: it goes anyway.
func (r *Records) Withdraw(ctx context.Context, class string, of retention.Stored, at time.Time) (bool, error) {
	if of.PurgingBy != "" {
		return true, nil
	}
	withdrawn := ""
	if !at.IsZero() {
		withdrawn = retention.Sort(at)
	}
	update := assign(expression.UpdateBuilder{}, names.AttrWithdrawnAt, withdrawn)
	input, err := updateItem(r.stack.Records(class), of.ID, update, exists().And(unchangedRecord(of)))
	return r.whether(ctx, "marking a record as withdrawn", input, err)
}

// OfSubject returns the ids of a class's records about a subject. The index it
// asks lags behind the table by moments.
func (r *Records) OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error) {
	pages := dynamodb.NewQueryPaginator(r.db, &dynamodb.QueryInput{
		TableName: aws.String(r.stack.Records(class)), IndexName: aws.String(names.IndexSubject),
		KeyConditionExpression:    aws.String("#subject = :subject"),
		ExpressionAttributeNames:  map[string]string{"#subject": names.AttrSubject},
		ExpressionAttributeValues: item{":subject": text(string(subject))},
	})
	var ids []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("finding the records of a subject: %w", err)
		}
		for _, entry := range page.Items {
			ids = append(ids, idOf(entry))
		}
	}
	return ids, nil
}

func idOf(entry item) string {
	id, _ := entry[names.AttrID].(*types.AttributeValueMemberS) // the partition key: always there, always a string
	return id.Value
}
