package files_test

import (
	"strings"
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/retention"
)

// november is a month in which everything happened.
func november() *operator.Report {
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	return &operator.Report{
		Month: "2026-11", At: at, Stack: "stille", Entries: 5_012_345,
		OptOuts: []operator.SourceCount{
			{Channel: contact.Email, Source: "one-click", Count: 4_200_117}, {Channel: contact.Email, Source: "link", Count: 611_020},
			{Channel: contact.SMS, Source: "sms", Count: 98_411}, {Channel: contact.Email, Source: "ses-complaint", Count: 1_204},
			{Channel: contact.SMS, Source: "<script>", Count: 1},
		},
		Released: []operator.SourceCount{{Channel: contact.Email, Source: "link", Count: 1_733}},
		Click:    &operator.ClickTimes{Clicks: 4_811_137, Waited: 530, MostMillis: 1_320_000, OverAMinute: 412},
		Classes: []operator.ClassReport{
			{Class: "messaging", Deleted: 81_220, Overdue: 0, Held: 2, Runs: []operator.RunReport{
				{Run: "3f0c", StartedAt: at.Add(-48 * time.Hour), Outcome: certificate.Halted, Certificate: "a", Counts: certificate.Counts{Due: 81_222, Left: 81_222}},
				{Run: "9b1d", StartedAt: at.Add(-24 * time.Hour), Outcome: certificate.Completed, Certificate: "b", Approved: true, Counts: certificate.Counts{Due: 81_222, Deleted: 81_220, Held: 2}},
				{Run: "77aa", StartedAt: at},
			}},
			{Class: "accounting", KeptByLaw: "bokføringsloven § 13", Minimum: "P5Y"},
		},
		Holds: operator.HoldsReport{Set: 2, Lifted: 1, Active: []operator.CaseReport{{Case: "2026/118", Kind: retention.Legal, Since: at.Add(-time.Hour), Targets: 2}}},
		Faults: []operator.Fault{
			{Class: "messaging", Run: "3f0c", At: at.Add(-48 * time.Hour), What: "HALTED: more than usual", Done: "approved, and carried out by the run 9b1d"},
		},
	}
}

func page(t *testing.T, r *operator.Report) string {
	t.Helper()
	var out strings.Builder
	if err := files.WriteReport(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReportIsOnePageThatNeedsNoOther(t *testing.T) {
	got := page(t, november())
	for _, says := range []string{
		"November 2026", "4\u202f200\u202f117", "The month is not over", "All but 530 stood", "22m0s", "kept for at least 5 years by bokføringsloven § 13", "2026/118",
		"COMPLETED, approved", "not known", "none yet", "approved, and carried out by the run 9b1d", "From the ledger", "From the table of runs",
	} {
		if !strings.Contains(got, says) {
			t.Errorf("it does not say %q", says)
		}
	}
	for _, not := range []string{"<script", "src=", "href=", "url(", "@import"} {
		if strings.Contains(got, not) {
			t.Errorf("it has %q", not)
		}
	}
}

func TestEmptyMonthSaysWhatIsNotKnown(t *testing.T) {
	got := page(t, &operator.Report{Month: "2026-11", Whole: true})
	for _, says := range []string{"Nobody opted out.", "Not known: there was no click in the month.", "The month is over.", "No hold was active"} {
		if !strings.Contains(got, says) {
			t.Errorf("it does not say %q", says)
		}
	}
}
