package purge

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// Objects are the objects of records.
type Objects interface {
	// Count returns the number of versions of an object, delete markers included.
	Count(ctx context.Context, object retention.Object) (int, error)
	// Delete deletes every version of an object. A missing object counts as
	// deleted.
	Delete(ctx context.Context, object retention.Object) error
}

// recordsAtOnce is how many records of a page lose their objects at the same
// time. A page of records with MostObjects each must be done in a minute.
const recordsAtOnce = 16

// noteObjects counts the objects of each record for the page of the manifest, and
// returns the records without those whose objects cannot be counted.
func (w Worker) noteObjects(ctx context.Context, class retention.Class, page string, records []retention.Stored, outcomes map[string]Outcome) ([]retention.Stored, error) {
	counted := map[string]certificate.Objects{}
	var mu sync.Mutex
	done, err := w.eachObject(ctx, class, records, outcomes, func(record retention.Stored, object retention.Object) error {
		versions, err := w.Objects.Count(ctx, object)
		mu.Lock()
		defer mu.Unlock()
		counted[record.ID] = counted[record.ID].Plus(certificate.Objects{Count: 1, Versions: versions})
		return err
	})
	if err != nil || len(counted) == 0 {
		return done, err
	}
	return done, w.Manifest.NoteObjects(ctx, page, counted)
}

// finish deletes the objects of the records that are marked for the run, and
// then these records. A record whose objects cannot be deleted stays marked and
// Failed; the next run takes it up.
func (w Worker) finish(ctx context.Context, class retention.Class, work Work, marked []retention.Stored, outcomes map[string]Outcome) error {
	empty, err := w.eachObject(ctx, class, marked, outcomes, func(_ retention.Stored, object retention.Object) error {
		return w.Objects.Delete(ctx, object)
	})
	if err != nil {
		return err
	}
	done, err := w.Deleter.DeleteMarked(ctx, work.conditions(0), empty)
	note(outcomes, done.Deleted, Deleted)
	note(outcomes, done.Changed, Changed)
	note(outcomes, done.Gone, Gone)
	return err
}

// eachObject calls do for every object of the records, for several records at the
// same time, and returns the records for whose objects do succeeded, in their order.
// The others are Failed, and it logs why they stay. A failure does not cancel the
// others: S3 deletions already sent would complete without being recorded.
func (w Worker) eachObject(ctx context.Context, class retention.Class, records []retention.Stored, outcomes map[string]Outcome, do func(retention.Stored, retention.Object) error) ([]retention.Stored, error) {
	failures := make([]error, len(records))
	var group errgroup.Group
	group.SetLimit(recordsAtOnce)
	for n, record := range records {
		if len(record.Claimed) == 0 {
			continue
		}
		group.Go(func() error {
			objects, err := objectsOf(class, record)
			for i := 0; err == nil && i < len(objects); i++ {
				err = do(record, objects[i])
			}
			failures[n] = err
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var done []retention.Stored
	for n, record := range records {
		if failures[n] == nil {
			done = append(done, record)
		} else {
			outcomes[record.ID] = Failed
			w.complain(ctx, class, record, failures[n])
		}
	}
	return done, nil
}

// objectsOf are the objects in Claimed. Its error says that the class must not
// delete one of them. An object that the record names must lie under the prefix of
// the record's scope. An object that an older version named may lie under the prefix
// of that version's scope.
func objectsOf(class retention.Class, record retention.Stored) ([]retention.Object, error) {
	owning := record.Record
	owning.Objects = slices.DeleteFunc(slices.Clone(record.Objects), func(named string) bool { return !slices.Contains(record.Claimed, named) })
	if err := class.Placed(owning); err != nil {
		return nil, err
	}
	owning.Objects = record.Claimed
	return class.Objects(owning)
}

// errUnclaimed means that an object belongs to no record: stamp has not seen the
// record yet, or the record is older than the claims.
var errUnclaimed = errors.New("an object belongs to no record yet: the next change of the record, or stille mend, claims it")

// own reads which objects belong to the records, and sets Claimed to them: an
// object of another record stays, whatever the record names. A record stays, and
// is noted as Failed, if one of its objects belongs to no record or may not be
// deleted.
func (w Worker) own(ctx context.Context, class retention.Class, due []retention.Stored, outcomes map[string]Outcome) ([]retention.Stored, error) {
	var named []string
	for _, record := range due {
		named = append(named, record.Owning(retention.Record{})...)
	}
	if len(named) == 0 {
		return due, nil
	}
	owners, err := w.Records.Owners(ctx, named)
	if err != nil {
		return nil, err
	}
	var unclaimed []retention.Stored
	for i, record := range due {
		all := record.Owning(retention.Record{})
		due[i].Claimed = slices.DeleteFunc(slices.Clone(all), func(object string) bool {
			return owners[object] != retention.Owner{Class: class.Name, ID: record.ID}
		})
		if slices.ContainsFunc(all, func(object string) bool { return owners[object] == retention.Owner{} }) {
			unclaimed = append(unclaimed, record)
		} else if _, err := objectsOf(class, due[i]); err != nil {
			w.complain(ctx, class, record, err)
			outcomes[record.ID] = Failed
		}
	}
	if err := w.noteUnclaimed(ctx, class, unclaimed, outcomes); err != nil {
		return nil, err
	}
	return undecided(due, outcomes), nil
}

// noteUnclaimed notes the outcomes of records with an object that belongs to no
// record. The claims go with their record, so another worker may have deleted it
// since it was read.
func (w Worker) noteUnclaimed(ctx context.Context, class retention.Class, records []retention.Stored, outcomes map[string]Outcome) error {
	if len(records) == 0 {
		return nil
	}
	ids := make([]string, len(records))
	for i, record := range records {
		ids[i] = record.ID
	}
	there, unreadable, err := w.Records.Load(ctx, class.Name, ids)
	if err != nil {
		return err
	}
	for _, record := range records {
		if _, exists := there[record.ID]; !exists && unreadable[record.ID] == nil {
			outcomes[record.ID] = Gone
			continue
		}
		w.complain(ctx, class, record, errUnclaimed)
		outcomes[record.ID] = Failed
	}
	return nil
}

// complain logs why a record stays.
func (w Worker) complain(ctx context.Context, class retention.Class, record retention.Stored, err error) {
	id := "(not shown)"
	if retention.MayShowID(record.ID) {
		id = record.ID
	}
	w.Log.ErrorContext(ctx, "a record stays because of its objects", "class", class.Name, "record", id, "error", err)
}
