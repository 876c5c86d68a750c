package purge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/purge"
	"stille/shared/retention"
)

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
		{"a held record is only read", "service", []int{2}, 1, purge.Cost{WriteUnits: 7, ReadUnits: 11, Files: 2, Time: 20400 * time.Millisecond}},
		{"a messaging record frees its slot", retention.Messaging, []int{1}, 0, purge.Cost{WriteUnits: 12, ReadUnits: 10, Files: 2, Time: 20400 * time.Millisecond}},
		{"one large shard takes its pages one by one", "service", []int{9900}, 0, purge.Cost{WriteUnits: 49700, ReadUnits: 20302, Files: 200, Time: time.Minute}},
		{"more shards than work at once take turns", "service", slices.Repeat([]int{1}, 17), 0, purge.Cost{WriteUnits: 119, ReadUnits: 153, Files: 34, Time: 20800 * time.Millisecond}},
		{"many take as long as the table does", "service", even(6_400_000), 0, purge.Cost{WriteUnits: 32_129_408, ReadUnits: 13_123_648, Files: 129408, Time: 3220 * time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, purge.Estimate(test.class, test.due, test.held)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDollarsAddUpUnitsFilesMemoryAndSteps(t *testing.T) {
	for name, c := range map[string]struct {
		cost purge.Cost
		want float64
	}{
		"a million records": {purge.Cost{WriteUnits: 1_000_000, ReadUnits: 1_000_000, Files: 2_000_000}, 0.625 + 0.125 + 2*5.4 + (400_000+20)*0.5*13.3334/1e6 + 64*6*25/1e6},
		"no record":         {purge.Cost{}, 20*0.5*13.3334/1e6 + 64*6*25/1e6},
	} {
		if got := c.cost.Dollars(); got < c.want*0.99999 || got > c.want*1.00001 {
			t.Errorf("%s: $%.6f, want $%.6f", name, got, c.want)
		}
	}
}
