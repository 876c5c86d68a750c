package purge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// nights are runs of one class, one after the other. Each takes over from the
// run before it, which was killed.
type nights struct {
	*house
	certifier purge.Certifier
	evidence  *purgetest.Evidence
}

func newNights(t *testing.T) *nights {
	h := newHouse(t)
	h.hold(retention.RecordTarget(h.class.Name, "held"), retention.RecordTarget(h.class.Name, "letter-held"))
	h.furnish()
	n := &nights{house: h}
	n.certifier, n.evidence = h.certifier()
	n.certifier.Manifest = h.manifest
	return n
}

// plan plans a run. It certifies a run that was killed before, as the state
// machine does.
func (n *nights) plan(run string) purge.Run {
	n.t.Helper()
	for {
		planned, unfinished, err := n.planner(n.Stores).Plan(n.t.Context(), n.class, purge.Execution{Class: n.class.Name, Run: run, StartedAt: cutoff})
		if err != nil {
			n.t.Fatal(err)
		}
		if unfinished == "" {
			return planned
		}
		n.certify(purge.Ended{Run: unfinished, Failed: true, StartedAt: cutoff})
	}
}

func (n *nights) certify(e purge.Ended) {
	n.t.Helper()
	if _, err := n.certifier.Purge(n.t.Context(), n.class, e); err != nil {
		n.t.Fatal(err)
	}
}

// night is a whole run.
func (n *nights) night(run string) {
	n.t.Helper()
	n.plan(run)
	if err := n.work(run, &mortal{}); err != nil {
		n.t.Fatal(err)
	}
	n.certify(purge.Ended{Run: run})
}

// certified are the records in the lists of all certificates, and their number
// by the certificates' counts.
func (n *nights) certified(runs ...string) (deleted []string, counted int) {
	n.t.Helper()
	for _, run := range runs {
		counted += n.evidence.Verify(n.t, n.class.Name, run).Counts.Deleted
		deleted = append(deleted, n.evidence.Keys(n.class.Name, run)...)
	}
	slices.Sort(deleted)
	return deleted, counted
}

// everyDeletionIsCertifiedOnce compares the table with the certificates.
func (n *nights) everyDeletionIsCertifiedOnce(what string, before []string, runs ...string) {
	n.t.Helper()
	var gone []string
	left := n.Items(n.t, n.class.Name)
	for _, id := range before {
		if left[id] == nil {
			gone = append(gone, n.class.Name+"/"+id)
		}
	}
	deleted, counted := n.certified(runs...)
	if diff := cmp.Diff(gone, deleted); diff != "" || counted != len(gone) {
		n.t.Errorf("%s: %d gone, %d counted as deleted; the lists (-gone +listed):\n%s", what, len(gone), counted, diff)
	}
	for id, item := range left {
		if by, marked := item["purgingBy"]; marked && by != runs[len(runs)-1] {
			n.t.Errorf("%s: %s is marked by %v", what, id, by)
		}
	}
}

// TestRunTakenOverDeletesNothing stops a run before each of its calls and lets
// its worker live on while the next run takes over: the next run deletes
// everything, or is stopped and taken over as well, before one of its calls.
func TestRunTakenOverDeletesNothing(t *testing.T) {
	n := newNights(t)
	n.plan("whole")
	whole := &mortal{}
	if err := n.work("whole", whole); err != nil {
		t.Fatal(err)
	}
	n.certify(purge.Ended{Run: "whole"})
	step := 1
	if engine.Slow {
		step = 7
	}
	for first := 1; first <= whole.calls; first += step {
		for _, second := range []int{0, 1 + first%7, 8 + first%(whole.calls-8)} {
			n.furnish()
			n.certifier.Manifest = n.manifest
			before := n.left()
			runs := []string{fmt.Sprint("first-", first, "-", second), fmt.Sprint("second-", first, "-", second), fmt.Sprint("third-", first, "-", second)}
			n.plan(runs[0])
			var lost []error
			lost = append(lost, n.work(runs[0], &mortal{dies: first, lives: func() {
				n.s3.Intercept(func(string) error { return nil })
				if second == 0 {
					n.night(runs[1])
					return
				}
				n.plan(runs[1])
				lost = append(lost, n.work(runs[1], &mortal{dies: second, lives: func() {
					n.s3.Intercept(func(string) error { return nil })
					n.night(runs[2])
				}}))
			}}))
			what := fmt.Sprintf("stopped at call %d and then %d", first, second)
			for _, err := range lost {
				if err != nil && !errors.Is(err, purge.ErrLockLost) {
					t.Errorf("%s: error %v", what, err)
				}
			}
			if second == 0 {
				runs = runs[:2]
			} else if _, err := n.Runs.Get(t.Context(), n.class.Name, runs[2]); err != nil { // the second run was done earlier
				n.certify(purge.Ended{Run: runs[1]})
				runs = runs[:2]
			}
			n.everyDeletionIsCertifiedOnce(what, before, runs...)
			if left := n.left(); !slices.Equal(left, []string{"changed", "held", "letter-elsewhere", "letter-held", "letter-locked"}) {
				t.Errorf("%s: left %v", what, left)
			}
		}
	}
}

