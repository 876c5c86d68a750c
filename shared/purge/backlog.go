package purge

import (
	"slices"

	"stille/shared/certificate"
)

// amounts are the numbers of records, by shard, that a run would delete.
type amounts struct {
	due     []int // at the run's cutoff
	backlog []int // of them, due at the approved plan's cutoff already; equal to due without an approved plan
}

// Objections lists what speaks against deleting the due records of each shard under
// the approval of the plan. The backlog is what was due at the plan's cutoff already:
// it may only shrink, but for the growth that an approval covers. What became due
// since must be as plausible as any night's.
func (p HaltedPlan) Objections(backlog, due []int, brake Brake) []string {
	if ShardsGrown(p.Shards, backlog) {
		return []string{"a shard holds more than was approved"}
	}
	var reasons []string
	brake.Going = sum(due) - sum(backlog)
	for _, reason := range brake.Amount() {
		reasons = append(reasons, "beside the approved backlog, "+reason)
	}
	return reasons
}

// Shrink returns the plan with the backlog as it is now. What is gone from a shard
// needs a new approval to come back.
func (p HaltedPlan) Shrink(backlog []int) HaltedPlan {
	p.Shards = slices.Clone(p.Shards)
	for n := range p.Shards {
		p.Shards[n] = min(p.Shards[n], backlog[n])
	}
	return p
}

// IsDone reports whether one of the runs deleted the last of the plan's records. Held
// and failed records do not keep an approval alive.
func (p HaltedPlan) IsDone(runs []Run) bool {
	return slices.ContainsFunc(runs, func(r Run) bool {
		return r.UntilDone && r.PlanHash == p.PlanHash && r.Outcome == certificate.Completed && r.Counts.Left == 0
	})
}
