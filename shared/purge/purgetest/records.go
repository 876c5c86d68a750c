package purgetest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// tables are the class tables of the store.
type tables struct{ view }

func parse(written string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, written)
	return at.UTC(), err
}

// times are a record's times by their attributes.
func times(r *retention.Record) map[string]*time.Time {
	return map[string]*time.Time{
		names.AttrOccurredAt: &r.OccurredAt, names.AttrFirstAt: &r.FirstAt, names.AttrRetentionStart: &r.Start, names.AttrStartAsOf: &r.StartAsOf,
		names.AttrLastActivityAt: &r.LastActivityAt, names.AttrWithdrawnAt: &r.WithdrawnAt,
	}
}

// assign sets an attribute, or removes it if the value is empty.
func assign(i item, name, value string) {
	if i[name] = value; value == "" {
		delete(i, name)
	}
}

func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func (s tables) DueBefore(
	ctx context.Context, class string, by purge.Index, shard string, before time.Time, after purge.Due, atOnce int,
) iter.Seq2[purge.Due, error] {
	attribute := map[purge.Index]string{
		purge.ByStart: names.AttrRetentionSort, purge.ByWithdrawal: names.AttrWithdrawnAt, purge.ByActivity: names.AttrActiveSort,
	}[by]
	return func(yield func(purge.Due, error) bool) {
		for {
			page, err := s.query(ctx, class, attribute, shard, retention.Sort(before), after, atOnce)
			if err != nil {
				yield(purge.Due{}, err)
				return
			}
			for _, entry := range page {
				if !yield(entry, nil) {
					return
				}
				after = entry
			}
			if len(page) < atOnce {
				return
			}
		}
	}
}

func (s tables) query(ctx context.Context, class, attribute, shard, before string, after purge.Due, most int) ([]purge.Due, error) {
	unlock, err := s.request(ctx, "Query")
	if err != nil {
		return nil, err
	}
	defer unlock()
	records := s.classes[class]
	if s.indexes != nil {
		records = s.indexes[class]
	}
	var all []purge.Due
	for id, i := range records {
		sort, sorted := i[attribute].(string)
		if entry := (purge.Due{ID: id, Sort: sort}); sorted && i[names.AttrRetentionShard] == shard && sort < before && order(entry, after) > 0 {
			all = append(all, entry)
		}
	}
	slices.SortFunc(all, order)
	return all[:min(most, len(all))], nil
}

// order compares entries as an index does; the zero entry comes before all
// others.
func order(a, b purge.Due) int { return strings.Compare(a.Sort+"\x00"+a.ID, b.Sort+"\x00"+b.ID) }

// batchSize is the number of keys of one batch.
const batchSize = 100

var errBatch = errors.New("a batch has at most 100 keys")

func (s tables) Load(ctx context.Context, class string, ids []string) (map[string]retention.Stored, map[string]error, error) {
	if len(ids) > batchSize {
		return nil, nil, errBatch
	}
	records, unreadable := map[string]retention.Stored{}, map[string]error{}
	if len(ids) == 0 {
		return records, unreadable, nil
	}
	unlock, err := s.request(ctx, "BatchGetItem")
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	for _, id := range ids {
		i, there := s.classes[class][id]
		if !there {
			continue
		}
		stored, err := read(i)
		if err != nil {
			unreadable[id] = err
			continue
		}
		records[id] = stored
	}
	return records, unreadable, nil
}

func (s tables) Scan(ctx context.Context, class string, segment purge.Segment, after string, limit int) (purge.Scanned, error) {
	unlock, err := s.request(ctx, "Scan")
	if err != nil {
		return purge.Scanned{}, err
	}
	defer unlock()
	var page purge.Scanned
	for _, id := range slices.Sorted(maps.Keys(s.classes[class])) {
		hash := fnv.New32a()
		fmt.Fprint(hash, id)
		if int(hash.Sum32()%uint32(segment.Of)) != segment.Number || id <= after { //nolint:gosec // small
			continue
		}
		if len(page.Records)+len(page.Unreadable) == limit {
			return page, nil
		}
		stored, err := read(s.classes[class][id])
		if page.Last = id; err != nil {
			page.Unreadable = append(page.Unreadable, id)
			continue
		}
		page.Records = append(page.Records, stored)
	}
	page.Last = ""
	return page, nil
}

func (s tables) Size(ctx context.Context, class string) (int, error) {
	unlock, err := s.request(ctx, "DescribeTable")
	if err != nil {
		return 0, err
	}
	defer unlock()
	return len(s.classes[class]), nil
}

func (s tables) Get(ctx context.Context, class, id string) (retention.Stored, error) {
	unlock, err := s.request(ctx, "GetItem")
	if err != nil {
		return retention.Stored{}, err
	}
	defer unlock()
	return s.get(class, id)
}

func (s tables) get(class, id string) (retention.Stored, error) {
	i, there := s.classes[class][id]
	if !there {
		return retention.Stored{}, retention.ErrNoRecord
	}
	stored, err := read(i)
	if data, there := i[names.AttrData].(string); there {
		stored.Data = []byte(data)
	}
	return stored, err
}

