package purge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/purge"
	"stille/shared/retention"
)

// The class's idle is P90D: at the cutoff a record is idle if its last activity
// was on 2026-08-23 or earlier, counted in Oslo.
func TestIdleRecordsAreFoundAndNotDue(t *testing.T) {
	h := newHouse(t)
	lastIdle := time.Date(2026, 8, 23, 21, 59, 59, 0, time.UTC)
	for id, r := range map[string]retention.Record{
		"sub-idle":             {OccurredAt: lastIdle},
		"sub-not-idle-yet":     {OccurredAt: lastIdle.Add(time.Second)},
		"sub-active":           {OccurredAt: lastIdle, LastActivityAt: lastIdle.Add(time.Second)},
		"sub-long-idle":        {OccurredAt: lastIdle.Add(-time.Hour)},
		"kari@example.no":      {OccurredAt: lastIdle}, // this id is counted, and not shown
		"sub-ended-and-due":    {OccurredAt: lastIdle, Start: due},
		"sub-ended-long-since": {OccurredAt: lastIdle, Start: lastIdle},
	} {
		r.ID, r.Scope, r.Basis = id, "acme", retention.Customer
		h.put(r)
	}
	idle, err := purge.FindIdle(t.Context(), h.Records, h.class, cutoff)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, id := range idle.IDs {
		shown[id] = true
	}
	if diff := cmp.Diff(map[string]bool{"sub-idle": true, "sub-long-idle": true}, shown); diff != "" || idle.Count != 3 || !idle.Oldest.Equal(lastIdle.Add(-time.Hour)) {
		t.Errorf("%d are idle, the oldest of %v; shown (-want +got):\n%s", idle.Count, idle.Oldest, diff)
	}
	plan, err := purge.Make(t.Context(), h.Records, h.class, h.policy.Hash(), cutoff.Add(1000*24*time.Hour))
	if err != nil || plan.Due() != 2 {
		t.Errorf("%d are due in a thousand days, error %v", plan.Due(), err)
	}
}

func TestOfManyIdleRecordsSomeAreNamed(t *testing.T) {
	h := newHouse(t)
	for n := range 102 {
		h.put(retention.Record{ID: fmt.Sprintf("sub-%d", n), Scope: "acme", Basis: retention.Customer})
	}
	idle, err := purge.FindIdle(t.Context(), h.Records, h.class, cutoff)
	if err != nil || idle.Count != 102 || len(idle.IDs) != 100 || !idle.Oldest.Equal(due) {
		t.Errorf("%d are idle, %d are named, the oldest of %v, error %v", idle.Count, len(idle.IDs), idle.Oldest, err)
	}
}
