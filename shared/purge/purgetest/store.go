package purgetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression/suppressiontest"
)

// item is a stored record: strings and lists of strings, and any values that
// other services write.
type item = map[string]any

// Store is the stores of a purge in memory. They behave like DynamoDB: a write
// is conditional on what was read, a deletion on the fence's epoch, a
// transaction takes MaxDeletes records, reads are strong, and the indexes may
// lag.
type Store struct {
	// Foreign returns the attributes in the revision of another store, for
	// example a stream; nil if no other store takes part.
	Foreign func(revision any) map[string]any

	mu      sync.Mutex
	classes map[string]map[string]item // class -> id -> the record
	indexes map[string]map[string]item // as classes were when LagIndexes was called; nil if they do not lag
	slots   map[string]string          // slot -> id
	claims  map[string]retention.Owner // object -> the record that it belongs to
	cases   map[retention.Target]map[string]retention.Hold
	events  []retention.Hold // the history of the holds
	epochs  map[string]int64
	runs    map[string]map[string]purge.Run
	heads   map[string]string
	locks   map[string]purge.Lock
	turns   map[string]map[string]int64 // shard -> class -> the turn on the fence
	halted  map[string]purge.HaltedPlan
	list    suppressiontest.List
}

// NewStores returns empty stores in memory with these classes.
func NewStores(classes ...string) Stores { return NewStore(classes...).Stores() }

// NewStore returns an empty store with these classes.
func NewStore(classes ...string) *Store {
	s := &Store{
		classes: map[string]map[string]item{}, slots: map[string]string{}, claims: map[string]retention.Owner{}, cases: map[retention.Target]map[string]retention.Hold{},
		epochs: map[string]int64{}, runs: map[string]map[string]purge.Run{}, heads: map[string]string{}, locks: map[string]purge.Lock{}, turns: map[string]map[string]int64{},
		halted: map[string]purge.HaltedPlan{},
	}
	for _, class := range classes {
		s.classes[class] = map[string]item{}
	}
	return s
}

// Stores returns the parts of the store.
func (s *Store) Stores() Stores { return view{s, func(string) error { return nil }}.stores() }

// LagIndexes freezes the indexes until CatchUp.
func (s *Store) LagIndexes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexes = map[string]map[string]item{}
	for class, records := range s.classes {
		s.indexes[class] = maps.Clone(records)
	}
}

// CatchUp updates the indexes from the tables.
func (s *Store) CatchUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexes = nil
}

// view is a store whose requests call before.
type view struct {
	*Store
	before func(operation string) error
}

func (v view) stores() Stores {
	return Stores{
		Records: tables{v}, Deleter: deleter{v}, Holds: holds{v}, Runs: runs{v}, List: &v.list, Tables: v,
	}
}

// request calls before and locks the store for a request.
func (v view) request(ctx context.Context, operation string) (unlock func(), err error) {
	if err := v.before(operation); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v.mu.Lock()
	return v.mu.Unlock, nil
}

// Intercept returns the same stores. Their requests call before.
func (v view) Intercept(before func(operation string) error) Stores {
	return view{v.Store, func(operation string) error {
		if err := before(operation); err != nil {
			return err
		}
		return v.before(operation)
	}}.stores()
}

// Plant writes items without any check.
func (v view) Plant(t testing.TB, class string, items ...map[string]any) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, i := range items {
		v.classes[class][i[names.AttrID].(string)] = maps.Clone(i)
	}
}

// Remove deletes a record without any check.
func (v view) Remove(t testing.TB, class, id string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.classes[class], id)
}

// Items returns the records of a class as stored.
func (v view) Items(t testing.TB, class string) map[string]map[string]any {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.classes[class])
}

// SpoilSuppression makes a suppression unreadable.
func (v view) SpoilSuppression(_ testing.TB, key contact.Key) { v.list.Spoil(key) }

