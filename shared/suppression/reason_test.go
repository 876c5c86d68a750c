package suppression_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/suppression"
)

// The law behind each row: which data goes, who ends the silence, what stops.
func TestReasonsMeanWhatTheyMust(t *testing.T) {
	for _, test := range []struct {
		reason                                           suppression.Reason
		messaging, every, lifted, stopsService, reported bool
	}{
		{suppression.Unsubscribed, true, false, true, false, true},
		{suppression.Stop, true, false, true, false, true},
		{suppression.Objection, true, false, true, false, true},
		{suppression.Manual, true, false, true, false, true},
		{suppression.Imported, false, false, true, false, true},
		{suppression.Erasure, true, true, true, false, false},
		{suppression.Complaint, true, false, false, false, true},
		{suppression.HardBounce, false, false, false, true, true},
		{suppression.Restriction, false, false, false, false, false},
		{"reserved", false, false, false, false, false}, // a reason without a row keeps data and silence
		{"", false, false, false, false, false},
	} {
		t.Run(string(test.reason), func(t *testing.T) {
			r := test.reason
			if r.Withdraws("messaging") != test.messaging || r.Withdraws("contact") != test.every || r.WithdrawsForGood() != test.every {
				t.Errorf("withdraws messaging %v, everything %v", r.Withdraws("messaging"), r.Withdraws("contact"))
			}
			item := suppression.Item{Marks: standing{"acme": {r: silent(8)}}}
			if suppression.Decide(item, suppression.Marketing, "acme").Send {
				t.Error("marketing is sent")
			}
			if got := !suppression.Decide(item, suppression.Transactional, "acme").Send; got != test.stopsService {
				t.Errorf("stops service messages: %v", got)
			}
			shown := consent
			shown.Operator = true
			if left := len(shown.Lifts(item)) == 0; left != (r == suppression.Restriction || r == "reserved" || r == "") {
				t.Errorf("an operator's consent leaves it: %v", left)
			}
			if refused := consent.Refusal(item) == suppression.NeedsOperator; refused == test.lifted {
				t.Errorf("an operator is needed: %v", refused)
			}
			_, known := suppression.ParseReason(string(r))
			if want := slices.Contains(suppression.Reasons(), r); known != want {
				t.Errorf("known %v", known)
			}
			got, err := suppression.ParseReported(string(r))
			if (err == nil) != test.reported || err == nil && got != r || err != nil && !errors.Is(err, suppression.ErrReported) {
				t.Errorf("may be reported as %q, error %v", got, err)
			}
			if slices.Contains(suppression.Reported(), r) != test.reported || strings.Contains(suppression.ErrReported.Error(), string(r)) != test.reported && r != "" {
				t.Errorf("the lists of reported reasons: %v, %v", suppression.Reported(), suppression.ErrReported)
			}
		})
	}
}

func TestReportedReasonsAreListedByWhatTheyWithdraw(t *testing.T) {
	withdraw, keep := suppression.ReportedWithdrawals()
	got := []string{suppression.Enumerate(withdraw, "and"), suppression.Enumerate(keep, "or")}
	want := []string{"unsubscribed, stop, objection, manual and complaint", "imported or hard-bounce"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
