package purge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
)

// deletion is the operation of S3 that deletes versions.
const deletion = "DeleteObjects"

// letter stores a due record with objects in S3, each in two versions.
func (h *house) letter(id string, keys ...string) retention.Stored {
	h.t.Helper()
	record := retention.Record{ID: id, Subject: subject(1), Start: due}
	for _, key := range keys {
		h.letters.Put(h.t, key)
		h.letters.Put(h.t, key)
		record.Objects = append(record.Objects, "s3://letters/"+key)
	}
	return h.put(record)
}

// expectObjects compares the remaining objects in the bucket, by number of
// versions.
func (h *house) expectObjects(want map[string]int) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.letters.Left(h.t)); diff != "" {
		h.t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestRecordIsDeletedWithAllObjectVersions(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a", "b")
	h.letter("sub-2")
	h.letters.Hide(t, "b")
	h.letters.Put(t, "a2")
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 2, Deleted: 2})
	h.expectObjects(map[string]int{"a2": 1})
	if got := h.accountFor("run-1").Objects; got != (certificate.Objects{Count: 2, Versions: 5}) { // one version of b is a delete marker
		t.Errorf("objects %+v", got)
	}
}

func TestRecordWithUncountedObjectsStaysUnmarked(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	h.letter("sub-2")
	h.s3.Intercept(func(string) error { return errDown })
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 2, Deleted: 1, Failed: 1}, "sub-1")
	if by := h.get("sub-1").PurgingBy; by != "" || !strings.Contains(h.log.String(), "record=sub-1") {
		t.Errorf("marked by %q, log: %s", by, h.log)
	}
	h.s3.Intercept(func(string) error { return nil })
	if err := h.run(h.Stores, "run-2"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-2", certificate.Counts{Due: 1, Deleted: 1})
}

func TestObjectsOfHeldRecordAreNotRead(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	h.hold(retention.RecordTarget(retention.Messaging, "sub-1"))
	h.s3.Intercept(func(string) error { return errDown })
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Held: 1}, "sub-1")
}

func TestRecordIsMarkedBeforeAndDeletedAfterObjects(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	var seen []string
	h.s3.Intercept(func(operation string) error {
		seen = append(seen, operation+" "+h.get("sub-1").PurgingBy)
		return nil
	})
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	want := []string{"ListObjectVersions ", "ListObjectVersions run-1", "DeleteObjects run-1", "ListObjectVersions run-1"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("the record's mark at each call (-want +got):\n%s", diff)
	}
	if left := h.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestUndeletableObjectKeepsRecordForNextRun(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a", "private/kari@example.no")
	h.letters.PutLocked(t, "private/kari@example.no")
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Failed: 1}, "sub-1")
	h.expectObjects(map[string]int{"private/kari@example.no": 1})
	if by := h.get("sub-1").PurgingBy; by != "run-1" {
		t.Errorf("marked by %q", by)
	}
	if log := h.log.String(); !strings.Contains(log, "record=sub-1") || !strings.Contains(log, "AccessDenied") || strings.Contains(log, "kari") {
		t.Errorf("log: %s", log)
	}

	tooLate := h.hold(retention.SubjectTarget(subject(1)))
	if diff := cmp.Diff([]retention.Target{retention.RecordTarget(retention.Messaging, "sub-1")}, tooLate); diff != "" {
		t.Errorf("too late for (-want +got):\n%s", diff)
	}
	if err := h.run(h.Stores, "run-2"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-2", certificate.Counts{Due: 1, Failed: 1}, "sub-1")
	if by := h.get("sub-1").PurgingBy; by != "run-2" {
		t.Errorf("marked by %q after the second run", by)
	}

	h.letters.Unlock(t, "private/kari@example.no")
	if err := h.run(h.Stores, "run-3"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-3", certificate.Counts{Due: 1, Deleted: 1})
	h.expectObjects(map[string]int{})
	if got := h.account("run-3").Objects; got != (certificate.Objects{Count: 2, Versions: 5}) { // four of them went in run-1
		t.Errorf("objects %+v", got)
	}
}

func TestWorkerCutOffAmongObjectsRecordsNoOutcome(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	ctx, cutOff := context.WithCancel(t.Context())
	h.s3.Intercept(func(operation string) error {
		if operation == deletion {
			cutOff()
		}
		return nil
	})
	work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.Shard(string(subject(1)))}
	if _, err := h.worker(h.Stores, h.manifest).Shard(ctx, h.class, work, func() bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	h.s3.Intercept(func(string) error { return nil })
	h.expect("run-1", certificate.Counts{Due: 1, Failed: 1}, "sub-1")
	if h.log.Len() > 0 {
		t.Errorf("log: %s", h.log)
	}
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Deleted: 1})
}

func TestARecordWithAnObjectElsewhereStaysWhole(t *testing.T) {
	for name, elsewhere := range map[string]string{
		"in a bucket the class does not name": "s3://other/b",
		"in no bucket at all":                 "b",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.letters.Put(t, "a")
			h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: due, Objects: []string{"s3://letters/a", elsewhere}})
			if err := h.run(h.Stores, "run-1"); err != nil {
				t.Fatal(err)
			}
			h.expect("run-1", certificate.Counts{Due: 1, Failed: 1}, "sub-1")
			h.expectObjects(map[string]int{"a": 1})
			if by := h.get("sub-1").PurgingBy; by != "" {
				t.Errorf("marked by %q", by)
			}
			if !strings.Contains(h.log.String(), "record=sub-1") {
				t.Errorf("log: %s", h.log)
			}
		})
	}
}

