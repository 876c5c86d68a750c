package purge_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// executions are the runs with a running execution.
type executions []string

func (e executions) Running(_ context.Context, _, run string) (bool, error) {
	if slices.Contains(e, "unknown") {
		return false, errDown
	}
	return slices.Contains(e, run), nil
}

func (h *house) planner(stores purgetest.Stores, running ...string) purge.Planner {
	return purge.Planner{
		Records: stores.Records, Holds: stores.Holds, Runs: stores.Runs, Halted: stores.Runs, Turns: stores.Holds, Manifest: h.manifest, Running: executions(running).Running, PolicyHash: h.policy.Hash(),
		Now: func() time.Time { return cutoff }, StoreClock: func(context.Context) (time.Time, error) { return cutoff, nil },
	}
}

// planned plans a run and checks the next step.
func (h *house) planned(p purge.Planner, e purge.Execution, next purge.Next) purge.Run {
	h.t.Helper()
	e.Class, e.StartedAt = h.class.Name, cutoff
	run, unfinished, err := p.Plan(h.t.Context(), h.class, e)
	if err != nil || unfinished != "" || run.Next != next {
		h.t.Fatalf("%s: next %q, unfinished %q, error %v; want next %q", e.Run, run.Next, unfinished, err, next)
	}
	if got, want := len(run.Work()), map[purge.Next]int{purge.NextDelete: retention.Shards}[next]; got != want {
		h.t.Errorf("%s: work for %d shards, want %d", e.Run, got, want)
	}
	return run
}

// certified certifies a run and unlocks the class.
func (h *house) certified(run string, outcome certificate.Outcome, due int) {
	h.t.Helper()
	of, err := h.Runs.Get(h.t.Context(), h.class.Name, run)
	previous, headErr := h.Runs.Head(h.t.Context(), h.class.Name)
	of.Outcome, of.Counts.Due, of.EndedAt, of.Certificate = outcome, due, cutoff, "certificate of "+run
	if outcome == certificate.Completed {
		of.Counts.Deleted = due
	}
	if err := errors.Join(err, headErr, h.Runs.Certify(h.t.Context(), of, previous), h.Runs.Unlock(h.t.Context(), h.class.Name, run)); err != nil {
		h.t.Fatal(err)
	}
}

// crowd stores one due record more than the brake allows.
func (h *house) crowd() {
	h.t.Helper()
	for page := range 11 {
		h.Plant(h.t, h.class.Name, dueItems(0, page)...)
	}
}

func TestRunWaitsForNoOtherRun(t *testing.T) {
	h := newHouse(t)
	first := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1"}, purge.NextDelete)
	if again := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1"}, purge.NextDelete); again.PlanHash != first.PlanHash {
		t.Error("a repeated plan is another plan")
	}
	yielding := h.planned(h.planner(h.Stores, "run-1"), purge.Execution{Run: "run-2"}, purge.NextYield)
	if !strings.Contains(strings.Join(yielding.Reasons, ""), "run-1") {
		t.Errorf("reasons %q", yielding.Reasons)
	}
	for name, c := range map[string]struct {
		running    []string
		unfinished string
		err        error
	}{
		"the active run was killed":             {nil, "run-1", nil},
		"the state of the execution is unknown": {[]string{"unknown"}, "", errDown},
	} {
		run, unfinished, err := h.planner(h.Stores, c.running...).Plan(t.Context(), h.class, purge.Execution{Class: h.class.Name, Run: "run-3"})
		if unfinished != c.unfinished || !errors.Is(err, c.err) || run.ID != "" {
			t.Errorf("%s: run %q, unfinished %q, error %v", name, run.ID, unfinished, err)
		}
	}
	h.certified("run-1", certificate.Completed, 0)
	if _, err := h.Runs.Lock(t.Context(), h.class.Name, "run-1"); err != nil { // it was killed before Unlock
		t.Fatal(err)
	}
	if _, unfinished, err := h.planner(h.Stores, "run-1").Plan(t.Context(), h.class, purge.Execution{Class: h.class.Name, Run: "run-3"}); unfinished != "run-1" || err != nil {
		t.Errorf("a certified run with the lock: unfinished %q, error %v", unfinished, err)
	}
}

