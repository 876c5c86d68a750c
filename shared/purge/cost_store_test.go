//go:build store

package purge_test

import (
	"slices"
	"testing"

	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// TestPurgeConsumesItsEstimate compares the estimate with a purge of two
// pages of records that are in every possible index and have a slot.
func TestPurgeConsumesItsEstimate(t *testing.T) {
	db, stack := dynamotest.Tables(t, retention.Messaging)
	used, metered := newMeter(db)
	h := houseOver(t, dynamotest.Stores(metered, stack))
	records := h.Records
	items := slices.Concat(dueItems(0, 0), dueItems(0, 1))
	slots := make([]map[string]any, len(items))
	for n, item := range items {
		item[names.AttrWithdrawnAt] = retention.Sort(cutoff)
		slots[n] = map[string]any{names.AttrSlot: item[names.AttrID], names.AttrRecord: item[names.AttrID]}
	}
	dynamotest.PutAll(t, db, stack.Records(h.class.Name), items)
	dynamotest.PutAll(t, db, stack.Table(names.TableSlots), slots)

	plan, err := purge.Make(t.Context(), records, h.class, "policy", cutoff)
	if err != nil {
		t.Fatal(err)
	}
	worker := h.worker(h.Stores, h.manifest)
	work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.ShardName(0)}
	if _, err := worker.Shard(t.Context(), h.class, work, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	verifier := h.verifier(&accounted{})
	verifier.Records = records
	if account, err := verifier.Account(t.Context(), h.class, "run-1", cutoff); err != nil || account.Counts.Deleted != len(items) {
		t.Fatalf("%d deleted, error %v", account.Counts.Deleted, err)
	}
	for _, item := range items {
		if err := records.Leave(t.Context(), h.class.Name, item[names.AttrID].(string)); err != nil {
			t.Fatal(err)
		}
	}

	got, want := used.taken(), purge.Estimate(h.class.Name, plan.Shards, 0)
	got.write += float64(len(items) * (3 + 1)) // the indexes of the records, and of the slots
	for name, consumed := range map[string][2]float64{"writes": {got.write, float64(want.WriteUnits)}, "reads": {got.read, float64(want.ReadUnits)}} {
		if share := consumed[0] / consumed[1]; share > 1 || share < 0.85 {
			t.Errorf("%s: %.1f units were consumed, %.0f estimated", name, consumed[0], consumed[1])
		}
	}
}
