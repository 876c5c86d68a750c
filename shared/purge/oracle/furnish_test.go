//go:build store

package oracle_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/objects/objectstest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// estate is a stack whose tables are emptied and filled for each random table.
type estate struct {
	t       *testing.T
	db      *dynamodb.Client
	stack   names.Stack
	records *dynamo.Records
	holds   *dynamo.Holds
	s3      *objectstest.Memory
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	db, stack := dynamotest.Tables(t, retention.Messaging, archive)
	// These items belong to tables that a purge must not change.
	dynamotest.Put(t, db, stack.Table(names.TableSuppressions), map[string]any{"key": string(subject(1)), "version": 1})
	dynamotest.Put(t, db, stack.Table(names.TableLedger), map[string]any{"key": string(subject(1)), "version": 1})
	dynamotest.Put(t, db, stack.Table(names.TableRuns), map[string]any{"class": retention.Messaging, "run": "run-0"})
	return &estate{t: t, db: db, stack: stack, records: dynamo.NewRecords(db, stack), holds: dynamo.NewHolds(db, stack)}
}

func (e *estate) tables() []string {
	return []string{
		e.stack.Records(retention.Messaging), e.stack.Records(archive), e.stack.Table(names.TableSuppressions), e.stack.Table(names.TableLedger),
		e.stack.Table(names.TableHolds), e.stack.Table(names.TableHoldHistory), e.stack.Table(names.TableRuns), e.stack.Table(names.TableTools), e.stack.Table(names.TableReplies), e.stack.Table(names.TableSlots),
	}
}

func (e *estate) scan(ctx context.Context, table string) ([]map[string]types.AttributeValue, error) {
	var items []map[string]types.AttributeValue
	pages := dynamodb.NewScanPaginator(e.db, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

// clear empties the class tables and their objects, holds and runs. Fences
// stay, as in production.
func (e *estate) clear(ctx context.Context) error {
	for table, key := range map[string]string{
		e.stack.Records(retention.Messaging): names.AttrID, e.stack.Records(archive): names.AttrID,
		e.stack.Table(names.TableHolds): names.AttrTarget, e.stack.Table(names.TableSlots): names.AttrSlot,
	} {
		items, err := e.scan(ctx, table)
		if err != nil {
			return err
		}
		var requests []types.WriteRequest
		for _, item := range items {
			if item["epoch"] == nil {
				requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: map[string]types.AttributeValue{key: item[key]}}})
			}
		}
		for chunk := range slices.Chunk(requests, 25) {
			if _, err := e.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: chunk}}); err != nil {
				return err
			}
		}
	}
	e.s3 = objectstest.NewMemory("letters", "other")
	return nil
}

