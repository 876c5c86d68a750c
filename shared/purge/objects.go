package purge

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"iter"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// Objects are the objects of records.
type Objects interface {
	// Versions yields the ids of the versions of an object, delete markers included;
	// none for a missing object. It ends with the first error.
	Versions(ctx context.Context, object retention.Object) iter.Seq2[string, error]
	// Delete deletes versions of an object, and succeeds only if it has no others.
	Delete(ctx context.Context, object retention.Object, versions []string) error
}

// recordsAtOnce is how many records of a page lose their objects at the same
// time. A page of records with MostObjects each must be done in a minute.
const recordsAtOnce = 16

// mostMarked is how many versions the mark of a record names: a mark must fit into
// the record's item. The next run takes the versions that are more.
const mostMarked = 5_000

// noteObjects notes for each record which versions of its objects may be deleted once
// the record is marked, counts them for the page of the manifest, and returns the
// records without those whose objects cannot be read. Of a marked record some versions
// may be gone, and count: only the versions that a mark names are deleted, so each is
// counted once, whenever a run dies and whatever is added to an object meanwhile.
func (w Worker) noteObjects(ctx context.Context, class retention.Class, page string, records []retention.Stored, outcomes map[string]Outcome) ([]retention.Stored, error) {
	found := map[string]*versions{}
	for _, record := range records {
		if len(record.Claimed) > 0 {
			found[record.ID] = &versions{gone: slices.Clone(record.Purging)}
		}
	}
	done, err := w.eachObject(ctx, class, records, outcomes, func(record retention.Stored, object retention.Object) error {
		return found[record.ID].add(object, w.Objects.Versions(ctx, object))
	})
	if err != nil {
		return nil, err
	}
	counted := map[string]certificate.Objects{}
	for i, record := range done {
		if of := found[record.ID]; of != nil {
			done[i].Purging, done[i].Purged = of.there, record.Purged+len(of.gone)
			counted[record.ID] = certificate.Objects{Count: len(record.Claimed), Versions: done[i].Purged + len(of.there)}
		}
	}
	if len(counted) == 0 {
		return done, nil
	}
	return done, w.Manifest.NoteObjects(ctx, page, counted)
}

// versions are the versions of the objects of a record: the first that are there, and
// those that the last mark named and that are gone.
type versions struct{ there, gone []string }

func (v *versions) add(object retention.Object, all iter.Seq2[string, error]) error {
	for version, err := range all {
		if err != nil {
			return err
		}
		name := versionName(object, version)
		v.gone = slices.DeleteFunc(v.gone, func(gone string) bool { return gone == name })
		if len(v.there) < mostMarked {
			v.there = append(v.there, name)
		}
	}
	return nil
}

// versionName is a hash of a version of an object: of a million versions, two have the
// same hash once in ten thousand million times.
func versionName(object retention.Object, version string) string {
	sum := sha256.Sum256([]byte(object.Bucket + "\x00" + object.Key + "\x00" + version))
	return base64.RawStdEncoding.EncodeToString(sum[:9])
}

// finish deletes the versions that the marks of the records name, and then the records.
// A record stays marked and Failed if one of its versions cannot be deleted, or was
// added since the mark; the next run takes the record up.
func (w Worker) finish(ctx context.Context, class retention.Class, work Work, marked []retention.Stored, outcomes map[string]Outcome) error {
	empty, err := w.eachObject(ctx, class, marked, outcomes, func(record retention.Stored, object retention.Object) error {
		var named []string
		for version, err := range w.Objects.Versions(ctx, object) {
			if err != nil {
				return err
			}
			if slices.Contains(record.Purging, versionName(object, version)) {
				named = append(named, version)
			}
		}
		return w.Objects.Delete(ctx, object, named)
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
