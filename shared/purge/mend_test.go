package purge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// mender repairs the house's class by its stores.
func (h *house) mender() purge.Mender {
	return purge.Mender{
		Records: h.Records,
		Stamper: purge.Stamper{Records: h.Records, List: h.List, Holds: h.Holds, Now: func() time.Time { return cutoff }},
		Sleep:   func(context.Context, time.Duration) error { return nil },
	}
}

func saveNothing(purge.MendWork) error { return nil }

// lost plants records that no stream told of: one of a silent contact.
func (h *house) lost(n int) {
	h.t.Helper()
	h.optOut(subject(1))
	old := retention.Sort(cutoff.AddDate(-10, 0, 0))
	for i := range n {
		who := subject(2 + i)
		if i == 0 {
			who = subject(1)
		}
		h.plant(map[string]any{
			names.AttrID: fmt.Sprintf("lost-%04d", i), names.AttrSubject: string(who), names.AttrScope: "acme",
			names.AttrOccurredAt: old, names.AttrRetentionStart: old,
		})
	}
	h.plant(map[string]any{names.AttrID: "broken", names.AttrRetentionStart: "soon"})
}

func TestRecordThatLostItsPlaceIsMendedOnce(t *testing.T) {
	h := newHouse(t)
	const n = 40
	h.lost(n)
	want := purge.Mended{Scanned: n + 1, Stamped: n, Withdrawn: 1, Faults: 1}
	if h.class.Name == retention.Messaging {
		want.Claimed = n
	}
	for _, again := range []bool{false, true} {
		if again {
			want = purge.Mended{Scanned: n + 1, Faults: 1}
		}
		work, err := h.mender().Mend(t.Context(), purge.NewMendWork(h.class.Name), saveNothing)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, work.Did); diff != "" {
			t.Errorf("again %v (-want +got)\n%s", again, diff)
		}
	}
	counted, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, cutoff)
	if err != nil || counted.Due != n {
		t.Errorf("%d of %d are due, error %v", counted.Due, n, err)
	}
}

func TestStampedRecordWithoutSlotGetsOne(t *testing.T) {
	h := newHouse(t)
	h.Plant(t, h.class.Name, dueItems(0, 0)[0])
	for _, want := range []purge.Mended{{Scanned: 1, Claimed: 1}, {Scanned: 1}} {
		work, err := h.mender().Mend(t.Context(), purge.NewMendWork(h.class.Name), saveNothing)
		if diff := cmp.Diff(want, work.Did); diff != "" || err != nil {
			t.Errorf("error %v (-want +got)\n%s", err, diff)
		}
	}
}

func TestInterruptedRepairContinues(t *testing.T) {
	h := newHouse(t)
	const n = 40
	h.lost(n)
	killed := errors.New("killed")
	var saved []byte
	save := func(after int) func(purge.MendWork) error {
		return func(w purge.MendWork) error {
			if after--; after < 0 {
				return killed
			}
			var err error
			saved, err = json.Marshal(w)
			return err
		}
	}
	if _, err := h.mender().Mend(t.Context(), purge.NewMendWork(h.class.Name), save(2)); !errors.Is(err, killed) {
		t.Fatalf("error %v", err)
	}
	var work purge.MendWork
	if err := json.Unmarshal(saved, &work); err != nil {
		t.Fatal(err)
	}
	scanned := work.Did.Scanned
	work, err := h.mender().Mend(t.Context(), work, saveNothing)
	if err != nil || work.Did.Scanned != n+1 || scanned == 0 || scanned == n+1 {
		t.Errorf("%d records, %d of them before, error %v", work.Did.Scanned, scanned, err)
	}
	counted, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, cutoff)
	if err != nil || counted.Due != n {
		t.Errorf("%d of %d are due, error %v", counted.Due, n, err)
	}
}

func TestRepairKeepsItsRate(t *testing.T) {
	h := newHouse(t)
	h.lost(39)
	m := h.mender()
	m.Rate = 10
	slept := make(chan time.Duration, 100)
	m.Sleep = func(_ context.Context, d time.Duration) error { slept <- d; return nil }
	work, err := m.Mend(t.Context(), purge.NewMendWork(h.class.Name), saveNothing)
	close(slept)
	if err != nil {
		t.Fatal(err)
	}
	var total time.Duration
	for d := range slept {
		total += d
	}
	// The segments wait beside each other.
	if want := 4 * time.Second * time.Duration(len(work.Segments)); total != want {
		t.Errorf("the segments wait %s together, want %s", total, want)
	}
}

// unreadable is a table of unreadable records, whose reading takes some time.
type unreadable struct {
	records int
	clock   *time.Time
	takes   time.Duration
}

func (u unreadable) Scan(context.Context, string, purge.Segment, string, int) (purge.Scanned, error) {
	*u.clock = u.clock.Add(u.takes)
	return purge.Scanned{Unreadable: make([]string, u.records)}, nil
}

func TestRepairWaitsForTheRestOfItsTime(t *testing.T) {
	for takes, want := range map[time.Duration]time.Duration{0: 5 * time.Second, 3 * time.Second: 2 * time.Second, 5 * time.Second: 0, time.Minute: 0} {
		clock, slept := cutoff, time.Duration(-1)
		m := purge.Mender{
			Records: unreadable{records: 50, clock: &clock, takes: takes}, Stamper: purge.Stamper{Now: func() time.Time { return clock }}, Rate: 10,
			Sleep: func(_ context.Context, d time.Duration) error { slept = d; return nil },
		}
		work, err := m.Mend(t.Context(), purge.MendWork{Segments: make([]purge.MendSegment, 1)}, saveNothing)
		if err != nil || slept != want || work.Did != (purge.Mended{Scanned: 50, Faults: 50}) {
			t.Errorf("a page that took %v: waited %v, %+v, error %v", takes, slept, work.Did, err)
		}
	}
}
