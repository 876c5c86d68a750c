package purge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// written is when the audited records were written, four weeks earlier.
var written = cutoff.Add(-4 * 7 * 24 * time.Hour)

// planted writes a healthy record with these attributes replaced.
func (h *house) planted(id string, wrong map[string]any) {
	h.t.Helper()
	item := map[string]any{
		"id": id, "scope": "acme", "occurredAt": retention.Sort(written), "data": "kari@example.no",
		"retentionStart": retention.Sort(written), "retentionSort": retention.Sort(written), "retentionShard": "07",
	}
	for name, value := range wrong {
		if item[name] = value; value == nil {
			delete(item, name)
		}
	}
	h.plant(item)
}

func (h *house) optOut(key contact.Key) {
	h.t.Helper()
	change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: cutoff.Add(-time.Hour), Source: suppression.SourceLink}
	if _, err := h.List.Apply(h.t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, change, cutoff); err != nil {
		h.t.Fatal(err)
	}
}

// audit audits the whole class in segments, each in calls of one page, as the
// state machine does.
func (h *house) audit(stores purgetest.Stores, segments int) purge.Report {
	h.t.Helper()
	kept := purgetest.NewEvidence(h.t)
	auditor := purge.Auditor{
		Records: stores.Records, List: stores.List, Holds: stores.Holds,
		Parts: kept, PolicyHash: "p", Now: func() time.Time { return cutoff },
	}
	for n := range segments {
		work := purge.AuditWork{Class: h.class.Name, Run: "audit-1", Segment: n, Of: segments}
		for !work.Done {
			asked := 0
			var err error
			if work, err = auditor.Segment(h.t.Context(), h.class, work, func() bool { asked++; return asked == 1 }); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	parts, err := kept.Parts(h.t.Context(), h.class.Name, "audit-1")
	if err != nil {
		h.t.Fatal(err)
	}
	report, err := purge.MakeReport(h.class.Name, "audit-1", cutoff, "p", parts)
	if err != nil {
		h.t.Fatal(err)
	}
	return report
}

// findings are the ids of a report, by finding.
func findings(r purge.Report) map[purge.Finding][]string {
	found := map[purge.Finding][]string{}
	for f, all := range r.Findings {
		if all.Count > 0 {
			found[f] = all.IDs
		}
	}
	return found
}

func TestAuditFindsOneOfEachAndNothingElse(t *testing.T) {
	h := newHouse(t)
	silent, loud := subject(1), subject(2)
	h.optOut(silent)
	const healthy = 40
	for n := range healthy {
		h.planted(fmt.Sprintf("healthy-%d", n), map[string]any{"subject": string(loud)})
	}
	h.planted("kari@example.no", map[string]any{"retentionStart": "soon"})
	none := map[string]any{"retentionStart": nil, "retentionSort": nil, "activeSort": retention.Sort(written)}
	with := func(more map[string]any) map[string]any {
		all := map[string]any{}
		for _, some := range []map[string]any{none, more} {
			for name, value := range some {
				all[name] = value
			}
		}
		return all
	}
	h.planted("no-start", with(map[string]any{"occurredAt": "2026-01-01T00:00:00Z", "activeSort": "2026-01-01T00:00:00Z"}))
	h.planted("absurd", with(map[string]any{"retentionStart": "3024-01-01T00:00:00Z"}))
	h.planted("unreadable", map[string]any{"retentionStart": "soon"})
	h.planted("unstamped", map[string]any{"retentionSort": nil, "retentionShard": nil})
	h.planted("opted-out", map[string]any{"subject": string(silent)})
	h.planted("withdrawn", map[string]any{"subject": string(silent), "withdrawnAt": retention.Sort(cutoff.Add(-time.Hour))})
	old := map[string]any{"retentionStart": "2024-01-01T00:00:00Z", "retentionSort": "2024-01-01T00:00:00Z"}
	h.planted("overdue", old)
	h.planted("overdue-held", old)
	h.hold(retention.RecordTarget(h.class.Name, "overdue-held"))
	before := fmt.Sprint(h.Dump(t), h.Items(t, h.class.Name))

	want := map[purge.Finding][]string{
		purge.NoStart: {"no-start"}, purge.AbsurdStart: {"absurd"}, purge.Unreadable: {"unreadable"}, purge.Unstamped: {"unstamped"},
		purge.NotWithdrawn: {"opted-out"}, purge.Overdue: {"overdue"}, purge.OverdueHeld: {"overdue-held"},
	}
	for _, segments := range []int{1, 4} {
		report := h.audit(h.Stores, segments)
		if diff := cmp.Diff(want, findings(report)); diff != "" {
			t.Errorf("%d segments (-want +got):\n%s", segments, diff)
		}
		if unreadable := report.Findings[purge.Unreadable].Count; report.Records != healthy+9 || unreadable != 2 {
			t.Errorf("%d segments: %d records, %d unreadable", segments, report.Records, unreadable)
		}
		encoded, err := report.Encode()
		if err != nil || strings.Contains(string(encoded), "kari") || strings.Contains(string(encoded), string(silent)) {
			t.Errorf("the report names a person, or error %v", err)
		}
	}
	if after := fmt.Sprint(h.Dump(t), h.Items(t, h.class.Name)); after != before {
		t.Error("the audit changed something")
	}
}

func TestAuditContinuesWhereACallEnded(t *testing.T) {
	h := newHouse(t)
	const records = 2100 // three pages
	items := make([]map[string]any, records)
	for n := range items {
		items[n] = map[string]any{"id": fmt.Sprintf("sub-%04d", n), "occurredAt": retention.Sort(written), "activeSort": retention.Sort(written), "retentionShard": "07"}
		if n == 42 || n == 1717 {
			items[n]["retentionShard"] = "xx"
		}
	}
	h.Plant(h.t, h.class.Name, items...)
	report := h.audit(h.Stores, 1)
	if diff := cmp.Diff(map[purge.Finding][]string{purge.Unstamped: {"sub-0042", "sub-1717"}}, findings(report)); diff != "" || report.Records != records {
		t.Errorf("%d records, findings (-want +got):\n%s", report.Records, diff)
	}
}

func TestMendedRecordIsNoFinding(t *testing.T) {
	mend := func(h *house) error {
		return h.Records.Stamp(context.Background(), h.class.Name, h.get("late"), retention.Sort(written))
	}
	for name, c := range map[string]struct {
		nth  int // the batch at which it happens: the first batch is the first look again
		do   func(h *house) error
		want map[purge.Finding][]string
	}{
		"stamped before it is looked at again": {1, mend, map[purge.Finding][]string{}},
		"stamped while it is waited for":       {5, mend, map[purge.Finding][]string{}},
		"stamped too late":                     {7, mend, map[purge.Finding][]string{purge.Unstamped: {"late"}}},
		"wrong in another way by then": {1, func(h *house) error {
			h.planted("late", map[string]any{"retentionStart": "soon"})
			return nil
		}, map[purge.Finding][]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.planted("late", map[string]any{"retentionSort": nil, "retentionShard": nil})
			if diff := cmp.Diff(c.want, findings(h.audit(before(h.Stores, "BatchGetItem", c.nth, func() error { return c.do(h) }), 1))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A finding that no stream can mend is looked at once more. The audit waits for
// a finding that a stream can mend.
func TestMendedRecordOfAnyKindIsNoFinding(t *testing.T) {
	for name, c := range map[string]struct {
		planted map[string]any
		nth     int
		mend    func(h *house)
	}{
		"unreadable, rewritten before the first look": {map[string]any{"retentionStart": "soon"}, 1, func(h *house) { h.planted("late", nil) }},
		"opted out, withdrawn between two looks": {map[string]any{"subject": string(subject(1))}, 5, func(h *house) {
			h.planted("late", map[string]any{"subject": string(subject(1)), "withdrawnAt": retention.Sort(cutoff.Add(-time.Hour))})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.optOut(subject(1))
			h.planted("late", c.planted)
			report := h.audit(before(h.Stores, "BatchGetItem", c.nth, func() error { c.mend(h); return nil }), 1)
			if diff := cmp.Diff(map[purge.Finding][]string{}, findings(report)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAuditThatCannotReadFails lets each of its calls fail in turn.
func TestAuditThatCannotReadFails(t *testing.T) {
	h := newHouse(t)
	h.optOut(subject(1))
	h.planted("opted-out", map[string]any{"subject": string(subject(1))})
	h.planted("overdue", map[string]any{"subject": string(subject(2)), "retentionStart": "2024-01-01T00:00:00Z", "retentionSort": "2024-01-01T00:00:00Z"})
	down := errors.New("the store is down")
	for _, operation := range []string{"Scan", "BatchGetItem"} {
		stores := before(h.Stores, operation, 1, func() error { return down })
		kept := purgetest.NewEvidence(h.t)
		auditor := purge.Auditor{
			Records: stores.Records, List: stores.List, Holds: stores.Holds,
			Parts: kept, Now: func() time.Time { return cutoff },
		}
		work := purge.AuditWork{Class: h.class.Name, Run: "audit-1", Of: 1}
		got, err := auditor.Segment(t.Context(), h.class, work, func() bool { return true })
		parts, _ := kept.Parts(t.Context(), h.class.Name, "audit-1")
		if !errors.Is(err, down) || got.Done || len(parts) > 0 || strings.Contains(err.Error(), string(subject(1))) {
			t.Errorf("%s: done %v, %d parts, error %v", operation, got.Done, len(parts), err)
		}
	}
}

func TestEachRecordIsInOneSegment(t *testing.T) {
	h := newHouse(t)
	var want, got []string
	for n := range 100 {
		id := fmt.Sprintf("sub-%03d", n)
		want = append(want, id)
		h.planted(id, nil)
	}
	for n := range 8 {
		after := ""
		for {
			page, err := h.Records.Scan(t.Context(), h.class.Name, purge.Segment{Number: n, Of: 8}, after, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range page.Records {
				got = append(got, record.ID)
			}
			if after = page.Last; after == "" {
				break
			}
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFaultsOfAnAuditStandUntilMended(t *testing.T) {
	h := newHouse(t)
	h.optOut(subject(1))
	h.planted("opted-out", map[string]any{"subject": string(subject(1))})
	h.planted("unstamped", map[string]any{"retentionSort": nil, "retentionShard": nil})
	h.planted("unreadable", map[string]any{"retentionStart": "soon"})
	h.planted("overdue", map[string]any{"retentionStart": "2024-01-01T00:00:00Z", "retentionSort": "2024-01-01T00:00:00Z"})
	h.planted("absurd", map[string]any{"retentionStart": "3024-01-01T00:00:00Z", "retentionSort": nil, "activeSort": retention.Sort(written)})
	report := h.audit(h.Stores, 1)
	standing := func(records purge.Records, want int, wrong error) {
		t.Helper()
		auditor := purge.Auditor{Records: records, List: h.List, Holds: h.Holds, Now: func() time.Time { return cutoff }}
		if got, err := auditor.Standing(t.Context(), h.class, report); got != want || !errors.Is(err, wrong) {
			t.Errorf("%d stand, want %d, error %v", got, want, err)
		}
	}
	standing(h.Records, 3, nil)
	standing(unloadable{h.Records}, 0, errDown)
	h.planted("opted-out", map[string]any{"subject": string(subject(1)), "withdrawnAt": retention.Sort(cutoff.Add(-time.Hour))})
	h.planted("unstamped", nil)
	standing(h.Records, 1, nil)
	h.planted("unreadable", nil)
	standing(h.Records, 0, nil)
}