func (s tables) Put(
	ctx context.Context, class string, record retention.Record, may func(stored retention.Record) error, only ...contact.Key,
) (retention.Outcome, error) {
	unlock, err := s.request(ctx, "UpdateItem")
	if err != nil {
		return retention.Outcome{}, err
	}
	defer unlock()
	old, err := s.get(class, record.ID)
	isNew := errors.Is(err, retention.ErrNoRecord)
	if err != nil && !isNew {
		return retention.Outcome{}, err
	}
	next := record.Replacing(old.Record, class)
	if !isNew {
		switch err := may(old.Record); {
		case err != nil:
			return retention.Outcome{}, err
		case old.PurgingBy != "":
			return retention.Outcome{}, retention.ErrBeingPurged
		case !record.Supersedes(old.Record):
			return retention.Outcome{Record: old.Record}, nil
		case next.Repeats(old.Record):
			return retention.Outcome{Stored: true, Record: old.Record}, nil
		case s.isHeld(class, old.Record, next):
			return retention.Outcome{}, retention.ErrHeld
		}
	}
	if len(next.Claimed) > retention.MostObjects {
		return retention.Outcome{}, retention.ErrObjects
	}
	if taken := s.claim(class, &next, next.Claimed); overlap(taken, next.Objects) {
		return retention.Outcome{}, retention.ErrObjectTaken
	}
	for _, key := range only {
		if holder := s.holder(class, key, record.Scope); holder != "" && holder != record.ID {
			return retention.Outcome{}, retention.DuplicateError{ID: holder}
		}
	}
	s.write(class, next)
	s.own(class, next)
	if len(only) > 0 {
		s.slots[slot(class, record.Subject, record.Scope)] = record.ID
	}
	return retention.Outcome{Stored: true, Record: next}, nil
}

// isHeld reports whether a hold covers any of the records.
func (s tables) isHeld(class string, records ...retention.Record) bool {
	held := purge.HeldTargets{}
	for _, r := range records {
		for _, target := range r.Targets(class) {
			holds(s).note(target, held)
		}
	}
	return len(held) > 0
}

// write stores a record in place of an older one. It leaves the owner's
// attributes unchanged.
func (s tables) write(class string, r retention.Record) {
	i := maps.Clone(s.classes[class][r.ID])
	if i == nil {
		i = item{names.AttrID: r.ID}
	}
	assign(i, names.AttrSubject, string(r.Subject))
	assign(i, names.AttrScope, string(r.Scope))
	assign(i, names.AttrBasis, string(r.Basis))
	assign(i, names.AttrData, string(r.Data))
	for name, at := range times(&r) {
		assign(i, name, instant(*at))
	}
	if assign(i, names.AttrWithdrawnAt, ""); !r.WithdrawnAt.IsZero() {
		i[names.AttrWithdrawnAt] = retention.Sort(r.WithdrawnAt)
	}
	delete(i, names.AttrObjects)
	if len(r.Objects) > 0 {
		i[names.AttrObjects] = slices.Clone(r.Objects)
	}
	delete(i, names.AttrClaimed)
	if len(r.Claimed) > 0 {
		i[names.AttrClaimed] = slices.Clone(r.Claimed)
	}
	delete(i, names.AttrFormerSubjects)
	var former []string
	for _, key := range r.Former {
		former = append(former, string(key))
	}
	if len(former) > 0 {
		i[names.AttrFormerSubjects] = former
	}
	s.classes[class][r.ID] = i
}

// update changes a record if it is unchanged since it was read, and reports
// whether it was.
func (s tables) update(ctx context.Context, class string, read retention.Stored, change func(item)) (bool, error) {
	unlock, err := s.request(ctx, "UpdateItem")
	if err != nil {
		return false, err
	}
	defer unlock()
	i, there := s.classes[class][read.ID]
	if !there || !s.same(read, i) {
		return false, nil
	}
	i = maps.Clone(i)
	change(i)
	s.classes[class][read.ID] = i
	return true, nil
}

func (s tables) Stamp(ctx context.Context, class string, read retention.Stored, sort string) error {
	_, err := s.update(ctx, class, read, func(i item) {
		assign(i, names.AttrRetentionSort, sort)
		assign(i, names.AttrActiveSort, read.Record.ActiveSort(sort))
		if _, has := i[names.AttrRetentionShard]; !has {
			i[names.AttrRetentionShard] = read.Record.Shard()
		}
	})
	return err
}

func (s tables) Remember(ctx context.Context, class string, read retention.Stored, first time.Time) (bool, error) {
	return s.update(ctx, class, read, func(i item) { assign(i, names.AttrFirstAt, instant(first)) })
}

func (s tables) Withdraw(ctx context.Context, class string, read retention.Stored, at time.Time) (bool, error) {
	if read.PurgingBy != "" {
		return true, nil
	}
	return s.update(ctx, class, read, func(i item) {
		if delete(i, names.AttrWithdrawnAt); !at.IsZero() {
			i[names.AttrWithdrawnAt] = retention.Sort(at)
		}
	})
}

func (s tables) End(ctx context.Context, class, id string, decide func(stored retention.Record) (retention.Record, error)) error {
	unlock, err := s.request(ctx, "UpdateItem")
	if err != nil {
		return err
	}
	defer unlock()
	stored, err := s.get(class, id)
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
	case !stored.Record.SetsStart(next) && s.isHeld(class, stored.Record):
		return retention.ErrHeld
	}
	i := maps.Clone(s.classes[class][id])
	assign(i, names.AttrRetentionStart, instant(next.Start))
	assign(i, names.AttrStartAsOf, instant(next.StartAsOf))
	s.classes[class][id] = i
	return nil
}
