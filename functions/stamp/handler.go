package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/emf"
	"stille/shared/aws/streambatch"
	"stille/shared/names"
	"stille/shared/purge"
)

// handler stamps the records of a class table's stream.
type handler struct {
	stack      names.Tables
	stamper    purge.Stamper
	deadLetter func(ctx context.Context, record deadletter.Record) error // takes what a person must look into
	log        *slog.Logger
}

var errForeign = errors.New("the stream is no class table's")

// handle takes a batch of a class table's stream. A stream record that fails is
// delivered again with the stream records behind it. A stream record that a person
// must look into is parked, so that it does not block the others.
func (h handler) handle(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	return streambatch.Take(ctx, h.log, batch.Records, names.AttrID, func(ctx context.Context, r events.DynamoDBEventRecord) error {
		class, ok := h.stack.ClassOf(r.EventSourceArn)
		if !ok {
			return errForeign
		}
		change, unreadable := dynamo.ChangeOf(r.Change)
		faults, err := h.take(ctx, class, r, change, unreadable)
		for _, fault := range faults {
			err = errors.Join(err, h.park(ctx, class, r, change, fault))
		}
		if err != nil {
			return fmt.Errorf("stamping a record of %s: %w", class, err)
		}
		return nil
	}), nil
}

// take looks whether a hold forbade the change, and stamps the record, or frees
// the slot of a record that is gone.
func (h handler) take(
	ctx context.Context, class string, r events.DynamoDBEventRecord, change dynamo.RecordChange, unreadable error,
) (faults []error, err error) {
	if change.Rewritten {
		err := h.stamper.Frozen(ctx, class, change.Before)
		if errors.Is(err, purge.ErrRewritten) {
			faults = append(faults, err)
		} else if err != nil {
			return nil, err
		}
	}
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		id := r.Change.Keys[names.AttrID]
		if id.DataType() != events.DataTypeString {
			return faults, nil
		}
		return faults, h.stamper.Leave(ctx, class, id.String(), change.Before)
	}
	if unreadable != nil {
		return append(faults, unreadable), nil
	}
	more, err := h.stamper.Stamp(ctx, class, change.Before, change.After)
	return append(faults, more...), err
}

// park sends a record to the dead-letter queue. A held record that was
// rewritten is parked with its old image, and counted.
func (h handler) park(ctx context.Context, class string, r events.DynamoDBEventRecord, change dynamo.RecordChange, fault error) error {
	parked := deadletter.Of(r, fault)
	if !errors.Is(fault, purge.ErrRewritten) {
		h.log.ErrorContext(ctx, "parked a record", "class", class, "error", fault)
		return h.deadLetter(ctx, parked)
	}
	h.log.ErrorContext(ctx, "parked a record", names.AttrClass, class, "error", fault, names.MetricRewritten, 1,
		emf.Embedded(h.stamper.Now(), names.AttrClass, names.MetricRewritten))
	return h.deadLetter(ctx, parked.WithImage(change.Image))
}
