package purge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestBacklogMayOnlyShrink(t *testing.T) {
	usual := purge.Brake{Size: 100_000, Before: []int{800, 800, 800}}
	const grown = "a shard holds more than was approved"
	for what, c := range map[string]struct {
		approved, backlog, due []int
		brake                  purge.Brake
		want                   []string
	}{
		"nothing changed":                      {[]int{50_000, 9}, []int{50_000, 9}, []int{50_000, 9}, usual, nil},
		"a night deleted some":                 {[]int{50_000, 9}, []int{20_000, 9}, []int{20_000, 9}, usual, nil},
		"all of the class, in its first purge": {[]int{50_000}, []int{50_000}, []int{50_000}, purge.Brake{Size: 50_000}, nil},
		"late opt-outs":                        {[]int{50_000, 9}, []int{50_500, 19}, []int{50_500, 19}, usual, nil},
		"more late opt-outs":                   {[]int{50_000, 9}, []int{50_501, 9}, []int{50_501, 9}, usual, []string{grown}},
		"a lifted hold in a small shard":       {[]int{50_000, 9}, []int{10_000, 20}, []int{10_000, 20}, usual, []string{grown}},
		"a usual night became due":             {[]int{50_000, 9}, []int{20_000, 9}, []int{20_900, 9}, usual, nil},
		"few became due in a small class":      {[]int{3000}, []int{2000}, []int{3000}, purge.Brake{Size: 3000}, nil},
		"more than usual became due": {[]int{50_000, 9}, []int{20_000, 9}, []int{20_000, 2410}, usual,
			[]string{"beside the approved backlog, 2401 records would be deleted, more than 3 times the usual 800"}},
		"a fifth of the class became due": {[]int{50_000, 9}, []int{20_000, 9}, []int{40_001, 9}, purge.Brake{Size: 100_000},
			[]string{"beside the approved backlog, 20001 of about 100000 records would be deleted, more than a fifth"}},
	} {
		if diff := cmp.Diff(c.want, purge.HaltedPlan{Shards: c.approved}.Objections(c.backlog, c.due, c.brake)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestDeletedBacklogNeedsNewApproval(t *testing.T) {
	plan := purge.HaltedPlan{Shards: []int{5000, 100, 7}}
	shrunk := plan.Shrink([]int{5040, 60, 0})
	if diff := cmp.Diff([]int{5000, 60, 0}, shrunk.Shards); diff != "" || plan.Shards[1] != 100 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(shrunk.Objections([]int{5000, 71, 0}, []int{5000, 71, 0}, purge.Brake{})) == 0 {
		t.Error("what was deleted may come back")
	}
}

func TestBacklogIsDoneOnceNothingIsLeft(t *testing.T) {
	plan := purge.HaltedPlan{PlanHash: "plan"}
	of := func(change func(*purge.Run)) purge.Run {
		run := purge.Run{PlanHash: "plan", UntilDone: true, Outcome: certificate.Completed, Counts: certificate.Counts{Due: 9, Deleted: 4, Held: 3, Failed: 2}}
		change(&run)
		return run
	}
	for what, c := range map[string]struct {
		change func(*purge.Run)
		done   bool
	}{
		"only held and failed records are left": {func(*purge.Run) {}, true},
		"some are left for the next run":        {func(r *purge.Run) { r.Counts.Left = 1 }, false},
		"the run was stopped":                   {func(r *purge.Run) { r.Outcome = certificate.Stopped }, false},
		"the run failed":                        {func(r *purge.Run) { r.Outcome = certificate.Failed }, false},
		"the run is of another plan":            {func(r *purge.Run) { r.PlanHash = "other" }, false},
		"the run had its own approval":          {func(r *purge.Run) { r.UntilDone = false }, false},
	} {
		if plan.IsDone([]purge.Run{of(c.change)}) != c.done {
			t.Errorf("%s: done is %v", what, !c.done)
		}
	}
}

// backlog is a class with a plan that was approved until done.
type backlog struct {
	*nights
	clock time.Time
	plan  purge.HaltedPlan
}

// approvedDue are the due records of the approved plan, by shard.
var approvedDue = map[string]int{"07": 800, "3f": 1000} //nolint:gochecknoglobals // a constant

// newBacklog halts a run for 1,800 due records, and approves its plan. A run deletes
// at most most records.
func newBacklog(t *testing.T, most int, untilDone bool) *backlog {
	b := &backlog{nights: &nights{house: newHouse(t)}, clock: cutoff}
	b.certifier, b.evidence = b.house.certifier()
	b.certifier.Now = func() time.Time { return b.clock }
	b.class.Most = most
	b.due(approvedDue)
	b.ends("halted", "", certificate.Halted, certificate.Counts{Due: 1800})
	plan, err := b.Runs.Halted(t.Context(), b.class.Name)
	if err == nil {
		b.plan = plan
		err = b.Runs.Approve(t.Context(), b.class.Name, purge.Approval{PlanHash: plan.PlanHash, By: approver, At: b.clock, UntilDone: untilDone})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// starts plans the run of the next day. It certifies a run that was killed before.
func (b *backlog) starts(run, approved string) purge.Run {
	b.t.Helper()
	b.clock = b.clock.Add(24 * time.Hour)
	planner := b.planner(b.Stores)
	planner.PolicyHash = b.class.Hash()
	planner.Now = func() time.Time { return b.clock }
	planner.StoreClock = func(context.Context) (time.Time, error) { return b.clock, nil }
	for {
		planned, unfinished, err := planner.Plan(b.t.Context(), b.class, purge.Execution{Class: b.class.Name, Run: run, StartedAt: b.clock, Approved: approved})
		if err != nil {
			b.t.Fatal(err)
		}
		if unfinished == "" {
			return planned
		}
		b.certify(purge.Ended{Run: unfinished, Failed: true, StartedAt: b.clock})
	}
}

// ends is a whole run. It checks the certificate.
func (b *backlog) ends(run, approved string, outcome certificate.Outcome, counts certificate.Counts) certificate.Certificate {
	b.t.Helper()
	planned := b.starts(run, approved)
	worker := b.worker(b.Stores, b.manifest)
	for _, work := range planned.Work() {
		for !work.Done {
			var err error
			if work, err = worker.Shard(b.t.Context(), b.class, work, func() bool { return true }); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.certify(purge.Ended{Run: run})
	signed := b.evidence.Verify(b.t, b.class.Name, run)
	if diff := cmp.Diff(counts, signed.Counts); diff != "" || signed.Outcome != outcome {
		b.t.Errorf("%s: %s because of %q (-want +got):\n%s", run, signed.Outcome, planned.Reasons, diff)
	}
	return signed
}

func (b *backlog) forget() {
	b.t.Helper()
	if err := b.Runs.Forget(b.t.Context(), b.class.Name); err != nil {
		b.t.Error(err)
	}
}

// became plants records that became due a day after the halted plan.
func (b *backlog) became(count int) {
	b.t.Helper()
	start := b.class.Keep.StartsBefore(b.plan.Cutoff.Add(24*time.Hour), b.class.Location()).Add(-time.Second)
	var items []map[string]any
	for n := range count {
		items = append(items, map[string]any{
			"id": fmt.Sprintf("new-%04d", n), "subject": string(subjectOf("11")), "scope": "acme", "basis": "consent", "occurredAt": retention.Sort(start),
			"retentionStart": retention.Sort(start), "retentionSort": retention.Sort(start), "retentionShard": "11",
		})
	}
	b.Plant(b.t, b.class.Name, items...)
}

func TestBacklogIsWorkedOffWithoutAnotherHalt(t *testing.T) {
	b := newBacklog(t, 600, true)
	first := b.ends("night-1", b.plan.PlanHash, certificate.Completed, certificate.Counts{Due: 1800, Deleted: 600, Left: 1200})
	b.became(100)
	certificates := []certificate.Certificate{
		first,
		b.ends("night-2", "", certificate.Completed, certificate.Counts{Due: 1300, Deleted: 600, Left: 700}),
		b.ends("night-3", "", certificate.Completed, certificate.Counts{Due: 700, Deleted: 600, Left: 100}),
		b.ends("night-4", "", certificate.Completed, certificate.Counts{Due: 100, Deleted: 100}),
	}
	for n, c := range certificates {
		if c.ApprovedBy == nil || *c.ApprovedBy != *first.ApprovedBy || !c.ApprovedBy.UntilDone || c.PlanHash != b.plan.PlanHash {
			t.Errorf("night %d: approved by %+v, plan %s", n+1, c.ApprovedBy, c.PlanHash)
		}
	}
	if after := b.ends("night-5", "", certificate.Completed, certificate.Counts{}); after.ApprovedBy != nil {
		t.Errorf("the approval outlives its backlog: %+v", after.ApprovedBy)
	}
	b.due(approvedDue)
	b.ends("night-6", "", certificate.Halted, certificate.Counts{Due: 1800})
}

func TestApprovalOfOneRunIsUsedUp(t *testing.T) {
	b := newBacklog(t, 300, false)
	first := b.ends("night-1", b.plan.PlanHash, certificate.Completed, certificate.Counts{Due: 1800, Deleted: 300, Left: 1500})
	if first.ApprovedBy == nil || first.ApprovedBy.UntilDone {
		t.Errorf("approved by %+v", first.ApprovedBy)
	}
	b.ends("night-2", "", certificate.Halted, certificate.Counts{Due: 1500})
}

func TestApprovalUntilDoneEndsWithItsReason(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*backlog)
		due    int
		reason string
	}{
		"the policy changed":        {func(b *backlog) { b.class.Owner = "somebody else" }, 1200, "the policy changed"},
		"an operator ended it":      {func(b *backlog) { b.forget() }, 1200, "more than a fifth"},
		"deleted records came back": {func(b *backlog) { b.due(approvedDue) }, 1800, "a shard holds more than was approved"},
		"a flood became due":        {func(b *backlog) { b.became(1001) }, 2201, "beside the approved backlog, 1001 of"},
		"the clock ran ahead":       {func(b *backlog) { b.clock = b.clock.AddDate(0, 2, 0) }, 1200, "over 31 days ago"},
	} {
		t.Run(what, func(t *testing.T) {
			b := newBacklog(t, 300, true)
			b.ends("night-1", b.plan.PlanHash, certificate.Completed, certificate.Counts{Due: 1800, Deleted: 300, Left: 1500})
			b.ends("night-2", "", certificate.Completed, certificate.Counts{Due: 1500, Deleted: 300, Left: 1200})
			c.change(b)
			halted := b.ends("night-3", "", certificate.Halted, certificate.Counts{Due: c.due})
			run, err := b.Runs.Get(t.Context(), b.class.Name, "night-3")
			if reasons := strings.Join(run.Reasons, "; "); err != nil || halted.ApprovedBy != nil || run.UntilDone || !strings.Contains(reasons, c.reason) {
				t.Errorf("approved by %+v, reasons %q, error %v", halted.ApprovedBy, reasons, err)
			}
		})
	}
}

// What the brake lets through needs no approval.
func TestApprovalThatEndedHaltsNoSmallRun(t *testing.T) {
	b := newBacklog(t, 300, true)
	b.hold(retention.SubjectTarget(subjectOf("07")), retention.SubjectTarget(subjectOf("3f")))
	b.class.Owner = "somebody else"
	if run := b.starts("night-1", ""); run.Next != purge.NextDelete || run.UntilDone || len(run.Reasons) > 0 {
		t.Errorf("next %q, until done %t, reasons %q", run.Next, run.UntilDone, run.Reasons)
	}
}

// An operator ends the approval between the plan's look at it and its end.
func TestApprovalEndedDuringPlanHaltsRun(t *testing.T) {
	b := newBacklog(t, 300, true)
	b.ends("night-1", b.plan.PlanHash, certificate.Completed, certificate.Counts{Due: 1800, Deleted: 300, Left: 1500})
	b.Stores = before(b.Stores, "DescribeTable", 1, func() error { b.forget(); return nil })
	b.ends("night-2", "", certificate.Halted, certificate.Counts{Due: 1500})
}

// The run is killed and its worker lives on; the next run takes the backlog over.
func TestKilledRunDoesNotEndTheApproval(t *testing.T) {
	b := newBacklog(t, 300, true)
	killed := b.starts("killed", b.plan.PlanHash)
	worker := b.worker(b.Stores, b.manifest)
	if _, err := worker.Shard(t.Context(), b.class, killed.Work()[7], func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	next := b.ends("next", "", certificate.Completed, certificate.Counts{Due: 1650, Deleted: 300, Left: 1350})
	if next.ApprovedBy == nil {
		t.Error("nobody approved it")
	}
	if got := b.evidence.Verify(t, b.class.Name, "killed"); got.Counts.Deleted != 150 || got.ApprovedBy == nil || !got.ApprovedBy.UntilDone {
		t.Errorf("certificate of the killed run: %+v, approved by %+v", got.Counts, got.ApprovedBy)
	}
}