// A function of the run may live on while the run itself is certified: AWS lost
// its answer, and the state machine called it once more.
func TestLostCallDeletesNothingAfterTheAccount(t *testing.T) {
	n := newNights(t)
	before := n.left()
	n.plan("run-1")
	err := n.work("run-1", &mortal{dies: 7, lives: func() {
		n.s3.Intercept(func(string) error { return nil })
		n.certify(purge.Ended{Run: "run-1", Failed: true})
	}})
	if !errors.Is(err, purge.ErrLockLost) {
		t.Errorf("error %v", err)
	}
	n.everyDeletionIsCertifiedOnce("certified meanwhile", before, "run-1")
}

// A function that lives on begins a page after its run was certified and the manifest
// removed. Nothing may keep the page for good.
func TestNextRunRemovesPageOfRemovedManifest(t *testing.T) {
	n := newNights(t)
	n.plan("run-1")
	begin := 4 // the call that begins the first page
	err := n.work("run-1", &mortal{dies: begin, lives: func() {
		n.s3.Intercept(func(string) error { return nil })
		n.certify(purge.Ended{Run: "run-1", Failed: true})
	}})
	if !errors.Is(err, purge.ErrLockLost) {
		t.Errorf("error %v", err)
	}
	expect := func(want ...string) {
		t.Helper()
		if runs := n.manifest.Runs(n.class.Name); !slices.Equal(runs, want) {
			t.Errorf("manifests of %v, want %v", runs, want)
		}
	}
	expect("run-1")
	n.plan("run-2")
	execution := purge.Execution{Class: n.class.Name, Run: "run-3", StartedAt: cutoff}
	if yields, _, err := n.planner(n.Stores, "run-2").Plan(t.Context(), n.class, execution); err != nil || yields.Next != purge.NextYield {
		t.Fatalf("next %q, error %v", yields.Next, err)
	}
	n.certify(purge.Ended{Run: "run-3"})
	expect("run-2")
	if err := n.work("run-2", &mortal{}); err != nil {
		t.Fatal(err)
	}
	n.certify(purge.Ended{Run: "run-2"})
	expect()
	n.everyDeletionIsCertifiedOnce("a page after the end", []string{"letter-lost", "letters", "plain", "withdrawn"}, "run-1", "run-3", "run-2")
}

// A repeated plan step, and a plan function that lives on, must not give a run
// its turn back.
func TestEndedRunGetsNoTurn(t *testing.T) {
	n := newNights(t)
	first := n.plan("run-1")
	planner := n.planner(before(n.Stores, "UpdateItem", 1, func() error {
		n.plan("run-2")
		return nil
	}))
	if _, _, err := planner.Plan(t.Context(), n.class, purge.Execution{Class: n.class.Name, Run: "run-1"}); !errors.Is(err, purge.ErrLockLost) {
		t.Errorf("the plan of run-1 is repeated: error %v", err)
	}
	if again := n.plan("run-1"); again.Outcome != certificate.Failed || first.Outcome != "" {
		t.Errorf("outcome %q", again.Outcome)
	}
	if err := n.work("run-1", &mortal{}); !errors.Is(err, purge.ErrLockLost) {
		t.Errorf("a worker of run-1: error %v", err)
	}
	if err := n.work("run-2", &mortal{}); err != nil {
		t.Errorf("a worker of run-2: error %v", err)
	}
}