func TestHaltedPlanRunsOnceApproved(t *testing.T) {
	h := newHouse(t)
	h.crowd()
	planner := h.planner(h.Stores)
	halted := h.planned(planner, purge.Execution{Run: "run-1", StartedBy: starter}, purge.NextHalt)
	h.certified("run-1", certificate.Halted, halted.Planned)
	if err := h.Runs.Approve(t.Context(), h.class.Name, purge.Approval{PlanHash: halted.PlanHash, By: approver, At: cutoff}); err != nil {
		t.Fatal(err)
	}
	planner.Now = func() time.Time { return cutoff.Add(5 * time.Minute) }
	other := h.planned(planner, purge.Execution{Run: "run-2", Approved: "another"}, purge.NextHalt)
	if !strings.Contains(strings.Join(other.Reasons, ""), "another plan") || other.ApprovedBy != "" {
		t.Errorf("reasons %q, approved by %q", other.Reasons, other.ApprovedBy)
	}
	h.certified("run-2", certificate.Halted, 0)
	if err := h.Runs.Approve(t.Context(), h.class.Name, purge.Approval{PlanHash: other.PlanHash, By: approver, At: cutoff}); err != nil {
		t.Fatal(err)
	}
	run := h.planned(planner, purge.Execution{Run: "run-3", Approved: other.PlanHash}, purge.NextDelete)
	if run.PlanHash != other.PlanHash || run.ApprovedBy != approver || !run.Cutoff.Equal(other.Cutoff) {
		t.Errorf("plan %s approved by %q at %v", run.PlanHash, run.ApprovedBy, run.Cutoff)
	}
	h.certified("run-3", certificate.Completed, run.Planned)
	if again := h.planned(planner, purge.Execution{Run: "run-4", Approved: other.PlanHash}, purge.NextHalt); !strings.Contains(strings.Join(again.Reasons, ""), "no halted plan") {
		t.Errorf("reasons %q", again.Reasons)
	}
}

func TestUnapprovedPlanOfAnyAmountHalts(t *testing.T) {
	h := newHouse(t)
	h.crowd()
	halted := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1"}, purge.NextHalt)
	h.certified("run-1", certificate.Halted, halted.Planned)
	unapproved := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-2", Approved: halted.PlanHash}, purge.NextHalt)
	if !strings.Contains(strings.Join(unapproved.Reasons, ""), "not approved") {
		t.Errorf("reasons %q", unapproved.Reasons)
	}
	h.certified("run-2", certificate.Halted, 0)
	if nightly := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-3"}, purge.NextHalt); !slices.Equal(nightly.Reasons, halted.Reasons) {
		t.Errorf("a run without an approval halts for %q, want %q", nightly.Reasons, halted.Reasons)
	}
	none := newHouse(t)
	none.planned(none.planner(none.Stores), purge.Execution{Run: "run-1", Approved: "none"}, purge.NextHalt)
}

// Three times the usual 600 may be deleted. A halted run and the nights of a
// backlog do not count as usual.
func TestUsualAmountIsThatOfCompletedRuns(t *testing.T) {
	h := newHouse(t)
	h.crowd()
	for n := range 60 { // so that the due records are less than a fifth of the class
		items := dueItems(1, n)
		for _, item := range items {
			item["retentionStart"], item["retentionSort"] = retention.Sort(cutoff), retention.Sort(cutoff)
		}
		h.Plant(h.t, h.class.Name, items...)
	}
	for _, before := range []struct {
		run       string
		outcome   certificate.Outcome
		deleted   int
		untilDone bool
	}{
		{"run-0", certificate.Completed, 1, true}, {"run-1", certificate.Completed, 600, false}, {"run-2", certificate.Halted, 1, false}, {"run-2b", certificate.Completed, 1, true},
	} {
		if _, err := h.Runs.Start(t.Context(), purge.Run{Class: h.class.Name, ID: before.run, UntilDone: before.untilDone}); err != nil {
			t.Fatal(err)
		}
		h.certified(before.run, before.outcome, before.deleted)
	}
	h.planned(h.planner(h.Stores), purge.Execution{Run: "run-3"}, purge.NextDelete)
}

// Every call of a plan fails in turn.
func TestPlanEndsInErrorWhenAnyCallFails(t *testing.T) {
	approvedOf := func(h *house) string {
		late := h.planner(h.Stores)
		late.StoreClock = func(context.Context) (time.Time, error) { return cutoff.Add(time.Hour), nil }
		halted := h.planned(late, purge.Execution{Run: "run-0"}, purge.NextHalt)
		h.certified("run-0", certificate.Halted, halted.Planned)
		if err := h.Runs.Approve(t.Context(), h.class.Name, purge.Approval{PlanHash: halted.PlanHash, By: approver, At: cutoff}); err != nil {
			t.Fatal(err)
		}
		return halted.PlanHash
	}
	for failing := int64(1); ; failing++ {
		h := newHouse(t)
		approved := approvedOf(h)
		var calls atomic.Int64 // shards are counted at the same time
		stores := h.Intercept(func(string) error {
			if calls.Add(1) == failing {
				return errDown
			}
			return nil
		})
		_, _, err := h.planner(stores).Plan(t.Context(), h.class, purge.Execution{Class: h.class.Name, Run: "run-1", StartedAt: cutoff, Approved: approved})
		if calls.Load() < failing {
			if err != nil || failing < 5 {
				t.Errorf("%d calls, error %v", calls.Load(), err)
			}
			return
		}
		if !errors.Is(err, errDown) {
			t.Errorf("call %d failed: error %v", failing, err)
		}
	}
}

