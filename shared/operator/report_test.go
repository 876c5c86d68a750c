package operator_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/purge"
	"stille/shared/retention"
)

// entries is a ledger that can only be read whole.
type entries struct {
	operator.Ledger
	all []ledger.Entry
}

// EntriesSince has one entry on each page.
func (l entries) EntriesSince(_ context.Context, since time.Time, after string) (ledger.Page, error) {
	var page ledger.Page
	if len(l.all) == len(after) {
		page.Unreadable++
		return page, nil
	}
	if e := l.all[len(after)]; !e.RecordedAt.Before(since) {
		page.Entries = append(page.Entries, e)
	}
	page.Last = after + "."
	return page, nil
}

func october(day int, clock string) time.Time {
	at, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 10, day, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
}

// entry is a change that was written after some time.
func entry(channel contact.Channel, action ledger.Action, source string, at time.Time, after time.Duration) ledger.Entry {
	return ledger.Entry{Channel: channel, Action: action, Source: source, At: at, RecordedAt: at.Add(after)}
}

func newReport(t *testing.T, all ...ledger.Entry) (*operatortest.Stack, *operator.Operator) {
	t.Helper()
	m := operatortest.New(t)
	o := m.Operator(func() time.Time { return october(31, "12:00:00") })
	o.Ledger = entries{all: all}
	return m, o
}

func TestReportCountsTheMonthByChannelAndSource(t *testing.T) {
	_, o := newReport(t,
		entry(contact.Email, ledger.Suppressed, "link", october(1, "00:00:00"), 0),
		entry(contact.Email, ledger.Suppressed, "link:acme/newsletter", october(2, "00:00:00"), 2*time.Minute),
		entry(contact.SMS, ledger.Suppressed, "sms", october(3, "00:00:00"), time.Hour),
		entry(contact.Email, ledger.Suppressed, "import:kari@example.no", october(3, "00:00:00").AddDate(-1, 0, 0), 365*24*time.Hour),
		entry(contact.Email, ledger.Suppressed, "hook:sendgrid", october(3, "00:00:00"), 0),
		entry(contact.Email, ledger.Released, "link", october(4, "00:00:00"), 0),
		entry(contact.Email, ledger.Noted, "link", october(4, "00:00:00"), 0),
		entry(contact.Email, ledger.Suppressed, "link", october(1, "00:00:00").Add(-time.Second), 0),
		entry(contact.Email, ledger.Suppressed, "link", october(31, "23:59:59").Add(time.Second), 0),
	)
	r, err := o.Month(t.Context(), "2026-10", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []operator.SourceCount{
		{Channel: contact.Email, Source: "link", Count: 2}, {Channel: contact.Email, Source: "hook:sendgrid", Count: 1},
		{Channel: contact.Email, Source: "import", Count: 1}, {Channel: contact.SMS, Source: "sms", Count: 1},
	}
	if diff := cmp.Diff(want, r.OptOuts); diff != "" {
		t.Errorf("opt-outs (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]operator.SourceCount{{Channel: contact.Email, Source: "link", Count: 1}}, r.Released); diff != "" {
		t.Errorf("ended (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(&operator.ClickTimes{Clicks: 2, Waited: 1, MostMillis: 120_000, OverAMinute: 1}, r.Click); diff != "" {
		t.Errorf("clicks (-want +got)\n%s", diff)
	}
	if r.Whole || r.Entries != 8 || r.Unread != 1 {
		t.Errorf("whole %v, %d entries, %d not read", r.Whole, r.Entries, r.Unread)
	}
	content, err := json.Marshal(r)
	if err != nil || strings.Contains(string(content), "kari") {
		t.Errorf("it says %s, error %v", content, err)
	}
}

func TestWithoutClicksTheTimeIsNotKnown(t *testing.T) {
	_, o := newReport(t, entry(contact.SMS, ledger.Suppressed, "sms", october(3, "00:00:00"), 0))
	if r, err := o.Month(t.Context(), "2026-10", nil); err != nil || r.Click != nil {
		t.Errorf("clicks %+v, error %v", r.Click, err)
	}
}

func TestReportNamesFaultsAndWhatWasDone(t *testing.T) {
	m, o := newReport(t)
	for _, run := range []purge.Run{
		{ID: "halted", StartedAt: october(2, "02:00:00"), Outcome: certificate.Halted, Certificate: "one", Reasons: []string{"too many"}},
		{ID: "after", StartedAt: october(3, "02:00:00"), Outcome: certificate.Completed, Certificate: "two", ApprovedBy: "arn:aws:iam::1:user/kari", Counts: certificate.Counts{Due: 7, Deleted: 7}},
		{ID: "killed", StartedAt: october(4, "02:00:00")},
		{ID: "before", StartedAt: october(1, "02:00:00").AddDate(0, -1, 0), Outcome: certificate.Failed, Certificate: "zero"},
	} {
		run.Class = "messaging"
		if _, err := m.Runs.Start(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	r, err := o.Month(t.Context(), "2026-10", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []operator.Fault{
		{Class: "messaging", Run: "halted", At: october(2, "02:00:00"), What: "HALTED: too many", Done: "approved, and carried out by the run after"},
		{Class: "messaging", Run: "killed", At: october(4, "02:00:00"), What: "it has no certificate yet", Done: "nothing yet"},
	}
	if diff := cmp.Diff(want, r.Faults); diff != "" {
		t.Errorf("faults (-want +got)\n%s", diff)
	}
	for _, class := range r.Classes {
		if class.Class == "messaging" && (class.Deleted != 7 || len(class.Runs) != 3 || !class.Runs[1].Approved) {
			t.Errorf("messaging: %+v", class)
		}
	}
	if content, err := json.Marshal(r); err != nil || strings.Contains(string(content), "kari") {
		t.Errorf("it says %s, error %v", content, err)
	}
}

func TestReportShowsHoldsAsTheMonthEnded(t *testing.T) {
	m, o := newReport(t)
	for _, h := range []retention.Hold{
		{Case: "before", SetAt: october(1, "00:00:00").AddDate(0, -1, 0)},
		{Case: "in", SetAt: october(5, "00:00:00")},
		{Case: "later", SetAt: october(1, "00:00:00").AddDate(0, 1, 0)},
	} {
		h.Kind, h.Target = retention.Legal, retention.RecordTarget("messaging", h.Case)
		if _, err := m.Holds.Set(t.Context(), []string{"messaging"}, []retention.Hold{h}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Holds.Lift(t.Context(), retention.OfCase("before"), october(7, "00:00:00"), ""); err != nil {
		t.Fatal(err)
	}
	r, err := o.Month(t.Context(), "2026-10", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := operator.HoldsReport{Set: 1, Lifted: 1, Active: []operator.CaseReport{{Case: "in", Kind: retention.Legal, Since: october(5, "00:00:00"), Targets: 1}}}
	if diff := cmp.Diff(want, r.Holds); diff != "" {
		t.Errorf("holds (-want +got)\n%s", diff)
	}
}

func TestMonthMustHaveBegun(t *testing.T) {
	_, o := newReport(t)
	for _, month := range []string{"", "2026", "2026-13", "2026-10-01", "2026-11", "October"} {
		if _, err := o.Month(t.Context(), month, nil); !errors.As(err, new(operator.Mistake)) {
			t.Errorf("%q: error %v", month, err)
		}
	}
}
