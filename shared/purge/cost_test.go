//go:build store

package purge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// TestAPurgeConsumesWhatWasEstimated holds the estimate against a purge of two
// pages of records that are in as many indexes as one can be, and of which each
// has a slot.
func TestAPurgeConsumesWhatWasEstimated(t *testing.T) {
	h := newHouse(t)
	used, metered := newMeter(h.db)
	records := dynamo.NewRecords(metered, h.stack)
	items := slices.Concat(dueItems(0, 0), dueItems(0, 1))
	slots := make([]map[string]any, len(items))
	for n, item := range items {
		item[names.AttrWithdrawnAt] = retention.Sort(cutoff)
		slots[n] = map[string]any{names.AttrSlot: item[names.AttrID], names.AttrRecord: item[names.AttrID]}
	}
	dynamotest.PutAll(t, h.db, h.stack.Records(h.class.Name), items)
	dynamotest.PutAll(t, h.db, h.stack.Slots(), slots)

	plan, err := purge.Make(t.Context(), records, h.class, "policy", cutoff)
	if err != nil {
		t.Fatal(err)
	}
	worker := h.worker(metered, h.manifest)
	work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.ShardName(0)}
	if _, err := worker.Shard(t.Context(), h.class, work, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	verifier := h.verifier()
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

func TestAnEstimateFollowsWhatIsDue(t *testing.T) {
	even := func(due int) []int {
		shards := make([]int, retention.Shards)
		for n := range shards {
			shards[n] = due / retention.Shards
		}
		return shards
	}
	for _, test := range []struct {
		name  string
		class string
		due   []int
		held  int
		want  purge.Cost
	}{
		{"nothing", "service", nil, 0, purge.Cost{Time: 20 * time.Second}},
		{"one record", "service", []int{1}, 0, purge.Cost{WriteUnits: 7, ReadUnits: 9, Files: 2, Time: 20400 * time.Millisecond}},
		{"what is held is read and stays", "service", []int{2}, 1, purge.Cost{WriteUnits: 7, ReadUnits: 11, Files: 2, Time: 20400 * time.Millisecond}},
		{"a messaging record frees its slot", retention.Messaging, []int{1}, 0, purge.Cost{WriteUnits: 12, ReadUnits: 10, Files: 2, Time: 20400 * time.Millisecond}},
		{"one large shard takes its pages one by one", "service", []int{9900}, 0, purge.Cost{WriteUnits: 49700, ReadUnits: 20302, Files: 200, Time: time.Minute}},
		{"many take as long as the table does", "service", even(6_400_000), 0, purge.Cost{WriteUnits: 32_129_408, ReadUnits: 13_123_648, Files: 129408, Time: 3220 * time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, purge.Estimate(test.class, test.due, test.held)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAMillionRecordsCostAFewDollars(t *testing.T) {
	cost := purge.Cost{WriteUnits: 1_000_000, ReadUnits: 1_000_000, Files: 2_000_000}
	const want = 0.625 + 0.125 + 2*5.4 + (400_000+20)*0.5*13.3334/1e6 + 64*4*25/1e6
	if got := cost.Dollars(); got < want*0.999 || got > want*1.001 {
		t.Errorf("$%.4f, want $%.4f", got, want)
	}
}