func TestHeldRecordsDoNotHaltRun(t *testing.T) {
	h := newHouse(t)
	h.crowd()
	kari := subject(7)
	items := h.Items(t, h.class.Name)
	for _, item := range items {
		item["subject"] = string(kari)
	}
	h.Plant(t, h.class.Name, slices.Collect(maps.Values(items))...)
	h.hold(retention.SubjectTarget(kari))
	h.put(retention.Record{ID: "theirs", Subject: subject(8), Start: due})
	h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1"}, purge.NextDelete)
	h.certified("run-1", certificate.Completed, 1)
	if _, err := h.Holds.Lift(t.Context(), retention.OfCase("c-1"), cutoff, starter); err != nil {
		t.Fatal(err)
	}
	h.planned(h.planner(h.Stores), purge.Execution{Run: "run-2"}, purge.NextHalt)
}

// A purge leaves these records as failed, so a class must not halt for them night
// after night.
func TestRecordsThatStayDoNotHaltRun(t *testing.T) {
	for name, attribute := range map[string]map[string]any{
		"unreadable":               {names.AttrOccurredAt: "long ago"},
		"an object without owner":  {names.AttrObjects: []string{"s3://letters/nobody's"}},
		"marked by an earlier run": {names.AttrPurgingBy: "run-0"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.crowd()
			items := h.Items(t, h.class.Name)
			for _, item := range items {
				maps.Copy(item, attribute)
			}
			h.Plant(t, h.class.Name, slices.Collect(maps.Values(items))...)
			h.put(retention.Record{ID: "theirs", Subject: subject(8), Start: due})
			h.put(retention.Record{ID: "withdrawn", Subject: subject(9), Start: notDue})
			h.withdraw("withdrawn", cutoff)
			run := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1"}, purge.NextDelete)
			if run.Withdrawn || len(run.Reasons) > 0 {
				t.Errorf("halted, but for the withdrawn records: %q", run.Reasons)
			}
			h.certified("run-1", certificate.Completed, 2)
		})
	}
}

