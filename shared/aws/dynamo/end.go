package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/retention"
)

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
		update := assign(expression.UpdateBuilder{}, names.AttrRetentionStart, text(instant(next.Start)))
		update = assign(update, names.AttrStartAsOf, text(instant(next.StartAsOf)))
		input, err := updateItem(r.stack.Records(class), id, update, exists().And(unchangedRecord(stored)))
		if err != nil {
			return err
		}
		var unheld []types.TransactWriteItem
		if !stored.Record.SetsStart(next) {
			if unheld, err = r.unheld(ctx, stored.Targets(class)); err != nil {
				return err
			}
		}
		if done, err := r.write(ctx, "writing a record's end", input, unheld); done || err != nil {
			return err
		}
		return errRaced
	})
}
