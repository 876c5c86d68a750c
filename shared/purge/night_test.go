package purge_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// fault is a call that fails: the nth of its name.
type fault struct {
	name    string
	nth     int
	isLate  bool // it is carried out, and its answer is lost
	isFatal bool // no later call is made

	mu       sync.Mutex
	calls    map[string]int
	isKilled bool
}

// call makes a call, unless it fails before it is carried out.
func (f *fault) call(name string, do func() error) error {
	f.mu.Lock()
	f.calls[name]++
	if f.isKilled {
		f.mu.Unlock()
		return errKilled
	}
	fails := name == f.name && f.calls[name] == f.nth
	f.isKilled = fails && f.isFatal
	f.mu.Unlock()
	if fails && !f.isLate {
		return errDown
	}
	err := do()
	if fails && err == nil {
		err = errDown
	}
	return err
}

type faultyRuns struct {
	purgetest.Runs
	*fault
}

func (f faultyRuns) Start(ctx context.Context, run purge.Run) (stored purge.Run, err error) {
	err = f.call("Start", func() error { stored, err = f.Runs.Start(ctx, run); return err })
	return stored, err
}

func (f faultyRuns) Lock(ctx context.Context, class, run string) (lock purge.Lock, err error) {
	err = f.call("Lock", func() error { lock, err = f.Runs.Lock(ctx, class, run); return err })
	return lock, err
}

func (f faultyRuns) Unlock(ctx context.Context, class, run string) error {
	return f.call("Unlock", func() error { return f.Runs.Unlock(ctx, class, run) })
}

func (f faultyRuns) Forget(ctx context.Context, class string) error {
	return f.call("Forget", func() error { return f.Runs.Forget(ctx, class) })
}

func (f faultyRuns) Certify(ctx context.Context, run purge.Run, previous string) error {
	return f.call("Certify", func() error { return f.Runs.Certify(ctx, run, previous) })
}

type faultyTurns struct {
	purgetest.Holds
	*fault
}

func (f faultyTurns) Raise(ctx context.Context, class string, turn int64) error {
	return f.call("Raise", func() error { return f.Holds.Raise(ctx, class, turn) })
}

type faultyDeleter struct {
	purge.Deleter
	*fault
}

func (f faultyDeleter) DeleteUnderFence(ctx context.Context, under purge.Conditions, records []retention.Stored) (done purge.Deletion, err error) {
	err = f.call("DeleteUnderFence", func() error { done, err = f.Deleter.DeleteUnderFence(ctx, under, records); return err })
	return done, err
}

func (f faultyDeleter) DeleteMarked(ctx context.Context, under purge.Conditions, records []retention.Stored) (done purge.Deletion, err error) {
	err = f.call("DeleteMarked", func() error { done, err = f.Deleter.DeleteMarked(ctx, under, records); return err })
	return done, err
}

type faultyManifest struct {
	purge.Manifest
	*fault
}

func (f faultyManifest) Open(ctx context.Context, class, run string) error {
	return f.call("Open", func() error { return f.Manifest.Open(ctx, class, run) })
}

func (f faultyManifest) Remove(ctx context.Context, class string, isOver func(run string) (bool, error)) error {
	return f.call("Remove", func() error { return f.Manifest.Remove(ctx, class, isOver) })
}

func (f faultyManifest) Begin(ctx context.Context, class, run, shard string, ids []string) (page string, err error) {
	err = f.call("Begin", func() error { page, err = f.Manifest.Begin(ctx, class, run, shard, ids); return err })
	return page, err
}

func (f faultyManifest) NoteObjects(ctx context.Context, page string, objects map[string]certificate.Objects) error {
	return f.call("NoteObjects", func() error { return f.Manifest.NoteObjects(ctx, page, objects) })
}

func (f faultyManifest) Finish(ctx context.Context, page string, outcomes map[string]purge.Outcome) error {
	return f.call("Finish", func() error { return f.Manifest.Finish(ctx, page, outcomes) })
}

type faultyEvidence struct {
	*purgetest.Evidence
	*fault
}

func (f faultyEvidence) StoreList(ctx context.Context, class, run, shard string, list []byte) error {
	return f.call("StoreList", func() error { return f.Evidence.StoreList(ctx, class, run, shard, list) })
}

func (f faultyEvidence) Store(ctx context.Context, class, run string, signed certificate.Signed) error {
	return f.call("Store", func() error { return f.Evidence.Store(ctx, class, run, signed) })
}

func (f faultyEvidence) PublishKey(ctx context.Context, key []byte) error {
	return f.call("PublishKey", func() error { return f.Evidence.PublishKey(ctx, key) })
}

