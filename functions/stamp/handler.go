package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// list is the suppression list, read strongly.
type list interface {
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
}

// records are the class tables, as far as a stamp touches them.
type records interface {
	Get(ctx context.Context, class, id string) (retention.Stored, error)
	Stamp(ctx context.Context, class string, of retention.Stored, sort string) error
	Withdraw(ctx context.Context, class string, of retention.Stored, at time.Time) (bool, error)
	Claim(ctx context.Context, class string, record retention.Stored) error
	Leave(ctx context.Context, class, id string) error
}

// queue is where stream records go that cannot be taken.
type queue interface {
	Park(ctx context.Context, record deadletter.Record) error
}

// handler gives every record its place in the indexes, whoever wrote it, and a
// messaging record its contact's slot, which it frees once the record is gone.
// It marks a record as withdrawn whose subject opted out, or was erased, before
// the record arrived.
type handler struct {
	stack   names.Stack
	list    list
	records records
	parked  queue
	log     *slog.Logger
	now     func() time.Time
}

var errForeign = errors.New("the stream is no class table's")

// handle takes a batch of a class table's stream. An error means that the
// whole batch is to come again; a record that cannot be read is parked, so
// that it does not hold up the others.
func (h handler) handle(ctx context.Context, batch events.DynamoDBEvent) error {
	for _, r := range batch.Records {
		class, ok := h.stack.ClassOf(r.EventSourceArn)
		if !ok {
			return errForeign
		}
		if r.EventName == string(events.DynamoDBOperationTypeRemove) {
			if err := h.leave(ctx, class, r); err != nil {
				return err
			}
			continue
		}
		record, err := dynamo.RecordImage(r.Change.NewImage)
		if err != nil {
			if err := h.park(ctx, r, class, err); err != nil {
				return err
			}
			continue
		}
		if !record.Start.IsZero() && !retention.PlausibleStart(record.Start, h.now()) {
			if err := h.park(ctx, r, class, errImplausible); err != nil {
				return err
			}
			record.Start = time.Time{}
		}
		err = h.stamp(ctx, class, record)
		// Its subject's suppressions cannot be read, or it has no room for a stamp.
		if errors.Is(err, suppression.ErrUnreadable) || errors.Is(err, retention.ErrUnreadable) || errors.Is(err, retention.ErrUnwritable) {
			err = h.park(ctx, r, class, err)
		}
		if err == nil {
			err = h.claim(ctx, r, class, record)
		}
		if err != nil {
			return fmt.Errorf("stamping a record of %s: %w", class, err)
		}
	}
	return nil
}

// claim gives a messaging record that is new its contact's slot. Where somebody
// wrote a second record for it, that is for a person to see to: both stand.
func (h handler) claim(ctx context.Context, r events.DynamoDBEventRecord, class string, record retention.Stored) error {
	if class != retention.Messaging || record.Shard != "" || record.Subject == "" || record.Scope == "" {
		return nil
	}
	err := h.records.Claim(ctx, class, record)
	var duplicate retention.DuplicateError
	if errors.As(err, &duplicate) {
		return h.park(ctx, r, class, duplicate)
	}
	return err
}

// leave frees the slot of a record that is gone.
func (h handler) leave(ctx context.Context, class string, r events.DynamoDBEventRecord) error {
	id := r.Change.Keys[names.AttrID]
	if class != retention.Messaging || id.DataType() != events.DataTypeString {
		return nil
	}
	return h.records.Leave(ctx, class, id.String())
}

// errImplausible is why a record with such a start is in no index: by it a
// purge would delete at once, or never.
var errImplausible = errors.New("the start is before 2000 or more than a day ahead")

func (h handler) park(ctx context.Context, r events.DynamoDBEventRecord, class string, reason error) error {
	h.log.ErrorContext(ctx, "parked a record", "class", class, "error", reason)
	return h.parked.Park(ctx, deadletter.Of(r, reason))
}

func (h handler) stamp(ctx context.Context, class string, record retention.Stored) error {
	sort := ""
	if !record.Start.IsZero() {
		sort = retention.Sort(record.Start)
	}
	if record.Sort != sort || record.ActiveSort != record.Record.ActiveSort(sort) || record.Shard == "" {
		if err := h.records.Stamp(ctx, class, record, sort); err != nil {
			return err
		}
	}
	at, err := h.withdrawnAt(ctx, class, record)
	if err != nil || at.IsZero() || record.WithdrawnAs(at) {
		return err
	}
	done, err := h.records.Withdraw(ctx, class, record, at)
	if err != nil || !done || at.Equal(record.WithdrawnAt) {
		return err // not done: a newer change is on its way through the stream
	}
	return h.confirm(ctx, class, record, at)
}

// confirm reads the list once more after a record was marked by it, and takes
// the mark back if a release came in between: propagate may have looked at the
// record before it was marked, and will not look again.
func (h handler) confirm(ctx context.Context, class string, marked retention.Stored, at time.Time) error {
	item, err := h.list.Get(ctx, marked.Subjects())
	if err != nil || !suppression.WithdrawnAt(item, class, marked.Scope, marked.OccurredAt).IsZero() {
		return err
	}
	now, err := h.records.Get(ctx, class, marked.ID)
	switch {
	case errors.Is(err, retention.ErrNoRecord):
		return nil
	case err != nil || !now.WithdrawnAs(at):
		return err
	}
	_, err = h.records.Withdraw(ctx, class, now, marked.WithdrawnAt)
	return err
}

// withdrawnAt is since when the record has no basis: what it says itself, or
// an earlier mark of the list's.
func (h handler) withdrawnAt(ctx context.Context, class string, record retention.Stored) (time.Time, error) {
	if record.Subject == "" {
		return record.WithdrawnAt, nil
	}
	item, err := h.list.Get(ctx, record.Subjects())
	if err != nil {
		return time.Time{}, err
	}
	at := suppression.WithdrawnAt(item, class, record.Scope, record.OccurredAt)
	if at.IsZero() || !record.WithdrawnAt.IsZero() && record.WithdrawnAt.Before(at) {
		at = record.WithdrawnAt
	}
	return at, nil
}
