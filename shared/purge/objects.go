package purge

import (
	"context"
	"errors"
	"maps"
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
// returns the records without those whose objects cannot be counted. Of a marked
// record some versions may be gone, and count.
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
	if err != nil {
		return nil, err
	}
	for i, record := range done {
		of := counted[record.ID]
		if of.Versions = max(of.Versions, record.PurgingOf); of.Count > 0 {
			counted[record.ID], done[i].PurgingOf = of, of.Versions
		}
	}
	if len(counted) == 0 {
		return done, nil
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
			w.fail(ctx, class, record.ID, failures[n], outcomes)
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

// own sets Claimed of the records to the objects that belong to them: an object of
// another record stays, whatever the record names. It returns, by id, why a purge
// leaves a record: one of its objects belongs to no record, or may not be deleted.
func own(ctx context.Context, records Records, class retention.Class, due []retention.Stored) (map[string]error, error) {
	var named []string
	for _, record := range due {
		named = append(named, record.Owning(retention.Record{})...)
	}
	if len(named) == 0 {
		return nil, nil //nolint:nilnil // no record has an object
	}
	owners, err := records.Owners(ctx, named)
	if err != nil {
		return nil, err
	}
	left := map[string]error{}
	for i, record := range due {
		all := record.Owning(retention.Record{})
		due[i].Claimed = slices.DeleteFunc(slices.Clone(all), func(object string) bool {
			return owners[object] != retention.Owner{Class: class.Name, ID: record.ID}
		})
		if slices.ContainsFunc(all, func(object string) bool { return owners[object] == retention.Owner{} }) {
			left[record.ID] = errUnclaimed
		} else if _, err := objectsOf(class, due[i]); err != nil {
			left[record.ID] = err
		}
	}
	return left, nil
}

// own is own for a page. A record that the purge leaves is noted as Failed. The claims
// go with their record, so another worker may have deleted it since it was read.
func (w Worker) own(ctx context.Context, class retention.Class, due []retention.Stored, outcomes map[string]Outcome) ([]retention.Stored, error) {
	left, err := own(ctx, w.Records, class, due)
	if err != nil || len(left) == 0 {
		return due, err
	}
	there, unreadable, err := w.Records.Load(ctx, class.Name, slices.Collect(maps.Keys(left)))
	if err != nil {
		return nil, err
	}
	for id, why := range left {
		if _, exists := there[id]; exists || unreadable[id] != nil {
			w.fail(ctx, class, id, why, outcomes)
		} else {
			outcomes[id] = Gone
		}
	}
	return undecided(due, outcomes), nil
}

// fail notes a record as Failed, and logs why it stays.
func (w Worker) fail(ctx context.Context, class retention.Class, id string, why error, outcomes map[string]Outcome) {
	outcomes[id] = Failed
	if !retention.MayShowID(id) {
		id = "(not shown)"
	}
	w.Log.ErrorContext(ctx, "a record stays because of its objects", "class", class.Name, "record", id, "error", why)
}
