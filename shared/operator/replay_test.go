package operator_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/operator/operatortest"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// book is a ledger of pages of three entries.
type book struct {
	operator.Ledger
	entries []ledger.Entry
	reads   []string // the places that pages were read after
}

func (b *book) EntriesSince(_ context.Context, since time.Time, after string) (ledger.Page, error) {
	b.reads = append(b.reads, after)
	from := 0
	if after != "" {
		fmt.Sscan(after, &from)
	}
	to := min(from+3, len(b.entries))
	page := ledger.Page{Entries: slices.DeleteFunc(slices.Clone(b.entries[from:to]), func(e ledger.Entry) bool { return e.RecordedAt.Before(since) })}
	if to < len(b.entries) {
		page.Last = fmt.Sprint(to)
	}
	return page, nil
}

func TestPastEventsAreSentAgain(t *testing.T) {
	stack := operatortest.New(t)
	o := stack.Operator(operatortest.At)
	since, now := operatortest.At().Add(-time.Hour), operatortest.At()
	of := &book{}
	o.Ledger = of
	for n := range 8 {
		key := stack.Key(contact.Email, fmt.Sprintf("person-%d@example.no", n))
		record := retention.Record{ID: fmt.Sprintf("sub-%d", n), Subject: key, Scope: "acme", Basis: retention.Consent, OccurredAt: since.Add(-time.Hour), Start: since}
		if _, err := stack.Records.Put(t.Context(), "messaging", record, func(retention.Record) error { return nil }); err != nil {
			t.Fatal(err)
		}
		change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: now, Source: suppression.SourceLink}
		outcome, err := stack.List.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, change, now)
		if err != nil {
			t.Fatal(err)
		}
		of.entries = append(of.entries, *outcome.Entry)
	}
	of.entries[1].Action = ledger.Noted
	of.entries[2].RecordedAt = since.Add(-time.Second)

	var sent []string
	down := errors.New("the bus is down")
	refuses := 2 // the call that fails
	o.Announce = func(_ context.Context, entries []ledger.Entry) error {
		if refuses--; refuses == 0 {
			return down
		}
		for _, e := range entries {
			sent = append(sent, string(e.Key))
		}
		return nil
	}
	var pauses []time.Duration
	pause := func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	folder := t.TempDir()
	again := func() (*operator.SentEvents, error) {
		return files.ReplayEvents(t.Context(), o, folder, since, 2, pause, func(int) {})
	}
	if _, err := again(); !errors.Is(err, down) {
		t.Fatalf("error %v", err)
	}
	did, err := again()
	if err != nil {
		t.Fatal(err)
	}
	// The second page withdrew its records before its events failed.
	if diff := cmp.Diff(&operator.SentEvents{Entries: 7, Events: 6, Withdrawn: 3}, did); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "3", "3", "6"}, of.reads); diff != "" {
		t.Errorf("pages (-want +got)\n%s", diff)
	}
	var want []string
	for _, n := range []int{0, 3, 4, 5, 6, 7} {
		want = append(want, string(of.entries[n].Key))
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]time.Duration{time.Second, 1500 * time.Millisecond, time.Second}, pauses); diff != "" {
		t.Errorf("pauses (-want +got)\n%s", diff)
	}
	for n := range 8 {
		stored, err := stack.Records.Get(t.Context(), "messaging", fmt.Sprintf("sub-%d", n))
		if withdrawn := !stored.WithdrawnAt.IsZero(); err != nil || withdrawn != (n != 1 && n != 2) {
			t.Errorf("sub-%d: withdrawn %v, error %v", n, withdrawn, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*.progress")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if did, err = again(); err != nil || did.Withdrawn != 0 || did.Events != 6 {
		t.Errorf("the second time: %+v, error %v", did, err)
	}
	if _, err := o.ReplayEvents(t.Context(), operator.EventsWork{Since: now.Add(time.Second)}, 0, pause, nil); !errors.As(err, new(operator.Mistake)) {
		t.Errorf("of a time ahead: %v", err)
	}
}