// furnish writes the random records, each in the way in which it arrived.
func (e *estate) furnish(ctx context.Context, a anyTable, policy *retention.Policy) error {
	plants := map[string][]map[string]any{}
	var group errgroup.Group
	group.SetLimit(8)
	for n, h := range a.Records {
		e.putObjects(h)
		class, _ := policy.Class(h.Class)
		if h.Way == planted {
			plants[h.Class] = append(plants[h.Class], h.item())
			continue
		}
		w := writer{e, ctx, class, h, scope.Scope(fmt.Sprintf("brand-%d", n))}
		group.Go(func() error {
			if err := w.write(); err != nil {
				return fmt.Errorf("%s, %s: %w", h.ID, h.Way, err)
			}
			return nil
		})
	}
	for class, items := range plants {
		dynamotest.PutAll(e.t, e.db, e.stack.Records(class), items)
		for _, item := range items {
			stored, err := e.records.Get(ctx, class, item["id"].(string))
			if err == nil {
				_, err = e.records.ClaimObjects(ctx, class, stored, retention.Record{})
			}
			if err != nil && !errors.Is(err, retention.ErrUnreadable) {
				return err
			}
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return e.placeHolds(ctx, a)
}

func (e *estate) putObjects(h history) {
	for _, o := range h.Objects {
		if o.Bucket == noBucket {
			continue
		}
		bucket := objectstest.Bucket{S3: e.s3, Name: o.Bucket}
		for n := range o.Versions {
			if n == 1 {
				bucket.Hide(e.t, o.Key)
			} else {
				bucket.Put(e.t, o.Key)
			}
		}
		for range o.Locked {
			bucket.PutLocked(e.t, o.Key)
		}
	}
}

// named are the record's objects, as the record names them.
func (h history) named() []string {
	var names []string
	for _, o := range h.Objects {
		if o.NotS3 {
			names = append(names, o.Key)
		} else {
			names = append(names, "s3://"+o.Bucket+"/"+o.Key)
		}
	}
	return names
}

// item is a record as written by another service and stamped by the stamp
// function.
func (h history) item() map[string]any {
	item := map[string]any{"id": h.ID, "occurredAt": beginning().Format(time.RFC3339Nano), "note": map[string]any{"theirs": []int{1, 2}}}
	set := func(name, value string, there bool) {
		if there {
			item[name] = value
		}
	}
	set("occurredAt", "some day", h.Garbled)
	set("subject", string(h.Subject), h.Subject != "")
	set("retentionStart", h.Written, !h.Start.IsZero())
	set("withdrawnAt", retention.Sort(h.Withdrawn), !h.Withdrawn.IsZero())
	set("purgingBy", h.MarkedBy, h.MarkedBy != "")
	set("retentionSort", retention.Sort(h.Place), h.Stamped && !h.Place.IsZero())
	set("activeSort", retention.Sort(beginning()), h.Stamped && h.Place.IsZero())
	of := string(h.Shard)
	if of == "" {
		of = h.ID
	}
	set("retentionShard", retention.Shard(of), h.Stamped)
	if len(h.Former) > 0 {
		item["formerSubjects"] = h.Former
	}
	if len(h.Objects) > 0 {
		item["objects"] = h.named()
	}
	return item
}

// beginning is the time of the first messages on records. It is before every
// other time.
func beginning() time.Time { return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC) }

// writer writes one record through the store, message by message.
type writer struct {
	*estate
	ctx   context.Context
	class retention.Class
	h     history
	scope scope.Scope
}

// word is one message on a record, or its stamp.
type word func() error

func (w writer) write() error {
	for _, say := range w.words() {
		if err := say(); err != nil {
			return err
		}
	}
	return nil
}

func (w writer) words() []word {
	first := beginning()
	again := first.Add(time.Hour)
	now, formerly := w.h.told, w.h.told
	formerly.Start = w.h.Earlier
	stamp, last := w.stamp, w.stamp
	if w.h.Behind {
		last = func() error { return nil }
	}
	var words []word
	switch w.h.Way {
	case stored:
		words = []word{w.put(now, first), last}
	case renewed:
		words = []word{w.put(formerly, first), stamp, w.put(now, again), last}
	case late:
		words = []word{w.put(now, again), stamp, w.put(formerly, first)}
	case ended:
		words = []word{w.put(formerly, first), stamp, w.end(retention.Ending{At: now.Start}), last}
	case reopened:
		ahead := first.Add(100 * 365 * 24 * time.Hour)
		words = []word{w.put(formerly, first), stamp, w.end(retention.Ending{At: ahead, Running: true}), last}
	case takenBack:
		words = []word{w.put(now, first), stamp, w.withdraw(w.h.Before), w.withdraw(time.Time{})}
	case consented:
		words = []word{w.put(formerly, first), stamp, w.withdraw(w.h.Before), w.put(now, w.h.Before.Add(time.Hour)), last}
	case repeated:
		return []word{w.put(now, first), stamp, w.withdraw(now.Withdrawn), w.put(now, first)}
	case rekeyed:
		formerly.Subject, formerly.Former = now.Former[0], nil
		words = []word{w.put(formerly, first), stamp, w.put(now, again), last}
	}
	if !now.Withdrawn.IsZero() {
		words = append(words, w.withdraw(now.Withdrawn))
	}
	return words
}

func (w writer) put(as told, occurred time.Time) word {
	return func() error {
		record := retention.Record{
			ID: as.ID, Subject: as.Subject, Former: as.Former, Scope: w.scope, OccurredAt: occurred, Start: as.Start,
			Objects: w.h.named(), Data: json.RawMessage(`{"theirs":"all of it"}`),
		}
		switch {
		case as.Class != retention.Messaging:
		case w.h.Way == ended || w.h.Way == reopened:
			record.Basis = retention.Customer
		default:
			record.Basis = retention.Consent
		}
		var only []contact.Key
		if w.h.Only {
			only = append(only, as.Subject)
		}
		_, err := w.records.Put(w.ctx, as.Class, record, func(retention.Record) error { return nil }, only...)
		return err
	}
}

// stamp does once what the stamp function does.
func (w writer) stamp() error {
	if !w.h.Stamped {
		return nil
	}
	stored, err := w.records.Get(w.ctx, w.h.Class, w.h.ID)
	if err != nil {
		return err
	}
	place := ""
	if !stored.Start.IsZero() {
		place = retention.Sort(stored.Start)
	}
	return w.records.Stamp(w.ctx, w.h.Class, stored, place)
}

func (w writer) withdraw(at time.Time) word {
	return func() error {
		stored, err := w.records.Get(w.ctx, w.h.Class, w.h.ID)
		if err != nil {
			return err
		}
		done, err := w.records.Withdraw(w.ctx, w.h.Class, stored, at)
		if err == nil && !done {
			err = errUndone
		}
		return err
	}
}

func (w writer) end(e retention.Ending) word {
	return func() error {
		return w.records.End(w.ctx, w.h.Class, w.h.ID, func(stored retention.Record) (retention.Record, error) { return w.class.End(stored, e) })
	}
}

var errUndone = errors.New("nothing was done")

// target is the hold's target, as the store names it.
func (h hold) target() retention.Target {
	if h.Subject != "" {
		return retention.SubjectTarget(h.Subject)
	}
	return retention.RecordTarget(h.Class, h.Record)
}

// placeHolds places holds, lifts the lifted ones, and makes others unreadable.
func (e *estate) placeHolds(ctx context.Context, a anyTable) error {
	left := slices.DeleteFunc(slices.Clone(a.Holds), func(h hold) bool { return h.Garbled })
	for n := 0; len(left) > 0; n++ {
		stands, lifted := fmt.Sprintf("stands-%d", n), fmt.Sprintf("lifted-%d", n)
		placed := map[retention.Target]retention.Hold{}
		left = slices.DeleteFunc(left, func(h hold) bool {
			if _, taken := placed[h.target()]; taken {
				return false // one call places one hold on a target: the next call places this one
			}
			of := stands
			if h.Lifted {
				of = lifted
			}
			placed[h.target()] = retention.Hold{Case: of, Reason: "claim", Kind: retention.Legal, Target: h.target(), SetAt: a.At}
			return true
		})
		if _, err := e.holds.Set(ctx, nil, slices.Collect(maps.Values(placed))); err != nil {
			return err
		}
		if _, err := e.holds.Lift(ctx, retention.OfCase(lifted), a.At, "operator"); err != nil {
			return err
		}
	}
	for _, h := range a.Holds {
		if h.Garbled {
			dynamotest.Put(e.t, e.db, e.stack.Table(names.TableHolds), map[string]any{"target": string(h.target()), "cases": "none that can be read"})
		}
	}
	return nil
}
