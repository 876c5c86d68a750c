package purge_test

import (
	"testing"

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
