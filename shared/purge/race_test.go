package purge_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// before returns a client that calls do once, when an operation begins for the
// nth time.
func before(stores purgetest.Stores, operation string, nth int, do func() error) purgetest.Stores {
	seen := 0
	return stores.Intercept(func(op string) error {
		if op == operation {
			if seen++; seen == nth {
				return do()
			}
		}
		return nil
	})
}

func TestHoldPlacedJustBeforeDeletionWins(t *testing.T) {
	elsewhere := retention.RecordTarget(retention.Messaging, "elsewhere")
	for name, c := range map[string]struct {
		before []retention.Target // earlier holds
		target retention.Target
	}{
		"on the record":                     {nil, retention.RecordTarget(retention.Messaging, "sub-1")},
		"on the subject":                    {nil, retention.SubjectTarget(subject(1))},
		"where the fences were raised once": {[]retention.Target{elsewhere}, retention.SubjectTarget(subject(1))},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: due})
			if len(c.before) > 0 {
				h.hold(c.before...)
			}
			racing := before(h.Stores, "TransactWriteItems", 1, func() error { h.hold(c.target); return nil })
			if err := h.run(racing, "run-1"); err != nil {
				t.Fatal(err)
			}
			h.expect("run-1", certificate.Counts{Due: 1, Held: 1}, "sub-1")
		})
	}
}

// The holds change after the worker's first page.
func TestAHoldPlacedBetweenTwoPagesWins(t *testing.T) {
	h := newHouse(t)
	next := 2
	for retention.Shard(string(subject(next))) != retention.Shard(string(subject(1))) {
		next++
	}
	h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: notDue})
	h.withdraw("sub-1", cutoff) // so that it is on the first page
	h.put(retention.Record{ID: "sub-2", Subject: subject(next), Start: due})
	scans := 0
	racing := before(h.Stores, "TransactWriteItems", 2, func() error { h.hold(retention.SubjectTarget(subject(next))); return nil })
	counting := racing.Intercept(func(operation string) error {
		if operation == "Scan" {
			scans++
		}
		return nil
	})
	if err := h.run(counting, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 2, Deleted: 1, Held: 1}, "sub-2")
	if scans != 2 {
		t.Errorf("the holds were read %d times, want twice: at first, and when the fence had moved", scans)
	}
}

func TestRecordChangedJustBeforeDeletionStays(t *testing.T) {
	for name, change := range map[string]func(h *house){
		"a new consent": func(h *house) {
			h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: cutoff, OccurredAt: cutoff})
		},
		"a reply that clears the start": func(h *house) {
			h.put(retention.Record{ID: "sub-1", Subject: subject(1), OccurredAt: cutoff})
		},
		"another subject": func(h *house) {
			h.put(retention.Record{ID: "sub-1", Subject: subject(2), Start: due, OccurredAt: cutoff})
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: due})
			racing := before(h.Stores, "TransactWriteItems", 1, func() error { change(h); return nil })
			if err := h.run(racing, "run-1"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"sub-1"}, h.left()); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithdrawalTakenBackJustBeforeDeletionKeepsRecord(t *testing.T) {
	h := newHouse(t)
	h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: notDue})
	h.withdraw("sub-1", cutoff)
	racing := before(h.Stores, "TransactWriteItems", 1, func() error {
		_, err := h.Records.Withdraw(context.Background(), h.class.Name, h.get("sub-1"), time.Time{})
		return err
	})
	if err := h.run(racing, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Changed: 1}, "sub-1")
}
