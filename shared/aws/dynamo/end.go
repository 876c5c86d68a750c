package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"stille/shared/names"
	"stille/shared/retention"
)

// End writes what decide makes of a record's start, provided that the record is
// unchanged, and lets it decide again where it is not. An error of decide's is
// returned as it is. The error wraps ErrNoRecord, ErrUnreadable, or
// ErrBeingPurged where a purge has marked the record.
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
		update := assign(expression.UpdateBuilder{}, names.AttrRetentionStart, text(instant(next.Start)))
		update = assign(update, names.AttrStartAsOf, text(instant(next.StartAsOf)))
		input, err := updateItem(r.stack.Records(class), id, update, exists().And(unchangedRecord(stored)))
		if done, err := r.whether(ctx, "writing a record's end", input, err); done || err != nil {
			return err
		}
		return errRaced
	})
}
