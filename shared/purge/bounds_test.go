package purge

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
)

func TestPageDeletesNoMoreThanItsShardMay(t *testing.T) {
	for name, c := range map[string]struct {
		work            Work
		deleted, marked int
		due, kept       int
	}{
		"no limit":                    {Work{}, 5, 5, 4, 4},
		"room for more":               {Work{Limited: true, Most: 10}, 0, 0, 4, 4},
		"room for all":                {Work{Limited: true, Most: 4}, 0, 0, 4, 4},
		"room for some":               {Work{Limited: true, Most: 3}, 0, 0, 4, 3},
		"room after some are deleted": {Work{Limited: true, Most: 5}, 3, 0, 4, 2},
		"room after some are marked":  {Work{Limited: true, Most: 5}, 0, 3, 4, 2},
		"room after both":             {Work{Limited: true, Most: 7}, 2, 3, 4, 2},
		"no room":                     {Work{Limited: true, Most: 5}, 2, 3, 4, 0},
		"less than no room":           {Work{Limited: true, Most: 2}, 2, 3, 4, 0},
	} {
		outcomes := map[string]Outcome{"held": Held}
		for n := range c.deleted {
			outcomes[fmt.Sprint("deleted ", n)] = Deleted
		}
		records := make([]retention.Stored, c.due)
		for n := range records {
			records[n].ID = fmt.Sprint("due ", n)
		}
		kept := c.work.withinMost(records, outcomes, c.marked)
		left := 0
		for n := range records {
			if isLeft := outcomes[records[n].ID] == Left; isLeft != (n >= c.kept) {
				t.Errorf("%s: record %d is left: %v", name, n, isLeft)
			} else if isLeft {
				left++
			}
		}
		if len(kept) != c.kept || left != c.due-c.kept {
			t.Errorf("%s: %d are deleted and %d left", name, len(kept), left)
		}
	}
	for _, work := range []Work{{Limited: true}, {Limited: true, Most: -1}, {Limited: true, Most: 1}, {}} {
		if full := work.isFull(); full != (work.Limited && work.Most < 1) {
			t.Errorf("%+v is full: %v", work, full)
		}
	}
}

// backlog is a class whose records were all withdrawn, in every shard as many pages of
// them.
type backlog struct {
	Records
	HeldRecords
	pages, loads int
	gone         string // the id of a record that the index still shows
}

func (b *backlog) DueBefore(_ context.Context, _ string, by Index, shard string, _ time.Time, _ Due, _ int) iter.Seq2[Due, error] {
	return func(yield func(Due, error) bool) {
		for n := 0; by == ByWithdrawal && n < b.pages*MaxDeletes; n++ {
			if !yield(Due{ID: fmt.Sprintf("%s-%04d", shard, n)}, nil) {
				return
			}
		}
	}
}

func (b *backlog) Load(_ context.Context, _ string, ids []string) (map[string]retention.Stored, map[string]error, error) {
	b.loads++
	there := map[string]retention.Stored{}
	for _, id := range ids {
		if id != b.gone {
			there[id] = retention.Stored{Record: retention.Record{ID: id, WithdrawnAt: time.Unix(0, 0)}}
		}
	}
	return there, nil, nil
}

func (b *backlog) Held(context.Context, []retention.Target) (HeldTargets, error) { return nil, nil }

func (b *backlog) Fenced(context.Context, string) (Fenced, error) { return Fenced{}, nil }

func TestNoRecordIsReadBeyondTheMostAsked(t *testing.T) {
	class, _ := retentiontest.Policy(t).Class(retention.Messaging)
	now := time.Unix(1, 0)
	for most, loads := range map[int]int{1: 1, MaxDeletes - 1: 1, MaxDeletes: 1, MaxDeletes + 1: 2, 2 * MaxDeletes: 2, 3 * MaxDeletes: 3, 4 * MaxDeletes: 3} {
		b := &backlog{pages: 3}
		counted, err := countRemaining(t.Context(), b, b, class, "00", now, most)
		if err != nil || counted.Due != 3*MaxDeletes || b.loads != loads {
			t.Errorf("counting up to %d: %d are due, read %d times, error %v", most, counted.Due, b.loads, err)
		}
	}
	for most, loads := range map[int]int{0: 0, 1: 1, MaxDeletes: 1, MaxDeletes + 1: 2, retention.Shards * MaxDeletes: retention.Shards} {
		b := &backlog{pages: 1}
		list, err := ListRemaining(t.Context(), b, b, class, now, most)
		if err != nil || len(list) != most || b.loads != loads {
			t.Errorf("listing up to %d: %d, read %d times, error %v", most, len(list), b.loads, err)
		}
	}
}

func TestLimitedRunBelievesTheIndexAfterFullRequest(t *testing.T) {
	class, _ := retentiontest.Policy(t).Class(retention.Messaging)
	for name, c := range map[string]struct {
		missed      Outcome
		gone        string
		kept        []string
		stale       bool
		more, loads int
	}{
		"all are due":            {missed: Left, more: 3 * MaxDeletes, loads: 1},
		"one is gone":            {missed: Left, gone: "00-0000", stale: true, more: 3*MaxDeletes - 1, loads: 2},
		"one is counted already": {missed: Left, kept: []string{"00-0000"}, more: 3*MaxDeletes - 1, loads: 2},
		"one is gone where the index is believed": {missed: Left, gone: "00-0200", more: 3 * MaxDeletes, loads: 1},
		"no limit":                  {missed: Failed, more: 3 * MaxDeletes, loads: 3},
		"no limit, and one is gone": {missed: Failed, gone: "00-0200", stale: true, more: 3*MaxDeletes - 1, loads: 3},
	} {
		b, kept := &backlog{pages: 3, gone: c.gone}, map[string]bool{}
		for _, id := range c.kept {
			kept[id] = true
		}
		v := Verifier{Records: b, HMAC: func(_, id string) string { return id }, Missed: c.missed}
		stale, more, err := v.ask(t.Context(), class, "00", time.Unix(1, 0), kept)
		if stale != c.stale || more != c.more || b.loads != c.loads || err != nil {
			t.Errorf("%s: stale %v, %d more, read %d times, error %v", name, stale, more, b.loads, err)
		}
	}
}