// Fourteen nights deleted 2 and kept 1,087 by a hold. When the hold is lifted, all
// of them are more than usual.
func TestHeldRecordsAreNotUsual(t *testing.T) {
	h := newHouse(t)
	h.crowd()
	for n := range 14 {
		run := purge.Run{Class: h.class.Name, ID: fmt.Sprint("run-", n)}
		if _, err := h.Runs.Start(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		previous, err := h.Runs.Head(t.Context(), h.class.Name)
		if err != nil {
			t.Fatal(err)
		}
		run.Outcome, run.EndedAt, run.Certificate = certificate.Completed, cutoff, "certificate of "+run.ID
		run.Counts = certificate.Counts{Due: 1089, Deleted: 2, Held: 1087}
		if err := h.Runs.Certify(t.Context(), run, previous); err != nil {
			t.Fatal(err)
		}
	}
	halted := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-15"}, purge.NextHalt)
	if reasons := strings.Join(halted.Reasons, "; "); !strings.Contains(reasons, "the usual 2") {
		t.Errorf("reasons %q", reasons)
	}
}

// An approval covers what would have been deleted, not what was held then.
func TestApprovalCoversNoLiftedHold(t *testing.T) {
	h := newHouse(t)
	h.crowd()
	held := h.put(retention.Record{ID: "held-0", Subject: subject(7), Start: due})
	for n := range 30 {
		item := maps.Clone(h.Items(t, h.class.Name)["held-0"])
		item["id"], item["retentionShard"], item["retentionSort"] = fmt.Sprint("held-", n), "00", retention.Sort(due)
		h.plant(item)
	}
	h.hold(retention.SubjectTarget(held.Subject))
	planner := h.planner(h.Stores)
	halted := h.planned(planner, purge.Execution{Run: "run-1"}, purge.NextHalt)
	h.certified("run-1", certificate.Halted, halted.Planned)
	if err := h.Runs.Approve(t.Context(), h.class.Name, purge.Approval{PlanHash: halted.PlanHash, By: approver, At: cutoff}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Holds.Lift(t.Context(), retention.OfCase("c-1"), cutoff, starter); err != nil {
		t.Fatal(err)
	}
	again := h.planned(planner, purge.Execution{Run: "run-2", Approved: halted.PlanHash}, purge.NextHalt)
	if reasons := strings.Join(again.Reasons, "; "); !strings.Contains(reasons, "more than was approved") {
		t.Errorf("reasons %q", reasons)
	}
}

func TestPlanWithoutTheStoresClockFails(t *testing.T) {
	h := newHouse(t)
	planner := h.planner(h.Stores)
	planner.StoreClock = func(context.Context) (time.Time, error) { return time.Time{}, errDown }
	if _, _, err := planner.Plan(t.Context(), h.class, purge.Execution{Class: h.class.Name, Run: "run-1"}); !errors.Is(err, errDown) {
		t.Errorf("error %v", err)
	}
}

// The class halts for 1,089 records; two more, of which one is held, were withdrawn.
func TestWithdrawnRecordsGoWhilePlanWaits(t *testing.T) {
	h := newHouse(t)
	h.crowd()
	for id, of := range map[string]int{"erased": 8, "erased-held": 9} {
		h.put(retention.Record{ID: id, Subject: subject(of), Start: notDue})
		h.withdraw(id, due)
	}
	h.hold(retention.SubjectTarget(subject(9)))
	run := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1", StartedBy: starter}, purge.NextDelete)
	if !run.Withdrawn || len(run.Reasons) == 0 || run.Planned != 1091 {
		t.Fatalf("run %+v", run)
	}
	worker := h.worker(h.Stores, h.manifest)
	for _, work := range run.Work() {
		done, err := worker.Shard(t.Context(), h.class, work, func() bool { return true })
		if err != nil || !done.Done {
			t.Fatalf("done %v, error %v", done.Done, err)
		}
	}
	c, kept := h.certifier()
	ended, err := c.Purge(t.Context(), h.class, purge.Ended{Run: run.ID, Shards: make([]purge.ShardEnd, retention.Shards)})
	if err != nil {
		t.Fatal(err)
	}
	want := certificate.Counts{Due: 1091, Deleted: 1, Held: 1, Left: 1089}
	if got := kept.Verify(t, h.class.Name, run.ID); got.Outcome != certificate.Halted || got.Counts != want || ended.Outcome != certificate.Halted {
		t.Errorf("certificate %s, %+v", got.Outcome, got.Counts)
	}
	if left := h.left(); len(left) != 1090 || slices.Contains(left, "erased") {
		t.Errorf("%d records are left", len(left))
	}
	plan, err := h.Runs.Halted(t.Context(), h.class.Name)
	if err != nil || plan.PlanHash != run.PlanHash {
		t.Fatalf("plan %+v, error %v", plan, err)
	}
	if err := h.Runs.Approve(t.Context(), h.class.Name, purge.Approval{PlanHash: plan.PlanHash, By: approver, At: cutoff}); err != nil {
		t.Fatal(err)
	}
	planner := h.planner(h.Stores)
	planner.Now = func() time.Time { return cutoff.Add(2 * time.Minute) }
	planner.StoreClock = func(context.Context) (time.Time, error) { return cutoff.Add(2 * time.Minute), nil }
	if approved := h.planned(planner, purge.Execution{Run: "run-2", Approved: plan.PlanHash}, purge.NextDelete); approved.Withdrawn {
		t.Error("the approved run deletes the withdrawn records only")
	}
}

func TestManyWithdrawnRecordsWaitForApproval(t *testing.T) {
	h := newHouse(t)
	for page := range 11 {
		items := dueItems(0, page)
		for _, item := range items {
			item["withdrawnAt"] = retention.Sort(due)
		}
		h.Plant(h.t, h.class.Name, items...)
	}
	h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1"}, purge.NextHalt)
}

func TestWrongClockLetsNothingGo(t *testing.T) {
	h := newHouse(t)
	h.put(retention.Record{ID: "erased", Subject: subject(8), Start: notDue})
	h.withdraw("erased", due)
	planner := h.planner(h.Stores)
	planner.StoreClock = func(context.Context) (time.Time, error) { return cutoff.AddDate(-10, 0, 0), nil }
	h.planned(planner, purge.Execution{Run: "run-1"}, purge.NextHalt)
}

func TestPlanWithinTheBrakeReadsNoRecord(t *testing.T) {
	h := newHouse(t)
	h.Plant(t, h.class.Name, dueItems(0, 0)...)
	stores := h.Stores
	stores.Records = unloadable{h.Records}
	if run := h.planned(h.planner(stores), purge.Execution{Run: "run-1"}, purge.NextDelete); run.Planned != purge.MaxDeletes {
		t.Errorf("%d planned", run.Planned)
	}
}
