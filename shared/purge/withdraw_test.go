package purge_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// tables are class tables in which everything of a class has one subject.
type tables struct {
	of        map[string][]string  // class and subject -> ids
	fail      map[string]error     // of an id, an index or the list
	busy      map[string]int       // how often another writer changes a record
	withdrawn map[string]time.Time // by id
	item      suppression.Item     // what the list says of the contact
	asked     []contact.Key        // of the list
	was       map[string]time.Time // a record's withdrawal so far
}

func (t *tables) OfSubject(_ context.Context, class string, subject contact.Key) ([]string, error) {
	at := class + " " + string(subject)
	return t.of[at], t.fail[at]
}

func (t *tables) Get(_ context.Context, _, id string) (retention.Stored, error) {
	record := retention.Record{ID: id, Scope: "acme", OccurredAt: cutoff.Add(-time.Hour), WithdrawnAt: t.was[id]}
	return retention.Stored{Record: record}, t.fail["get "+id]
}

func (t *tables) Withdraw(_ context.Context, _ string, record retention.Stored, at time.Time) (bool, error) {
	if err := t.fail["withdraw "+record.ID]; err != nil {
		return false, err
	}
	if t.busy[record.ID]--; t.busy[record.ID] >= 0 {
		return false, nil
	}
	t.withdrawn[record.ID] = at
	return true, nil
}

// optOuts is the list's side of tables.
type optOuts struct{ *tables }

func (l optOuts) Get(_ context.Context, keys []contact.Key) (suppression.Item, error) {
	l.asked = append(l.asked, keys...)
	return l.item, l.fail["list"]
}

func TestAChangeWithdrawsTheContactsRecords(t *testing.T) {
	opted := func(reason suppression.Reason) suppression.Item {
		return suppression.Item{Former: []contact.Key{"older"}, Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{
			"acme": {reason: {First: cutoff, Last: cutoff, Source: suppression.SourceTool}},
		}}
	}
	broken := errors.New("it is down")
	entry := func(action ledger.Action, reason suppression.Reason) ledger.Entry {
		return ledger.Entry{Key: "newest", Action: action, Scope: "acme", Reason: string(reason), At: cutoff}
	}
	stop, erasure := entry(ledger.Suppressed, suppression.Stop), entry(ledger.Suppressed, suppression.Erasure)
	for name, c := range map[string]struct {
		entry     ledger.Entry
		reason    suppression.Reason
		set       func(t *tables)
		withdrawn []string
		faults    int
		err       error
		unasked   bool
	}{
		"an opt-out":                  {entry: stop, reason: suppression.Stop, withdrawn: []string{"a", "b", "old"}},
		"an erasure":                  {entry: erasure, reason: suppression.Erasure, withdrawn: []string{"a", "b", "call", "old"}},
		"an event that was overtaken": {entry: entry(ledger.Noted, suppression.Stop), reason: suppression.Stop, unasked: true},
		"records that are withdrawn already": {
			entry: stop, reason: suppression.Stop, set: func(t *tables) { t.was = map[string]time.Time{"a": cutoff, "b": cutoff.Add(time.Minute)} },
			withdrawn: []string{"b", "old"},
		},
		"a record that is gone":   {entry: stop, reason: suppression.Stop, set: func(t *tables) { t.fail["get a"] = retention.ErrNoRecord }, withdrawn: []string{"b", "old"}},
		"an unreadable record":    {entry: stop, reason: suppression.Stop, set: func(t *tables) { t.fail["get a"] = retention.ErrUnreadable }, withdrawn: []string{"b", "old"}, faults: 1},
		"a record without room":   {entry: stop, reason: suppression.Stop, set: func(t *tables) { t.fail["withdraw b"] = retention.ErrUnwritable }, withdrawn: []string{"a", "old"}, faults: 1},
		"a record that changes":   {entry: stop, reason: suppression.Stop, set: func(t *tables) { t.busy["a"] = 4 }, withdrawn: []string{"a", "b", "old"}},
		"a record always changes": {entry: stop, reason: suppression.Stop, set: func(t *tables) { t.busy["b"] = 5 }, withdrawn: []string{"a"}, err: retention.ErrContended},
		"the list is down":        {entry: stop, reason: suppression.Stop, set: func(t *tables) { t.fail["list"] = broken }, err: broken},
		"the index is down":       {entry: stop, reason: suppression.Stop, set: func(t *tables) { t.fail["messaging older"] = broken }, withdrawn: []string{"a", "b"}, err: broken},
		"a record's table is down": {
			entry: stop, reason: suppression.Stop, set: func(t *tables) { t.fail["get b"] = broken }, withdrawn: []string{"a"}, err: broken,
		},
		"a withdrawal fails": {
			entry: stop, reason: suppression.Stop, set: func(t *tables) { t.fail["withdraw b"] = broken }, withdrawn: []string{"a"}, err: broken,
		},
	} {
		t.Run(name, func(t *testing.T) {
			kept := &tables{
				of:   map[string][]string{"messaging newest": {"a", "b"}, "messaging older": {"old"}, "contact newest": {"call"}},
				fail: map[string]error{}, busy: map[string]int{}, withdrawn: map[string]time.Time{}, item: opted(c.reason),
			}
			if c.set != nil {
				c.set(kept)
			}
			policy := &retention.Policy{Classes: []retention.Class{{Name: "contact"}, {Name: retention.Messaging}}}
			changed, faults, err := purge.Withdrawer{Policy: policy, List: optOuts{kept}, Records: kept}.Withdraw(t.Context(), c.entry)
			if changed != len(c.withdrawn) || len(faults) != c.faults || !errors.Is(err, c.err) {
				t.Errorf("%d changed, faults %v, error %v", changed, faults, err)
			}
			want := map[string]time.Time{}
			for _, id := range c.withdrawn {
				want[id] = cutoff
			}
			if diff := cmp.Diff(want, kept.withdrawn); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if asked := slices.Equal(kept.asked, []contact.Key{"newest"}); asked == c.unasked {
				t.Errorf("the list was asked for %v", kept.asked)
			}
		})
	}
}

