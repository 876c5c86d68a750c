package purge_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// mortal kills a worker before one of its calls to any service: neither this
// call nor a later one is made.
type mortal struct {
	mu    sync.Mutex
	calls int
	dies  int    // the call before which it dies; 0 for never
	lives func() // happens before that call instead, and the worker lives on; nil if it dies
}

var errKilled = errors.New("killed")

func (m *mortal) call(string) error {
	m.mu.Lock()
	m.calls++
	calls := m.calls
	m.mu.Unlock()
	switch {
	case m.dies == 0 || calls < m.dies:
		return nil
	case m.lives == nil:
		return errKilled
	case calls == m.dies:
		m.lives()
	}
	return nil
}

// mortalManifest is a manifest that a worker's death cuts off.
type mortalManifest struct {
	*purgetest.Memory
	*mortal
}

func (m mortalManifest) Begin(ctx context.Context, class, run, shard string, ids []string) (string, error) {
	if err := m.call("Begin"); err != nil {
		return "", err
	}
	return m.Memory.Begin(ctx, class, run, shard, ids)
}

func (m mortalManifest) NoteObjects(ctx context.Context, page string, objects map[string]certificate.Objects) error {
	if err := m.call("NoteObjects"); err != nil {
		return err
	}
	return m.Memory.NoteObjects(ctx, page, objects)
}

func (m mortalManifest) Finish(ctx context.Context, page string, outcomes map[string]purge.Outcome) error {
	if err := m.call("Finish"); err != nil {
		return err
	}
	return m.Memory.Finish(ctx, page, outcomes)
}

// furnish stores records of every kind in one shard, with their objects, in
// place of an earlier run's, and removes that run. The holds stay.
func (h *house) furnish() {
	h.emptyBuckets()
	h.manifest = &purgetest.Memory{}
	plant := func(id, start string, objects ...string) map[string]any {
		return map[string]any{
			"id": id, "subject": string(subject(1)), "retentionStart": start, "retentionSort": start,
			"retentionShard": retention.Shard(string(subject(1))), "objects": objects,
		}
	}
	withdrawn := plant("withdrawn", retention.Sort(notDue))
	withdrawn["withdrawnAt"] = retention.Sort(cutoff)
	h.Plant(h.t, h.class.Name, []map[string]any{
		plant("plain", retention.Sort(due)), withdrawn, plant("held", retention.Sort(due)),
		plant("changed", "1970-01-01T00:00:00Z"), // due by the index only
		plant("letters", retention.Sort(due), "s3://letters/a", "s3://letters/b"),
		plant("letter-held", retention.Sort(due), "s3://letters/c"),
		plant("letter-locked", retention.Sort(due), "s3://letters/d"),
		plant("letter-lost", retention.Sort(due), "s3://letters/lost"),
		plant("letter-elsewhere", retention.Sort(due), "s3://other/e"),
	}...)
	h.own("letters", "letter-held", "letter-locked", "letter-lost", "letter-elsewhere")
	for _, key := range []string{"a", "a", "b", "c", "c", "d"} {
		h.letters.Put(h.t, key)
	}
	h.letters.Hide(h.t, "b")
	h.letters.PutLocked(h.t, "d")
}

// end is the state that a purge leaves, and its certified account.
type end struct {
	Left    []string
	Objects map[string]int
	Marked  bool // the record whose object is locked
	Counts  certificate.Counts
	Keys    []string // of the deleted records
	Gone    certificate.Objects
}

// end returns the end of a run and the runs before it.
func (h *house) end(run string, account accounted, before ...accounted) end {
	h.t.Helper()
	for _, killed := range before {
		account.Keys = append(account.Keys, killed.Keys...)
		account.Counts.Due += killed.Counts.Deleted
		account.Counts.Deleted += killed.Counts.Deleted
		account.Objects = account.Objects.Plus(killed.Objects)
	}
	slices.Sort(account.Keys)
	return end{h.left(), h.letters.Left(h.t), h.get("letter-locked").PurgingBy == run, account.Counts, account.Keys, account.Objects}
}

// accountFor is the certified account of a killed run.
func (h *house) accountFor(run string) accounted {
	h.t.Helper()
	return h.accountAs(run, "")
}

// accountAs is the account of a run; a record that it never took counts as missed.
func (h *house) accountAs(run string, missed purge.Outcome) accounted {
	h.t.Helper()
	var account accounted
	verifier := h.verifier(&account)
	verifier.Missed = missed
	var err error
	if account.Account, err = verifier.Account(h.t.Context(), h.class, run, cutoff); err != nil {
		h.t.Fatal(err)
	}
	return account
}

// work works on the furnished shard from its beginning, in a run that dies at
// the given call. A run that was not planned works before the first turn.
func (h *house) work(run string, m *mortal) error {
	h.s3.Intercept(m.call)
	defer h.s3.Intercept(func(string) error { return nil })
	w := h.worker(h.Intercept(m.call), mortalManifest{h.manifest, m})
	planned, err := h.Runs.Get(h.t.Context(), h.class.Name, run)
	if err != nil && !errors.Is(err, purge.ErrNoRun) {
		h.t.Fatal(err)
	}
	work := purge.Work{Class: h.class.Name, Run: run, Turn: planned.Turn, Cutoff: cutoff, Shard: retention.Shard(string(subject(1)))}
	_, err = w.Shard(h.t.Context(), h.class, work, func() bool { return true })
	return err
}

// TestKilledRunEndsLikeUndisturbedRun kills a run before each of its calls to
// DynamoDB, to S3 and to its manifest. Then either the step is repeated, or the
// next run continues, as after a killed execution.
func TestKilledRunEndsLikeUndisturbedRun(t *testing.T) {
	h := newHouse(t)
	h.hold(retention.RecordTarget(h.class.Name, "held"), retention.RecordTarget(h.class.Name, "letter-held"))
	h.furnish()
	whole := &mortal{}
	if err := h.work("run-1", whole); err != nil {
		t.Fatal(err)
	}
	want := h.end("run-1", h.account("run-1"))
	expected := end{
		Left:    []string{"changed", "held", "letter-elsewhere", "letter-held", "letter-locked"},
		Objects: map[string]int{"c": 2, "d": 1},
		Marked:  true,
		Counts:  certificate.Counts{Due: 9, Deleted: 4, Held: 2, Changed: 1, Failed: 2},
		Keys:    []string{"messaging/letter-lost", "messaging/letters", "messaging/plain", "messaging/withdrawn"},
		Gone:    certificate.Objects{Count: 3, Versions: 4}, // one of the objects was lost before
	}
	if diff := cmp.Diff(expected, want); diff != "" {
		t.Fatalf("an undisturbed run (-want +got):\n%s", diff)
	}
	for nth := 1; nth <= whole.calls; nth++ {
		kill := func() {
			h.furnish()
			if err := h.work("run-1", &mortal{dies: nth}); !errors.Is(err, errKilled) {
				t.Fatalf("killed at call %d of %d: error %v", nth, whole.calls, err)
			}
		}
		kill()
		if err := h.work("run-1", &mortal{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, h.end("run-1", h.accountFor("run-1"))); diff != "" {
			t.Errorf("killed at call %d of %d and repeated (-want +got):\n%s", nth, whole.calls, diff)
		}

		kill()
		before := h.accountFor("run-1")
		if err := h.work("run-2", &mortal{}); err != nil {
			t.Fatal(err)
		}
		got := h.end("run-2", h.accountFor("run-2"), before)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("killed at call %d of %d, and the next run came (-want +got):\n%s", nth, whole.calls, diff)
		}
	}
}
