package purge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// stamped are the stores behind a Stamper. calls lists each call.
type stamped struct {
	calls   []string
	opted   []bool           // whether the subject is opted out, for each reading
	current retention.Stored // the record at the second reading
	done    bool             // a withdrawal found the record unchanged
	fail    map[string]error
}

func (s *stamped) call(name, detail string) error {
	s.calls = append(s.calls, name+detail)
	return s.fail[name]
}

func (s *stamped) Stamp(_ context.Context, _ string, _ retention.Stored, sort string) error {
	return s.call("stamp ", sort)
}

func (s *stamped) Remember(_ context.Context, _ string, _ retention.Stored, first time.Time) (bool, error) {
	return s.done, s.call("remember ", retention.Sort(first))
}

func (s *stamped) Withdraw(_ context.Context, _ string, _ retention.Stored, at time.Time) (bool, error) {
	if at.IsZero() {
		return s.done, s.call("withdraw ", "never")
	}
	return s.done, s.call("withdraw ", retention.Sort(at))
}

func (s *stamped) Claim(context.Context, string, retention.Stored) (bool, error) {
	return true, s.call("claim", "")
}

func (s *stamped) ClaimObjects(_ context.Context, _ string, record retention.Stored, older retention.Record) (bool, error) {
	return true, s.call("own ", strings.Join(record.Owning(older), " "))
}

func (s *stamped) Leave(context.Context, string, string) error { return s.call("leave", "") }

// records and list are the two sides of stamped, because both have a Get.
type (
	records struct{ *stamped }
	list    struct{ *stamped }
)

func (r records) Get(context.Context, string, string) (retention.Stored, error) {
	return r.current, r.call("get", "")
}

func (l list) Get(context.Context, []contact.Key) (suppression.Item, error) {
	optedOut := len(l.opted) > 0 && l.opted[0]
	l.opted = l.opted[min(1, len(l.opted)):]
	if !optedOut {
		return suppression.Item{}, l.call("list", "")
	}
	mark := suppression.Mark{First: cutoff, Last: cutoff, Source: suppression.SourceLink}
	marks := map[scope.Scope]map[suppression.Reason]suppression.Mark{"acme": {suppression.Unsubscribed: mark}}
	return suppression.Item{Marks: marks}, l.call("list", "")
}

