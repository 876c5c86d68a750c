package purgetest

import (
	"context"
	"maps"
	"slices"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// deleter deletes records of the store.
type deleter struct{ view }

func (d deleter) DeleteUnderFence(ctx context.Context, under purge.Conditions, records []retention.Stored) (purge.Deletion, error) {
	var done purge.Deletion
	for chunk := range slices.Chunk(records, purge.MaxDeletes) {
		if err := d.transaction(ctx, under, chunk, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (d deleter) transaction(ctx context.Context, under purge.Conditions, records []retention.Stored, done *purge.Deletion) error {
	unlock, err := d.request(ctx, "TransactWriteItems")
	if err != nil {
		return err
	}
	defer unlock()
	if d.epochs[under.Shard] != under.Epoch || d.turns[under.Shard][under.Class] != under.Turn {
		return purge.ErrFenceMoved
	}
	for _, r := range records {
		d.take(under.Class, under.Run, r, done)
	}
	return nil
}

// take deletes a record that is unchanged since it was read, or marks it for
// the run.
func (d deleter) take(class, run string, r retention.Stored, done *purge.Deletion) {
	there, exists := d.classes[class][r.ID]
	switch {
	case !exists:
		done.Gone = append(done.Gone, r.ID)
	case !d.same(r, there):
		done.Changed = append(done.Changed, r.ID)
	case r.InTwoSteps():
		there = maps.Clone(there)
		there[names.AttrPurgingBy], there[names.AttrPurging], there[names.AttrPurged] = run, slices.Clone(r.Purging), r.Purged
		d.classes[class][r.ID] = there
		done.Marked = append(done.Marked, r.ID)
	default:
		delete(d.classes[class], r.ID)
		done.Deleted = append(done.Deleted, r.ID)
	}
}

func (d deleter) DeleteMarked(ctx context.Context, under purge.Conditions, records []retention.Stored) (purge.Deletion, error) {
	var done purge.Deletion
	for chunk := range slices.Chunk(records, purge.MaxDeletes) {
		if err := d.finish(ctx, under, chunk, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

// finish is one transaction of DeleteMarked.
func (d deleter) finish(ctx context.Context, under purge.Conditions, records []retention.Stored, done *purge.Deletion) error {
	unlock, err := d.request(ctx, "TransactWriteItems")
	if err != nil {
		return err
	}
	defer unlock()
	if d.turns[under.Shard][under.Class] != under.Turn {
		return purge.ErrLockLost
	}
	for _, r := range records {
		marked := maps.Clone(r.Revision.(item))
		marked[names.AttrPurgingBy] = under.Run
		r.Revision, r.PurgingBy = marked, under.Run
		there, exists := d.classes[under.Class][r.ID]
		switch {
		case !exists:
			done.Gone = append(done.Gone, r.ID)
		case !d.same(r, there):
			done.Changed = append(done.Changed, r.ID)
		default:
			delete(d.classes[under.Class], r.ID)
			for _, object := range r.Claimed {
				delete(d.claims, object)
			}
			done.Deleted = append(done.Deleted, r.ID)
		}
	}
	return nil
}
