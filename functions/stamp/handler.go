package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/names"
	"stille/shared/purge"
)

// queue is the dead-letter queue for stream records.
type queue interface {
	Park(ctx context.Context, record deadletter.Record) error
}

// handler stamps the records of a class table's stream.
type handler struct {
	stack   names.Stack
	stamper purge.Stamper
	parked  queue
	log     *slog.Logger
}

var errForeign = errors.New("the stream is no class table's")

// handle takes a batch of a class table's stream. After an error the whole
// batch must be delivered again. A record that a person must look into is
// parked, so that it does not block the others.
func (h handler) handle(ctx context.Context, batch events.DynamoDBEvent) error {
	for _, r := range batch.Records {
		class, ok := h.stack.ClassOf(r.EventSourceArn)
		if !ok {
			return errForeign
		}
		faults, err := h.take(ctx, class, r)
		for _, fault := range faults {
			h.log.ErrorContext(ctx, "parked a record", "class", class, "error", fault)
			err = errors.Join(err, h.parked.Park(ctx, deadletter.Of(r, fault)))
		}
		if err != nil {
			return fmt.Errorf("stamping a record of %s: %w", class, err)
		}
	}
	return nil
}

// take stamps a record, or frees the slot of a record that is gone.
func (h handler) take(ctx context.Context, class string, r events.DynamoDBEventRecord) (faults []error, err error) {
	if r.EventName == string(events.DynamoDBOperationTypeRemove) {
		id := r.Change.Keys[names.AttrID]
		if id.DataType() != events.DataTypeString {
			return nil, nil
		}
		return nil, h.stamper.Leave(ctx, class, id.String())
	}
	record, err := dynamo.RecordImage(r.Change.NewImage)
	if err != nil {
		return []error{err}, nil
	}
	return h.stamper.Stamp(ctx, class, record)
}