// Dump returns everything but the records as text.
func (v view) Dump(t testing.TB) string {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	text, err := json.Marshal([]any{v.slots, v.claims, v.cases, v.events, v.epochs, v.runs, v.heads, v.locks, v.turns, v.halted, v.list.Entries()})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// read decodes a record from an item, as package dynamo does.
func read(i item) (retention.Stored, error) {
	s := retention.Stored{Record: retention.Record{ID: i[names.AttrID].(string)}, Revision: maps.Clone(i)}
	bad := false
	text := func(name string) string {
		value, there := i[name]
		text, isText := value.(string)
		bad = bad || there && !isText
		return text
	}
	list := func(name string) []string {
		switch values := i[name].(type) {
		case nil:
			return nil
		case []string:
			return slices.Clone(values)
		default:
			bad = true
			return nil
		}
	}
	r := &s.Record
	r.Subject, r.Scope, r.Basis = contact.Key(text(names.AttrSubject)), scope.Scope(text(names.AttrScope)), retention.Basis(text(names.AttrBasis))
	r.Objects, r.Claimed = list(names.AttrObjects), list(names.AttrClaimed)
	for _, key := range list(names.AttrFormerSubjects) {
		r.Former = append(r.Former, contact.Key(key))
	}
	s.Sort, s.Shard, s.ActiveSort = text(names.AttrRetentionSort), text(names.AttrRetentionShard), text(names.AttrActiveSort)
	s.WithdrawnSort, s.PurgingBy = text(names.AttrWithdrawnAt), text(names.AttrPurgingBy)
	s.Purging = list(names.AttrPurging)
	s.Purged, _ = i[names.AttrPurged].(int)
	for name, at := range times(r) {
		written := text(name)
		if _, there := i[name]; !there {
			continue
		}
		var err error
		if *at, err = parse(written); err != nil {
			bad = true
		}
	}
	if bad {
		return retention.Stored{Record: retention.Record{ID: r.ID}, Revision: s.Revision}, fmt.Errorf("%w: an attribute", retention.ErrUnreadable)
	}
	return s, nil
}

// same reports whether everything that a decision rests on is unchanged since
// the record was read: all but the record's place in the indexes, its activity
// and the owner's attributes.
func (s *Store) same(read retention.Stored, i item) bool {
	decided := func(i item) item {
		i = maps.Clone(i)
		for _, name := range []string{
			names.AttrRetentionSort, names.AttrRetentionShard, names.AttrActiveSort, names.AttrLastActivityAt, names.AttrData,
			names.AttrPurging, names.AttrPurged,
		} {
			delete(i, name)
		}
		return i
	}
	was, ours := read.Revision.(item)
	if !ours && s.Foreign != nil {
		was = s.Foreign(read.Revision)
	}
	return reflect.DeepEqual(decided(was), decided(i))
}

// runs are the runs of the store.
type runs struct{ view }

func (r runs) Start(ctx context.Context, run purge.Run) (purge.Run, error) {
	unlock, err := r.request(ctx, "PutItem")
	if err != nil {
		return run, err
	}
	defer unlock()
	if first, there := r.runs[run.Class][run.ID]; there {
		return first, nil
	}
	r.put(run)
	return run, nil
}

func (r runs) put(run purge.Run) {
	if r.runs[run.Class] == nil {
		r.runs[run.Class] = map[string]purge.Run{}
	}
	r.runs[run.Class][run.ID] = run
}

func (r runs) Get(ctx context.Context, class, id string) (purge.Run, error) {
	unlock, err := r.request(ctx, "GetItem")
	if err != nil {
		return purge.Run{}, err
	}
	defer unlock()
	run, there := r.runs[class][id]
	if !there {
		return run, purge.ErrNoRun
	}
	return run, nil
}

func (r runs) List(ctx context.Context, class string) ([]purge.Run, error) {
	unlock, err := r.request(ctx, "Query")
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.SortedFunc(maps.Values(r.runs[class]), func(a, b purge.Run) int { return strings.Compare(a.ID, b.ID) }), nil
}

func (r runs) Head(ctx context.Context, class string) (string, error) {
	unlock, err := r.request(ctx, "GetItem")
	if err != nil {
		return "", err
	}
	defer unlock()
	return r.heads[class], nil
}

var errCertified = errors.New("the run is certified already")

func (r runs) Certify(ctx context.Context, run purge.Run, previous string) error {
	unlock, err := r.request(ctx, "TransactWriteItems")
	if err != nil {
		return err
	}
	defer unlock()
	switch {
	case r.heads[run.Class] != previous:
		return purge.ErrChainMoved
	case r.runs[run.Class][run.ID].Certified():
		return errCertified
	}
	r.put(run)
	r.heads[run.Class] = run.Certificate
	return nil
}

func (r runs) Stop(ctx context.Context, class, id, by string) error {
	unlock, err := r.request(ctx, "UpdateItem")
	if err != nil {
		return err
	}
	defer unlock()
	run, there := r.runs[class][id]
	if !there || run.Certified() {
		return purge.ErrNoRun
	}
	run.StopBy = by
	r.put(run)
	return nil
}

func (r runs) Stopped(ctx context.Context, class, id string) (bool, error) {
	unlock, err := r.request(ctx, "GetItem")
	if err != nil {
		return false, err
	}
	defer unlock()
	return r.runs[class][id].StopBy != "", nil
}