// early begins the names of requests that fail before they are carried out.
const early = "before "

// machine runs a class's state machine over the faulty stores, and reports whether the
// run was certified.
func (n *nights) machine(run string, f *fault) bool {
	n.t.Helper()
	n.s3.Intercept(func(name string) error { return f.call(early+name, func() error { return nil }) })
	stores := n.Intercept(func(name string) error { return f.call(early+name, func() error { return nil }) })
	stores.Runs, stores.Holds, stores.Deleter = faultyRuns{stores.Runs, f}, faultyTurns{stores.Holds, f}, faultyDeleter{stores.Deleter, f}
	manifest := faultyManifest{n.manifest, f}
	planner := n.planner(stores)
	planner.Manifest = manifest
	certifier := n.certifier
	certifier.Records, certifier.Runs, certifier.Turns, certifier.Manifest = stores.Records, stores.Runs, stores.Holds, manifest
	certifier.Evidence = faultyEvidence{n.evidence, f}
	certify := func(e purge.Ended) (err error) {
		e.StartedAt = cutoff
		for range 3 {
			if _, err = certifier.Purge(n.t.Context(), n.class, e); err == nil {
				return nil
			}
		}
		return err
	}
	var planned purge.Run
	for {
		var unfinished string
		var err error
		planned, unfinished, err = planner.Plan(n.t.Context(), n.class, purge.Execution{Class: n.class.Name, Run: run, StartedAt: cutoff})
		if err == nil && unfinished == "" {
			break
		}
		if err == nil {
			err = certify(purge.Ended{Run: unfinished, Failed: true})
		}
		if err != nil {
			return certify(purge.Ended{Run: run, Failed: true}) == nil
		}
	}
	var ends []purge.ShardEnd
	for _, work := range planned.Work() {
		var err error
		for range 3 {
			if _, err = n.worker(stores, manifest).Shard(n.t.Context(), n.class, work, func() bool { return true }); err == nil {
				break
			}
		}
		ends = append(ends, purge.ShardEnd{Failed: err != nil})
	}
	return certify(purge.Ended{Run: run, Shards: ends}) == nil || certify(purge.Ended{Run: run, Failed: true}) == nil
}

// A call of a night fails, before or after it is carried out, and the run dies with it
// or goes on. The next night ends in the same state, and every deletion is in one
// certificate.
func TestNightEndsWhateverCallFails(t *testing.T) {
	whole := &fault{calls: map[string]int{}}
	n := newNights(t)
	if !n.machine("run-1", whole) {
		t.Fatal("an undisturbed night has no certificate")
	}
	want := n.end("run-1", accounted{})
	gone := n.sum(t)
	for i, name := range slices.Sorted(maps.Keys(whole.calls)) {
		calls := whole.calls[name]
		tried, modes := slices.Compact([]int{1, min(2, calls), (calls + 1) / 2, calls}), []int{0, 1, 2, 3}
		if engine.Slow {
			tried, modes = tried[len(tried)-1:], modes[i%len(modes):][:1]
		}
		for _, nth := range tried {
			for _, mode := range modes {
				f := &fault{name: name, nth: nth, isLate: mode&1 > 0, isFatal: mode&2 > 0, calls: map[string]int{}}
				if f.isLate && strings.HasPrefix(name, early) {
					continue
				}
				what := fmt.Sprintf("%s %d, late %v, fatal %v", name, nth, f.isLate, f.isFatal)
				n := newNights(t)
				had := n.left()
				n.machine("run-1", f)
				if !n.machine("run-2", &fault{calls: map[string]int{}}) {
					t.Errorf("%s: the next night has no certificate", what)
				}
				if diff := cmp.Diff(want, n.end("run-2", accounted{})); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
				if diff := cmp.Diff(gone, n.sum(t)); diff != "" {
					t.Errorf("%s: certified (-want +got):\n%s", what, diff)
				}
				runs, err := n.evidence.Runs(t.Context(), n.class.Name)
				if err != nil {
					t.Fatal(err)
				}
				slices.Sort(runs)
				n.everyDeletionIsCertifiedOnce(what, had, runs...)
				if runs := n.manifest.Runs(n.class.Name); len(runs) > 0 {
					t.Errorf("%s: manifests of %v", what, runs)
				}
			}
		}
	}
}

// sum is the objects that all certificates count.
func (n *nights) sum(t *testing.T) (sum certificate.Objects) {
	t.Helper()
	runs, err := n.evidence.Runs(t.Context(), n.class.Name)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		sum = sum.Plus(n.evidence.Verify(t, n.class.Name, run).Objects)
	}
	return sum
}
