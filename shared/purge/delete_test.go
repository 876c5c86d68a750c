package purge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

func TestShardContinuesWhereACallEnded(t *testing.T) {
	h := newHouse(t)
	items := slices.Concat(dueItems(0, 0), dueItems(0, 1))
	h.Plant(h.t, h.class.Name, items...)
	for _, item := range items {
		if id := item[names.AttrID].(string); id == items[0][names.AttrID] || id == items[len(items)-1][names.AttrID] {
			h.hold(retention.RecordTarget(h.class.Name, id))
		}
	}
	worker := h.worker(h.Stores, h.manifest)
	work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.ShardName(0)}
	for calls := 0; !work.Done; calls++ {
		if calls > 10 {
			t.Fatal("the shard is never done")
		}
		once := true
		done, err := worker.Shard(t.Context(), h.class, work, func() bool { defer func() { once = false }(); return once })
		if err != nil {
			t.Fatal(err)
		}
		between, err := json.Marshal(done) // as JSON, like the state machine
		if err != nil {
			t.Fatal(err)
		}
		work = purge.Work{}
		if err := json.Unmarshal(between, &work); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := purgetest.Pages(h.manifest.Pages(t.Context(), h.class.Name, "run-1", retention.ShardName(0)))
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]int{}
	for _, page := range pages {
		for _, id := range page.IDs {
			taken[id]++
		}
	}
	for _, item := range items {
		if id := item[names.AttrID].(string); taken[id] != 1 {
			t.Errorf("%s was taken up %d times", id, taken[id])
		}
	}
	if len(pages) != 2 || len(h.left()) != 2 {
		t.Errorf("%d pages, and %d records are left; want 2 and the 2 that are held", len(pages), len(h.left()))
	}
}

// dueItems are the due records of a page of a shard, as the API stores them.
func dueItems(shard, page int) []map[string]any {
	items := make([]map[string]any, purge.MaxDeletes)
	for i := range items {
		items[i] = map[string]any{
			names.AttrID: fmt.Sprintf("sub-%02d-%02d-%02d", shard, page, i), names.AttrSubject: string(subject(shard*10_000 + page*100 + i)),
			names.AttrScope: "acme", names.AttrBasis: string(retention.Consent), names.AttrOccurredAt: retention.Sort(due),
			names.AttrRetentionStart: retention.Sort(due), names.AttrRetentionSort: retention.Sort(due),
			names.AttrRetentionShard: retention.ShardName(shard), names.AttrData: `{"list":"spring"}`,
		}
	}
	return items
}

// startAt gives items another start. The order of items with one start is the store's.
func startAt(start time.Time, items []map[string]any) []map[string]any {
	for _, item := range items {
		item[names.AttrRetentionStart], item[names.AttrRetentionSort] = retention.Sort(start), retention.Sort(start)
	}
	return items
}
