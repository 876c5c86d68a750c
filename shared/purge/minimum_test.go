package purge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// keptByLaw is the house's class, whose records a law keeps for one year of their two.
func (h *house) keptByLaw() {
	h.t.Helper()
	year, err := retention.ParsePeriod("P1Y")
	if err != nil {
		h.t.Fatal(err)
	}
	h.class.Minimum, h.class.KeptBy = year, "bokføringsloven § 13"
}

func TestWithdrawnRecordsGoOnlyAfterTheirMinimum(t *testing.T) {
	h := newHouse(t)
	n := &nights{house: h}
	n.certifier, n.evidence = h.certifier()
	n.certifier.Manifest = h.manifest
	h.keptByLaw()
	over, kept := cutoff.AddDate(-1, 0, -1), cutoff.AddDate(-1, 0, 0) // a last day of yesterday, and of today
	var want []string
	for i := range 3*purge.MaxDeletes + 1 { // more than one request reads, in one shard
		id := fmt.Sprintf("law-%03d", i)
		h.put(retention.Record{ID: id, Subject: subject(1), Start: kept})
		h.withdraw(id, kept.Add(time.Duration(i)*time.Second))
		want = append(want, id)
	}
	h.put(retention.Record{ID: "running", Subject: subject(1)})
	h.withdraw("running", over)
	h.put(retention.Record{ID: "goes-first", Subject: subject(1), Start: over})
	h.withdraw("goes-first", over)
	h.put(retention.Record{ID: "goes-last", Subject: subject(1), Start: over})
	h.withdraw("goes-last", cutoff)
	h.put(retention.Record{ID: "goes-by-start", Subject: subject(1), Start: due})
	want = append(want, "running")

	counted, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, cutoff)
	if err != nil || counted.Due != 3 {
		t.Errorf("%d count as due, error %v", counted.Due, err)
	}
	if planned := n.plan("run-1"); planned.Planned != 3 {
		t.Errorf("%d are planned", planned.Planned)
	}
	got := n.purged("run-1")
	if got.Outcome != certificate.Completed || got.Counts != (certificate.Counts{Due: 3, Deleted: 3}) {
		t.Errorf("the run ended %s with %+v", got.Outcome, got.Counts)
	}
	if diff := cmp.Diff(want, h.left()); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

func TestRecordsGoOnceTheirMinimumIsOver(t *testing.T) {
	h := newHouse(t)
	h.keptByLaw()
	h.put(retention.Record{ID: "law", Subject: subject(1), Start: cutoff.AddDate(0, -7, 0)})
	h.withdraw("law", cutoff.AddDate(0, -6, 0))
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{}, "law")
	h.class.Minimum, _ = retention.ParsePeriod("P6M")
	if err := h.run(h.Stores, "run-2"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-2", certificate.Counts{Due: 1, Deleted: 1})
}