// heldRecords are holds that keep one record.
type heldRecords struct {
	keeps string
	err   error
}

func (h heldRecords) Held(_ context.Context, targets []retention.Target) (purge.HeldTargets, error) {
	held := purge.HeldTargets{}
	for _, target := range targets {
		held[target] = target == retention.RecordTarget("contact", h.keeps)
	}
	return held, h.err
}

func TestRewrittenHeldRecordRaisesAnAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		record retention.Stored
		holds  heldRecords
		err    error
	}{
		"held":                      {retention.Stored{Record: retention.Record{ID: "call"}}, heldRecords{keeps: "call"}, purge.ErrRewritten},
		"another record is held":    {retention.Stored{Record: retention.Record{ID: "mail"}}, heldRecords{keeps: "call"}, nil},
		"held too late":             {retention.Stored{Record: retention.Record{ID: "call"}, PurgingBy: "run-1"}, heldRecords{keeps: "call"}, nil},
		"the holds cannot be read":  {retention.Stored{Record: retention.Record{ID: "call"}}, heldRecords{keeps: "call", err: errDown}, errDown},
		"unheld, and none are read": {retention.Stored{Record: retention.Record{ID: "mail"}}, heldRecords{keeps: "call", err: errDown}, errDown},
	} {
		if err := (purge.Stamper{Holds: c.holds}).Frozen(t.Context(), "contact", c.record); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRunCountsFaultsOfTheSystemOnly(t *testing.T) {
	run := purge.Run{Findings: map[string]int{}}
	for n, finding := range purge.Every() {
		run.Findings[string(finding)] = 1 << n
	}
	if faults := run.Faults(); faults != 0b0111100 {
		t.Errorf("%07b", faults)
	}
}

func TestWorkIsOverAfterItsTimeOnly(t *testing.T) {
	for until, want := range map[time.Time]bool{{}: false, cutoff: false, cutoff.Add(-1): true, cutoff.Add(1): false} {
		if got := (purge.Work{Until: until}).IsOver(cutoff); got != want {
			t.Errorf("until %v: %v", until, got)
		}
	}
}

func TestEveryShardHasItsWorkAndTime(t *testing.T) {
	run := purge.Run{Class: "contact", ID: "run-1", Turn: 4, Cutoff: cutoff, StartedAt: cutoff.Add(time.Minute), PolicyHash: "p", Next: purge.NextDelete, Withdrawn: true}
	work := func(n int) purge.Work {
		return purge.Work{
			Class: "contact", Run: "run-1", Turn: 4, Cutoff: cutoff, Shard: retention.ShardName(n), Withdrawn: true, PolicyHash: "p",
			Until: cutoff.Add(time.Minute + 17*time.Hour),
		}
	}
	want := make([]purge.Work, retention.Shards)
	for n := range want {
		want[n] = work(n)
	}
	if diff := cmp.Diff(want, run.Work()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	run.Shares = make([]int, retention.Shards)
	run.Shares[7] = 3
	for n := range want {
		want[n].Limited, want[n].Most = true, run.Shares[n]
	}
	if diff := cmp.Diff(want, run.Work()); diff != "" {
		t.Errorf("of a limited run (-want +got)\n%s", diff)
	}
	for _, next := range []purge.Next{purge.NextHalt, purge.NextYield} {
		if run.Next = next; run.Work() != nil {
			t.Errorf("next %s: it has work", next)
		}
	}
}
