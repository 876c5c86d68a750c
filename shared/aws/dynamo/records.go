package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
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
	next, values := retention.Stored{Record: record}, item{}
	for _, a := range attributes() {
		if a.has(replaced) {
			values[a.name] = a.write(&next)
		}
	}
	unchanged := absent(names.AttrID)
	if old.Revision != nil {
		unchanged = unchangedRecord(old)
	}
	operations := slices.Concat(conditions, []types.TransactWriteItem{update(r.stack.Records(class), recordKey(record.ID), setting(values).under(unchanged))})
	if len(only) > 0 {
		return r.putOnly(ctx, class, record, only, operations)
	}
	return write(ctx, r.db, "storing a record", operations...)
}

// change is an update of a record that is unchanged since it was read.
func (r *Records) change(class string, was retention.Stored, t terms) types.TransactWriteItem {
	return update(r.stack.Records(class), recordKey(was.ID), t.under(unchangedRecord(was)))
}

// set sets attributes of a record, if the record is unchanged since it was read, and
// reports whether it was.
func (r *Records) set(ctx context.Context, doing, class string, record retention.Stored, values item) (bool, error) {
	return write(ctx, r.db, doing, r.change(class, record, setting(values)))
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
	stamp := setting(item{
		names.AttrRetentionSort: text(sort), names.AttrActiveSort: text(record.Record.ActiveSort(sort)), names.AttrRetentionShard: text(record.Record.Shard()),
	}, names.AttrRetentionShard)
	_, err := write(ctx, r.db, "stamping a record", r.change(class, record, stamp))
	return err
}

// Remember sets the FirstAt of a record, if the record is unchanged since it was
// read, and reports whether it was.
func (r *Records) Remember(ctx context.Context, class string, record retention.Stored, first time.Time) (bool, error) {
	return r.set(ctx, "noting when a record began", class, record, item{names.AttrFirstAt: text(instant(first))})
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
	return r.set(ctx, "marking a record as withdrawn", class, record, item{names.AttrWithdrawnAt: text(withdrawn)})
}

// OfSubject returns the ids of a class's records about a subject. Its index lags
// behind the table by moments.
func (r *Records) OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error) {
	input := inIndex(names.IndexSubject, r.stack.Records(class), names.AttrSubject, string(subject))
	return decodeAll(query(ctx, r.db, input, "finding the records of a subject"), func(entry item) (string, error) { return idOf(entry), nil })
}

func idOf(entry item) string { return textOf(entry, names.AttrID) }

// End writes the start that decide returns for a record, if the record is
// unchanged; otherwise decide decides again. End returns an error of decide
// unchanged. Its own error wraps retention.ErrNoRecord,
// retention.ErrUnreadable, retention.ErrBeingPurged if a purge has marked the
// record, or retention.ErrHeld if a hold freezes it; a missing start may be set.
func (r *Records) End(ctx context.Context, class, id string, decide func(stored retention.Record) (retention.Record, error)) error {
	return repeat(ctx, contended("writing a record's end"), func() error {
		stored, err := r.Get(ctx, class, id)
		if err != nil {
			return err
		}
		next, err := decide(stored.Record)
		switch {
		case err != nil:
			return err
		case stored.PurgingBy != "":
			return retention.ErrBeingPurged
		case next.Start.Equal(stored.Start) && next.StartAsOf.Equal(stored.StartAsOf):
			return nil
		}
		change := r.change(class, stored, setting(item{
			names.AttrRetentionStart: text(instant(next.Start)), names.AttrStartAsOf: text(instant(next.StartAsOf)),
		}))
		var unheld []types.TransactWriteItem
		if !stored.Record.SetsStart(next) {
			if unheld, err = r.unheld(ctx, stored.Targets(class)); err != nil {
				return err
			}
		}
		if done, err := write(ctx, r.db, "writing a record's end", append(unheld, change)...); done || err != nil {
			return err
		}
		return errRaced
	})
}

// sortKey is the sort key of an index.
func sortKey(of purge.Index) string {
	switch of {
	case purge.ByWithdrawal:
		return names.AttrWithdrawnAt
	case purge.ByActivity:
		return names.AttrActiveSort
	case purge.ByStart:
	}
	return names.AttrRetentionSort
}

// DueBefore is purge.Records's.
func (r *Records) DueBefore(ctx context.Context, class string, by purge.Index, shard string, before time.Time, after purge.Due, atOnce int) iter.Seq2[purge.Due, error] {
	sort := sortKey(by)
	input := &dynamodb.QueryInput{
		TableName: aws.String(r.stack.Records(class)), IndexName: aws.String(string(by)),
		KeyConditionExpression:    aws.String("#shard = :shard AND #sort < :before"),
		ExpressionAttributeNames:  map[string]string{"#shard": names.AttrRetentionShard, "#sort": sort},
		ExpressionAttributeValues: item{":shard": text(shard), ":before": text(retention.Sort(before))},
		Limit:                     aws.Int32(int32(atOnce)), //nolint:gosec // never that large
	}
	if after != (purge.Due{}) {
		input.ExclusiveStartKey = item{
			names.AttrID: text(after.ID), names.AttrRetentionShard: text(shard), sort: text(after.Sort),
		}
	}
	return func(yield func(purge.Due, error) bool) {
		for entry, err := range query(ctx, r.db, input, "asking what is due") {
			if !yield(purge.Due{ID: idOf(entry), Sort: textOf(entry, sort)}, err) {
				return
			}
		}
	}
}

// Load is purge.Records's. It leaves out the owner's attributes.
func (r *Records) Load(ctx context.Context, class string, ids []string) (map[string]retention.Stored, map[string]error, error) {
	keys := make([]item, len(ids))
	for i, id := range ids {
		keys[i] = recordKey(id)
	}
	attributes, placeholders := projection()
	records, unreadable := make(map[string]retention.Stored, len(ids)), map[string]error{}
	err := batchGet(ctx, r.db, r.stack.Records(class), keys,
		types.KeysAndAttributes{ProjectionExpression: attributes, ExpressionAttributeNames: placeholders},
		func(found item) {
			s, err := decodeRecord(found)
			if err != nil {
				unreadable[idOf(found)] = err
				return
			}
			records[s.ID] = s
		})
	return records, unreadable, err
}

// Scan is purge.Records's. It reads the table, so it also finds records that no
// index shows. It leaves out the owner's attributes.
func (r *Records) Scan(ctx context.Context, class string, segment purge.Segment, after string, limit int) (purge.Scanned, error) {
	attributes, placeholders := projection()
	input := &dynamodb.ScanInput{
		TableName: aws.String(r.stack.Records(class)), ConsistentRead: aws.Bool(true),
		Segment: aws.Int32(int32(segment.Number)), TotalSegments: aws.Int32(int32(segment.Of)), //nolint:gosec // both are small
		Limit:                aws.Int32(int32(limit)), //nolint:gosec // a page, never large
		ProjectionExpression: attributes, ExpressionAttributeNames: placeholders,
	}
	if after != "" {
		input.ExclusiveStartKey = recordKey(after)
	}
	out, err := r.db.Scan(ctx, input)
	if err != nil {
		return purge.Scanned{}, fmt.Errorf("reading all records: %w", err)
	}
	var page purge.Scanned
	for _, found := range out.Items {
		record, err := decodeRecord(found)
		if err != nil {
			page.Unreadable = append(page.Unreadable, idOf(found))
			continue
		}
		page.Records = append(page.Records, record)
	}
	if len(out.LastEvaluatedKey) > 0 {
		page.Last = idOf(out.LastEvaluatedKey)
	}
	return page, nil
}