func TestStampWritesOnlyWhatIsMissing(t *testing.T) {
	at, earlier := retention.Sort(cutoff), cutoff.Add(-time.Hour)
	running := retention.Stored{Record: retention.Record{ID: "sub-1", Subject: subject(1), Scope: "acme", OccurredAt: due}, ActiveSort: retention.Sort(due), Shard: "07"}
	with := func(change func(*retention.Stored)) retention.Stored {
		record := running
		change(&record)
		return record
	}
	for name, c := range map[string]struct {
		class  string
		before retention.Stored
		record retention.Stored
		stores stamped
		want   []string
		faults int
		err    error
	}{
		"a record in its place":           {record: running, want: []string{"list"}},
		"a record without a shard":        {record: with(func(r *retention.Stored) { r.Shard = "" }), want: []string{"stamp ", "list", "claim"}},
		"a place by an older activity":    {record: with(func(r *retention.Stored) { r.ActiveSort = "2020" }), want: []string{"stamp ", "list"}},
		"a record that ended":             {record: with(func(r *retention.Stored) { r.Start = due }), want: []string{"stamp " + retention.Sort(due), "list"}},
		"a start that cannot be believed": {record: with(func(r *retention.Stored) { r.Start, r.Sort, r.ActiveSort = time.Unix(0, 0), "1970", "" }), want: []string{"stamp ", "list"}, faults: 1},
		"a new record of another class":   {class: "contact", record: with(func(r *retention.Stored) { r.Shard = "" }), want: []string{"stamp ", "list"}},
		"a new record without a scope":    {record: with(func(r *retention.Stored) { r.Shard, r.Scope = "", "" }), want: []string{"stamp ", "list"}},
		"a new record without a subject":  {record: with(func(r *retention.Stored) { r.Shard, r.Subject = "", "" }), want: []string{"stamp "}},
		"a subject that opted out":        {record: running, stores: stamped{opted: []bool{true, true}, done: true}, want: []string{"list", "withdraw " + at, "list"}},
		"an opt-out that is known": {
			record: with(func(r *retention.Stored) { r.WithdrawnAt, r.WithdrawnSort = cutoff, at }), stores: stamped{opted: []bool{true}}, want: []string{"list"},
		},
		"an opt-out after the withdrawal": {
			record: with(func(r *retention.Stored) { r.WithdrawnAt, r.WithdrawnSort = earlier, retention.Sort(earlier) }), stores: stamped{opted: []bool{true}}, want: []string{"list"},
		},
		"a withdrawal in another form": {
			record: with(func(r *retention.Stored) { r.WithdrawnAt, r.WithdrawnSort = cutoff, "today" }), stores: stamped{done: true}, want: []string{"list", "withdraw " + at},
		},
		"a withdrawal without a subject": {
			record: with(func(r *retention.Stored) { r.Subject, r.WithdrawnAt, r.WithdrawnSort = "", cutoff, "today" }), stores: stamped{done: true}, want: []string{"withdraw " + at},
		},
		"a record that changed meanwhile": {record: running, stores: stamped{opted: []bool{true}}, want: []string{"list", "withdraw " + at}},
		"a release in between": {
			record: running, stores: stamped{opted: []bool{true}, done: true, current: with(func(r *retention.Stored) { r.WithdrawnSort = at })},
			want: []string{"list", "withdraw " + at, "list", "get", "withdraw never"},
		},
		"a release, and another writer": {
			record: running, stores: stamped{opted: []bool{true}, done: true, current: running}, want: []string{"list", "withdraw " + at, "list", "get"},
		},
		"a release, and the record is gone": {
			record: running, stores: stamped{opted: []bool{true}, done: true, fail: map[string]error{"get": retention.ErrNoRecord}},
			want: []string{"list", "withdraw " + at, "list", "get"},
		},
		"a second reading that fails": {
			record: running, stores: stamped{opted: []bool{true}, done: true, fail: map[string]error{"get": errDown}},
			want: []string{"list", "withdraw " + at, "list", "get"}, err: errDown,
		},
		"a list that cannot be understood": {
			record: with(func(r *retention.Stored) { r.Shard = "" }), stores: stamped{fail: map[string]error{"list": suppression.ErrUnreadable}},
			want: []string{"stamp ", "list", "claim"}, faults: 1,
		},
		"a contact with another record": {
			record: with(func(r *retention.Stored) { r.Shard = "" }), stores: stamped{fail: map[string]error{"claim": retention.DuplicateError{ID: "sub-2"}}},
			want: []string{"stamp ", "list", "claim"}, faults: 1,
		},
		"a stamp that fails": {
			record: with(func(r *retention.Stored) { r.Shard = "" }), stores: stamped{fail: map[string]error{"stamp ": errDown}}, want: []string{"stamp "}, err: errDown,
		},
		"a new object": {
			record: with(func(r *retention.Stored) { r.Objects = []string{"s3://letters/a"} }), want: []string{"list", "own s3://letters/a"},
		},
		"a dropped object": {
			before: with(func(r *retention.Stored) { r.Claimed = []string{"s3://letters/a"} }), record: running, want: []string{"list", "own s3://letters/a"},
		},
		"objects that were claimed": {
			before: with(func(r *retention.Stored) { r.Objects = []string{"s3://letters/a"} }),
			record: with(func(r *retention.Stored) { r.Claimed = []string{"s3://letters/a"} }), want: []string{"list"},
		},
		"another record's object": {
			record: with(func(r *retention.Stored) { r.Objects = []string{"s3://letters/a"} }), stores: stamped{fail: map[string]error{"own ": retention.ErrObjectTaken}},
			want: []string{"list", "own s3://letters/a"}, faults: 1,
		},
		"too many objects": {
			record: with(func(r *retention.Stored) { r.Objects = []string{"s3://letters/a"} }), stores: stamped{fail: map[string]error{"own ": retention.ErrObjects}},
			want: []string{"list", "own s3://letters/a"}, faults: 1,
		},
		"a list that fails":       {record: running, stores: stamped{fail: map[string]error{"list": errDown}}, want: []string{"list"}, err: errDown},
		"a withdrawal that fails": {record: running, stores: stamped{opted: []bool{true}, fail: map[string]error{"withdraw ": errDown}}, want: []string{"list", "withdraw " + at}, err: errDown},
	} {
		t.Run(name, func(t *testing.T) {
			class := retention.Messaging
			if c.class != "" {
				class = c.class
			}
			stamper := purge.Stamper{Records: records{&c.stores}, List: list{&c.stores}, Now: func() time.Time { return cutoff }}
			faults, err := stamper.Stamp(t.Context(), class, c.before, c.record)
			if !errors.Is(err, c.err) || len(faults) != c.faults {
				t.Errorf("faults %v, error %v", faults, err)
			}
			if diff := cmp.Diff(c.want, c.stores.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnObjectOfAnotherScopeIsNotClaimed(t *testing.T) {
	policy := &retention.Policy{Classes: []retention.Class{{Name: "communication", BucketPrefix: retention.ByScope}}}
	conversation := func(scope scope.Scope, object string) retention.Stored {
		return retention.Stored{Record: retention.Record{ID: "conv-1", Scope: scope, Objects: []string{object}}, Shard: "07"}
	}
	const object = "s3://letters/acme/1"
	for name, c := range map[string]struct {
		before, record retention.Stored
		fault          error
	}{
		"its own":                    {retention.Stored{}, conversation("acme", object), nil},
		"another scope's":            {retention.Stored{}, conversation("globex", object), retention.ErrForeignPrefix},
		"its own, until it is moved": {conversation("acme", object), conversation("globex", object), retention.ErrForeignPrefix},
		"its own, once it is moved":  {conversation("globex", object), conversation("acme", object), nil},
	} {
		var stores stamped
		stamper := purge.Stamper{Records: records{&stores}, List: list{&stores}, Policy: policy, Now: func() time.Time { return cutoff }}
		faults, err := stamper.Stamp(t.Context(), "communication", c.before, c.record)
		if err != nil || !errors.Is(errors.Join(faults...), c.fault) || slices.Contains(stores.calls, "own "+object) != (c.fault == nil) {
			t.Errorf("%s: faults %v, error %v, calls %v", name, faults, err, stores.calls)
		}
	}
}

func TestRecordLeavesSlotAndObjects(t *testing.T) {
	known := retention.Stored{Record: retention.Record{ID: "sub-1"}}
	owner := known
	owner.Claimed = []string{"s3://letters/a"}
	for _, c := range []struct {
		name, class string
		before      retention.Stored
		want        []string
	}{
		{"messaging has slots", retention.Messaging, known, []string{"leave"}},
		{"another class has none", "contact", known, nil},
		{"its objects", "contact", owner, []string{"leave"}},
		{"nobody knows what it had", "contact", retention.Stored{}, []string{"leave"}},
	} {
		var stores stamped
		err := purge.Stamper{Records: records{&stores}}.Leave(t.Context(), c.class, "sub-1", c.before)
		if diff := cmp.Diff(c.want, stores.calls); diff != "" || err != nil {
			t.Errorf("%s: error %v, calls (-want +got):\n%s", c.name, err, diff)
		}
	}
}