func TestObjectUnderAnotherScopesPrefixStays(t *testing.T) {
	for name, test := range map[string]struct {
		scope scope.Scope
		left  map[string]int
	}{
		"of the record's scope": {"acme", map[string]int{}},
		"of another scope":      {"globex", map[string]int{"acme/1.pdf": 2}},
		"of a longer scope":     {"ac", map[string]int{"acme/1.pdf": 2}},
		"of no scope":           {"", map[string]int{"acme/1.pdf": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.letter("sub-1", "acme/1.pdf") // the record owned it before the policy asked for prefixes
			h.class.BucketPrefix = retention.ByScope
			stamp := retention.Sort(due)
			h.plant(map[string]any{
				"id": "sub-1", "subject": string(subject(1)), "scope": string(test.scope), "occurredAt": stamp, "retentionStart": stamp, "retentionSort": stamp,
				"retentionShard": retention.Shard(string(subject(1))), "objects": []string{"s3://letters/acme/1.pdf"}, "claimed": []string{"s3://letters/acme/1.pdf"},
			})
			if err := h.run(h.Stores, "run-1"); err != nil {
				t.Fatal(err)
			}
			h.expectObjects(test.left)
			if want := len(test.left); len(h.left()) != want || h.accountFor("run-1").Counts.Failed != want {
				t.Errorf("left: %v, counts %+v", h.left(), h.accountFor("run-1").Counts)
			}
		})
	}
}

func TestDroppedObjectOfFormerScopeGoesWithRecord(t *testing.T) {
	h := newHouse(t)
	h.class.BucketPrefix = retention.ByScope
	for n, s := range []scope.Scope{"acme", "globex"} {
		key := string(s) + "/1.pdf"
		h.letters.Put(t, key)
		h.put(retention.Record{
			ID: "sub-1", Subject: subject(1), Scope: s, Start: due, OccurredAt: due.Add(time.Duration(n) * time.Second), Objects: []string{"s3://letters/" + key},
		})
	}
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Deleted: 1})
	h.expectObjects(map[string]int{})
}

func TestAddressLikeIDIsNotLogged(t *testing.T) {
	h := newHouse(t)
	h.put(retention.Record{ID: "kari@example.no", Subject: subject(1), Start: due, Objects: []string{"s3://other/b"}})
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	if log := h.log.String(); strings.Contains(log, "kari") || !strings.Contains(log, "(not shown)") {
		t.Errorf("log: %s", log)
	}
}

func TestHoldWinsBeforeMarkAndIsLateAfter(t *testing.T) {
	mine := []retention.Target{retention.RecordTarget(retention.Messaging, "sub-1")}
	for name, target := range map[string]retention.Target{
		"on the record":  mine[0],
		"on the subject": retention.SubjectTarget(subject(1)),
	} {
		t.Run("before the mark, "+name, func(t *testing.T) {
			h := newHouse(t)
			h.letter("sub-1", "a")
			var tooLate []retention.Target
			racing := before(h.Stores, "TransactWriteItems", 1, func() error { tooLate = h.hold(target); return nil })
			if err := h.run(racing, "run-1"); err != nil {
				t.Fatal(err)
			}
			h.expect("run-1", certificate.Counts{Due: 1, Held: 1}, "sub-1")
			h.expectObjects(map[string]int{"a": 2})
			if len(tooLate) > 0 {
				t.Errorf("too late for %v", tooLate)
			}
		})
		t.Run("after the mark, "+name, func(t *testing.T) {
			h := newHouse(t)
			h.letter("sub-1", "a")
			var tooLate []retention.Target
			h.s3.Intercept(func(operation string) error {
				if operation == deletion && tooLate == nil {
					tooLate = h.hold(target)
				}
				return nil
			})
			if err := h.run(h.Stores, "run-1"); err != nil {
				t.Fatal(err)
			}
			h.expect("run-1", certificate.Counts{Due: 1, Deleted: 1})
			h.expectObjects(map[string]int{})
			if diff := cmp.Diff(mine, tooLate); diff != "" {
				t.Errorf("too late for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMarkedRecordStoredAgainStays(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	put := false
	h.s3.Intercept(func(operation string) error {
		if operation == deletion && !put {
			put = true
			h.plant(map[string]any{"id": "sub-1", "subject": string(subject(1)), "data": "again"})
		}
		return nil
	})
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Changed: 1}, "sub-1")
}

func TestMarkedRecordNoLongerDueCountsAsFailed(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	h.letters.PutLocked(t, "a")
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	// The owner restarts the record, and leaves our attributes.
	h.plant(map[string]any{
		"id": "sub-1", "subject": string(subject(1)), "objects": []string{"s3://letters/a"}, "purgingBy": "run-1",
		"retentionStart": retention.Sort(notDue), "retentionSort": retention.Sort(due), "retentionShard": retention.Shard(string(subject(1))),
	})
	if err := h.run(h.Stores, "run-2"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(certificate.Counts{Due: 1, Failed: 1}, h.accountFor("run-2").Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	// A page that was cut off has no outcome for it.
	if _, err := h.manifest.Begin(t.Context(), h.class.Name, "run-3", retention.Shard(string(subject(1))), []string{"sub-1"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(certificate.Counts{Due: 1, Failed: 1}, h.accountFor("run-3").Counts); diff != "" {
		t.Errorf("counts of a page that was cut off (-want +got):\n%s", diff)
	}
}
