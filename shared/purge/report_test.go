package purge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
)

// parts are the parts of an audit in two segments, the second read in two
// calls.
func parts() []purge.AuditPart {
	part := func(segment, call int, from, after string, done bool) purge.AuditPart {
		return purge.AuditPart{
			AuditWork: purge.AuditWork{Class: "messaging", Run: "audit-1", Segment: segment, Of: 2, Call: call, After: after, Done: done},
			From:      from, PolicyHash: "p", Records: 10,
		}
	}
	return []purge.AuditPart{part(0, 0, "", "", true), part(1, 0, "", "m", false), part(1, 1, "m", "", true)}
}

func TestAReportCoversEveryRecordOrIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		parts func(all []purge.AuditPart) []purge.AuditPart
		err   error
	}{
		"every segment to its end":     {func(all []purge.AuditPart) []purge.AuditPart { return all }, nil},
		"in whatever order":            {func(all []purge.AuditPart) []purge.AuditPart { return []purge.AuditPart{all[2], all[0], all[1]} }, nil},
		"nothing":                      {func([]purge.AuditPart) []purge.AuditPart { return nil }, purge.ErrUnscanned},
		"without the first segment":    {func(all []purge.AuditPart) []purge.AuditPart { return all[1:] }, purge.ErrUnscanned},
		"without the last segment":     {func(all []purge.AuditPart) []purge.AuditPart { return all[:1] }, purge.ErrUnscanned},
		"a segment that has no end":    {func(all []purge.AuditPart) []purge.AuditPart { return all[:2] }, purge.ErrUnscanned},
		"a segment that has no start":  {func(all []purge.AuditPart) []purge.AuditPart { return []purge.AuditPart{all[0], all[2]} }, purge.ErrUnscanned},
		"a gap within a segment":       {func(all []purge.AuditPart) []purge.AuditPart { all[2].From = "n"; return all }, purge.ErrUnscanned},
		"divided into different parts": {func(all []purge.AuditPart) []purge.AuditPart { all[2].Of = 3; return all }, purge.ErrUnscanned},
		"judged by another policy":     {func(all []purge.AuditPart) []purge.AuditPart { all[1].PolicyHash = "q"; return all }, purge.ErrOtherPolicy},
	} {
		report, err := purge.MakeReport("messaging", "audit-1", time.Now(), "p", c.parts(parts()))
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", name, err, c.err)
		}
		if c.err == nil && report.Records != 30 {
			t.Errorf("%s: %d records", name, report.Records)
		}
	}
}

func TestReportHoldsNoPersonalData(t *testing.T) {
	all := parts()
	for n := range all {
		all[n].Counts = map[purge.Finding]int{purge.Overdue: 1, purge.NoStart: 700}
		for id := range 700 {
			all[n].IDs = map[purge.Finding][]string{purge.NoStart: append(all[n].IDs[purge.NoStart], fmt.Sprintf("sub-%d-%d", n, id))}
		}
	}
	all[0].IDs[purge.Overdue] = []string{"sub-2", "kari@example.no", "+4791234567"}
	all[1].IDs[purge.Overdue] = []string{"sub-1"}
	all[1].Counts[purge.OverdueHeld] = 2
	report, err := purge.MakeReport("messaging", "audit-1", time.Date(2026, 12, 1, 5, 0, 0, 0, time.FixedZone("", 3600)), "p", all)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Findings[purge.NoStart]; got.Count != 2100 || len(got.IDs) != 1000 {
		t.Errorf("of many: %d counted, %d named", got.Count, len(got.IDs))
	}
	delete(report.Findings, purge.NoStart)
	encoded, err := report.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	none := map[string]any{"count": 0.0, "ids": []any{}}
	want := map[string]any{
		"class": "messaging", "run": "audit-1", "startedAt": "2026-12-01T04:00:00Z", "policyHash": "p", "records": 30.0,
		"findings": map[string]any{
			"overdue":      map[string]any{"count": 3.0, "ids": []any{"sub-1", "sub-2"}},
			"overdue-held": map[string]any{"count": 2.0, "ids": []any{}},
			"absurd-start": none, "unreadable": none, "unstamped": none, "not-withdrawn": none,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if counts := report.Counts(); counts != (certificate.Counts{Due: 5, Held: 2, Failed: 3}) || !counts.Balanced() {
		t.Errorf("counts %+v", counts)
	}
}
