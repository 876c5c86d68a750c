package purge

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"stille/shared/retention"
)

// Objects deletes the objects of records.
type Objects interface {
	// Delete deletes every version of an object. A missing object counts as
	// deleted.
	Delete(ctx context.Context, object retention.Object) error
}

// recordsAtOnce is how many records of a page lose their objects at the same
// time. A page of records with a hundred objects each must be done in a minute.
const recordsAtOnce = 16

// finish deletes the objects of the records that are marked for the run, and
// then these records. A record whose objects cannot be deleted stays marked and
// Failed; the next run takes it up. A failure does not cancel the others: S3
// deletions already sent would complete without being recorded.
func (w Worker) finish(ctx context.Context, class retention.Class, work Work, marked []retention.Stored, outcomes map[string]Outcome) error {
	var mu sync.Mutex
	var empty []retention.Stored // their objects are gone
	var group errgroup.Group
	group.SetLimit(recordsAtOnce)
	for _, record := range marked {
		group.Go(func() error {
			err := w.deleteObjects(ctx, class, record)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				w.complain(ctx, class, record, err)
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			empty = append(empty, record)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	done, err := w.Deleter.DeleteMarked(ctx, work.conditions(0), empty)
	note(outcomes, done.Deleted, Deleted)
	note(outcomes, done.Changed, Changed)
	note(outcomes, done.Gone, Gone)
	return err
}

func (w Worker) deleteObjects(ctx context.Context, class retention.Class, record retention.Stored) error {
	objects, err := class.Objects(record.Record)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := w.Objects.Delete(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// mayDeleteObjects reports whether the purge may delete all objects of the
// record. Otherwise the record must not be marked.
func (w Worker) mayDeleteObjects(ctx context.Context, class retention.Class, record retention.Stored) bool {
	_, err := class.Objects(record.Record)
	if err != nil {
		w.complain(ctx, class, record, err)
	}
	return err == nil
}

// complain logs why a record stays.
func (w Worker) complain(ctx context.Context, class retention.Class, record retention.Stored, err error) {
	id := "(not shown)"
	if retention.MayShowID(record.ID) {
		id = record.ID
	}
	w.Log.ErrorContext(ctx, "a record stays because of its objects", "class", class.Name, "record", id, "error", err)
}
