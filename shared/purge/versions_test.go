package purge_test

import (
	"context"
	"fmt"
	"testing"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// Versions are added while a run deletes an object, and the run dies or goes on. The
// certificate of the run that deletes the record counts each version once.
func TestVersionAddedMeanwhileIsCountedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		at     string // the operation of S3
		nth    int
		kill   bool
		failed int
	}{
		"before the versions are named":           {"ListObjectVersions", 1, false, 0},
		"after the versions are named":            {"ListObjectVersions", 2, false, 1},
		"after the versions are named, killed":    {"ListObjectVersions", 2, true, 1},
		"before the versions are deleted":         {deletion, 1, false, 1},
		"before the versions are deleted, killed": {deletion, 1, true, 1},
		"after the versions are deleted":          {"ListObjectVersions", 3, false, 1},
		"after the versions are deleted, killed":  {"ListObjectVersions", 3, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.letter("sub-1", "a")
			calls := map[string]int{}
			h.s3.Intercept(func(operation string) error {
				if calls[operation]++; operation != c.at || calls[operation] != c.nth {
					return nil
				}
				h.letters.Put(t, "a")
				if c.kill {
					return errDown
				}
				return nil
			})
			if err := h.run(h.Stores, "run-1"); err != nil {
				t.Fatal(err)
			}
			if got := h.accountFor("run-1").Counts.Failed; got != c.failed {
				t.Errorf("%d failed", got)
			}
			last := "run-1"
			if c.failed > 0 {
				last = "run-2"
				if err := h.run(h.Stores, last); err != nil {
					t.Fatal(err)
				}
			}
			if got := h.accountFor(last).Objects; got != (certificate.Objects{Count: 1, Versions: 3}) {
				t.Errorf("objects %+v", got)
			}
			h.expect(last, certificate.Counts{Due: 1, Deleted: 1})
			h.expectObjects(map[string]int{})
		})
	}
}

// noObjects is a manifest that takes no objects.
type noObjects struct{ purge.Manifest }

func (noObjects) NoteObjects(context.Context, string, map[string]certificate.Objects) error {
	return errDown
}

func TestAPageWithoutObjectsNotesNone(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1")
	work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.Shard(string(subject(1)))}
	if _, err := h.worker(h.Stores, noObjects{h.manifest}).Shard(t.Context(), h.class, work, func() bool { return true }); err != nil {
		t.Error(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Deleted: 1})
}

// A function of run-1 lives on: run-2 has deleted the record, and another record has
// the object, in a new version.
func TestAFunctionThatLivesOnLeavesNewVersions(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	calls := 0
	h.s3.Intercept(func(operation string) error {
		if operation != "ListObjectVersions" {
			return nil
		}
		if calls++; calls != 2 { // run-1 has marked the record
			return nil
		}
		if err := h.run(h.Stores, "run-2"); err != nil {
			t.Fatal(err)
		}
		h.put(retention.Record{ID: "sub-2", Subject: subject(1), Start: notDue, OccurredAt: notDue, Objects: []string{"s3://letters/a"}})
		h.letters.Put(t, "a")
		return nil
	})
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expectObjects(map[string]int{"a": 1})
	h.expect("run-2", certificate.Counts{Due: 1, Deleted: 1}, "sub-2")
}

func TestAMarkNamesALimitedNumberOfVersions(t *testing.T) {
	const most = 5000
	h := newHouse(t)
	h.letter("sub-1", "a", "b")
	for range most {
		h.letters.Put(t, "b")
	}
	for n, left := range []int{4, 0} {
		if err := h.run(h.Stores, fmt.Sprint("run-", n)); err != nil {
			t.Fatal(err)
		}
		if got := h.letters.Left(t); got["a"]+got["b"] != left {
			t.Errorf("after run %d: %v", n, got)
		}
	}
	if got := h.accountFor("run-1").Objects; got != (certificate.Objects{Count: 2, Versions: most + 4}) {
		t.Errorf("objects %+v", got)
	}
}