func TestRunWithoutManifestIsNotCertified(t *testing.T) {
	n := newNights(t)
	n.plan("run-1")
	if err := n.work("run-1", &mortal{dies: 8}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if err := n.manifest.Remove(t.Context(), n.class.Name, func(string) (bool, error) { return true, nil }); err != nil {
		t.Fatal(err)
	}
	if _, unfinished, err := n.planner(n.Stores).Plan(t.Context(), n.class, purge.Execution{Class: n.class.Name, Run: "run-2"}); unfinished != "run-1" || err != nil {
		t.Fatalf("unfinished %q, error %v", unfinished, err)
	}
	if _, err := n.certifier.Purge(t.Context(), n.class, purge.Ended{Run: "run-1", Failed: true}); !errors.Is(err, purge.ErrManifestGone) {
		t.Errorf("error %v", err)
	}
	if err := n.Runs.Stop(t.Context(), n.class.Name, "run-1", "operator"); err != nil {
		t.Fatal(err)
	}
	n.night("run-2")
	run, err := n.Runs.Get(t.Context(), n.class.Name, "run-1")
	if err != nil || run.Certified() {
		t.Errorf("certified %v, error %v", run.Certified(), err)
	}
}

func TestManifestIsKeptUntilTheRunIsCertified(t *testing.T) {
	n := newNights(t)
	n.plan("run-1")
	opened := func(want bool) {
		t.Helper()
		if got, err := n.manifest.Opened(t.Context(), n.class.Name, "run-1"); got != want || err != nil {
			t.Errorf("opened %v, error %v", got, err)
		}
	}
	opened(true)
	if err := n.work("run-1", &mortal{}); err != nil {
		t.Fatal(err)
	}
	n.certifier.Evidence = downEvidence{n.evidence}
	if _, err := n.certifier.Purge(t.Context(), n.class, purge.Ended{Run: "run-1"}); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	opened(true)
	n.certifier.Evidence = n.evidence
	n.certify(purge.Ended{Run: "run-1"})
	opened(false)
	pages, err := purgetest.Pages(n.manifest.Pages(t.Context(), n.class.Name, "run-1", retention.Shard(string(subject(1)))))
	if err != nil || len(pages) > 0 {
		t.Errorf("%d pages left, error %v", len(pages), err)
	}
}

// downEvidence keeps no certificate.
type downEvidence struct{ *purgetest.Evidence }

func (downEvidence) Store(context.Context, string, string, certificate.Signed) error { return errDown }

// The table of runs is lost with the turns in it; the fences know them.
func TestForgottenTurnsStopNoRun(t *testing.T) {
	h := newHouse(t)
	h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: due})
	var killed purge.Run
	for _, id := range []string{"run-1", "run-2", "run-3"} {
		killed = h.planned(h.planner(h.Stores), purge.Execution{Run: id}, purge.NextDelete)
		h.certified(id, certificate.Completed, 0)
	}
	lost := h.Stores
	lost.Runs = purgetest.NewStores(h.class.Name).Runs
	for _, id := range []string{"run-4", "run-5", "run-6"} {
		run := h.planned(h.planner(lost), purge.Execution{Run: id}, purge.NextDelete)
		if run.Turn <= killed.Turn {
			t.Errorf("%s has the turn %d, like the forgotten run's %d", id, run.Turn, killed.Turn)
		}
		if again := h.planned(h.planner(lost), purge.Execution{Run: id}, purge.NextDelete); again.Turn != run.Turn {
			t.Errorf("%s has the turn %d, planned again %d", id, run.Turn, again.Turn)
		}
		killed = run
		if err := lost.Runs.Unlock(t.Context(), h.class.Name, id); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		turn int64
		left int
	}{{killed.Turn - purge.TurnsOfRun, 1}, {killed.Turn, 0}} {
		work := purge.Work{Class: h.class.Name, Run: "run-6", Turn: test.turn, Cutoff: cutoff, Shard: retention.Shard(string(subject(1)))}
		_, err := h.worker(lost, h.manifest).Shard(t.Context(), h.class, work, func() bool { return true })
		if left := len(h.left()); left != test.left || (err == nil) != (left == 0) {
			t.Errorf("in the turn %d: %d left, error %v", test.turn, left, err)
		}
	}
}

// highest are fences with a highest turn.
type highest struct {
	purge.Turns
	turn int64
}

func (h highest) Highest(context.Context, string) (int64, error) { return h.turn, nil }

func TestTurnIsAboveEveryFence(t *testing.T) {
	plan := func(fences int64) int64 {
		h := newHouse(t)
		planner := h.planner(h.Stores)
		planner.Turns = highest{planner.Turns, fences}
		return h.planned(planner, purge.Execution{Run: "run-1"}, purge.NextDelete).Turn
	}
	own := plan(0)
	for _, fences := range []int64{own - 1, own, own + 1} {
		if got := plan(fences); got <= fences {
			t.Errorf("the turn is %d, a fence has %d", got, fences)
		}
	}
}
