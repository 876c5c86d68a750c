package purge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestLostRecordsAreCountedUntilMended(t *testing.T) {
	h := newHouse(t)
	const n = 5
	h.lost(n)
	h.planted("in-place", nil)
	count := func(seed string) int {
		t.Helper()
		lost, err := purge.CountLost(t.Context(), h.Records, h.class, seed, 0, cutoff)
		if err != nil {
			t.Fatal(err)
		}
		return lost
	}
	if got := count("run-1"); got != n {
		t.Errorf("%d lost, want %d", got, n)
	}
	if _, err := h.mender().Mend(t.Context(), purge.NewMendWork(h.class.Name), saveNothing); err != nil {
		t.Fatal(err)
	}
	if got := count("run-2"); got != 0 {
		t.Errorf("%d lost after the repair", got)
	}
}

func TestStampInTimeIsNoLoss(t *testing.T) {
	h := newHouse(t)
	h.planted("late", map[string]any{names.AttrRetentionSort: nil, names.AttrRetentionShard: nil})
	stores := before(h.Stores, "BatchGetItem", 2, func() error {
		return h.Records.Stamp(t.Context(), h.class.Name, h.get("late"), retention.Sort(written))
	})
	lost, err := purge.CountLost(t.Context(), stores.Records, h.class, "run", 0, cutoff)
	if err != nil || lost != 0 {
		t.Errorf("%d lost, error %v", lost, err)
	}
}

// large is a class of which every record is lost.
type large struct {
	purge.Records
	size, records int
	segments      map[purge.Segment]bool // that were read
	loads         int
}

func (l *large) Size(context.Context, string) (int, error) { return l.size, nil }

func (l *large) Scan(_ context.Context, _ string, segment purge.Segment, after string, _ int) (purge.Scanned, error) {
	l.segments[segment] = true
	var page purge.Scanned
	for n := range l.records {
		page.Records = append(page.Records, retention.Stored{Record: retention.Record{ID: fmt.Sprint(after, n), Start: written}})
	}
	if after == "" {
		page.Last = "second page "
	}
	return page, nil
}

func (l *large) Load(_ context.Context, _ string, ids []string) (map[string]retention.Stored, map[string]error, error) {
	l.loads++
	there := map[string]retention.Stored{}
	for _, id := range ids {
		there[id] = retention.Stored{Record: retention.Record{ID: id, Start: written}}
	}
	return there, nil, nil
}

func TestSampleOfLargeClassIsRead(t *testing.T) {
	for _, c := range []struct{ size, records, of, lost int }{
		{0, 1, 1, 2}, {9_999, 1, 1, 2}, {10_000, 1, 2, 2}, {25_000, 30, 3, 60}, {25_000, 49, 3, 98}, {25_000, 60, 3, purge.MaxDeletes},
	} {
		class := &large{size: c.size, records: c.records, segments: map[purge.Segment]bool{}}
		for n := range 40 {
			class.loads = 0
			lost, err := purge.CountLost(t.Context(), class, retention.Class{Name: "contact"}, fmt.Sprint("run-", n), 0, cutoff)
			if err != nil || lost != c.lost || class.loads != 3 {
				t.Errorf("%+v: %d lost, read %d times, error %v", c, lost, class.loads, err)
			}
		}
		want := map[purge.Segment]bool{}
		for n := range c.of {
			want[purge.Segment{Number: n, Of: c.of}] = true
		}
		if diff := cmp.Diff(want, class.segments); diff != "" {
			t.Errorf("%+v: the segments that were read (-want +got)\n%s", c, diff)
		}
	}
}

// filled is a class that was filled since the store counted it.
type filled struct {
	purge.Records
	scans int
}

func (*filled) Size(context.Context, string) (int, error) { return 0, nil }

func (f *filled) Scan(context.Context, string, purge.Segment, string, int) (purge.Scanned, error) {
	f.scans++
	return purge.Scanned{Records: make([]retention.Stored, 400), Unreadable: make([]string, 100), Last: fmt.Sprint(f.scans)}, nil
}

func (*filled) Load(context.Context, string, []string) (map[string]retention.Stored, map[string]error, error) {
	return nil, nil, nil
}

func TestAFilledTableIsReadInPart(t *testing.T) {
	class := &filled{}
	if _, err := purge.CountLost(t.Context(), class, retention.Class{Name: "contact"}, "run-1", 0, cutoff); err != nil || class.scans != 40 {
		t.Errorf("%d requests, error %v", class.scans, err)
	}
}

func TestLostRecordsAreReadAgainAfterPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		class := &large{records: 1, segments: map[purge.Segment]bool{}}
		began := time.Now()
		lost, err := purge.CountLost(t.Context(), class, retention.Class{Name: "contact"}, "run-1", time.Hour, cutoff)
		if took := time.Since(began); lost != 2 || err != nil || took != 2*time.Hour {
			t.Errorf("%d lost, error %v, after %v", lost, err, took)
		}
		ctx, stop := context.WithTimeout(t.Context(), 90*time.Minute)
		defer stop()
		if _, err := purge.CountLost(ctx, class, retention.Class{Name: "contact"}, "run-1", time.Hour, cutoff); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call without time for a pause: error %v", err)
		}
	})
}
