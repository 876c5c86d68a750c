package purge_test

import (
	"testing"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestExistingDueRecordIsNotCertifiedAsDeleted(t *testing.T) {
	h := newHouse(t)
	h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: due})
	page, err := h.manifest.Begin(t.Context(), h.class.Name, "run-1", retention.Shard(string(subject(1))), []string{"sub-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.manifest.Finish(t.Context(), page, map[string]purge.Outcome{"sub-1": purge.Deleted}); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Failed: 1}, "sub-1")
}

func TestRecordStampedTooLateCountsAsFailed(t *testing.T) {
	h := newHouse(t)
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.put(retention.Record{ID: "late", Subject: subject(1), Start: due})
	h.expect("run-1", certificate.Counts{Due: 1, Failed: 1}, "late")
}

func TestRecordStoredAgainStaysDeletedInCertificate(t *testing.T) {
	h := newHouse(t)
	h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: notDue, OccurredAt: notDue})
	for _, outcome := range []purge.Outcome{purge.Deleted, purge.Changed} {
		page, err := h.manifest.Begin(t.Context(), h.class.Name, "run-1", retention.Shard(string(subject(1))), []string{"sub-1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.manifest.Finish(t.Context(), page, map[string]purge.Outcome{"sub-1": outcome}); err != nil {
			t.Fatal(err)
		}
	}
	h.expect("run-1", certificate.Counts{Due: 1, Deleted: 1}, "sub-1")
}
