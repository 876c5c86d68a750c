package purge_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

var errDown = errors.New("the store is down")

// index is an index whose answers a test decides. Answer counts the complete
// readings, from 1.
type index struct {
	purge.Records
	answer func(reading int) []purge.Due
	reads  []time.Time
}

func (i *index) DueBefore(_ context.Context, _ string, by purge.Index, shard string, _ time.Time, _ purge.Due, _ int) iter.Seq2[purge.Due, error] {
	return func(yield func(purge.Due, error) bool) {
		if by != purge.ByStart || shard != retention.ShardName(0) {
			return
		}
		i.reads = append(i.reads, time.Now())
		for _, entry := range i.answer(len(i.reads)) {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

func TestVerifyReadsUntilIndexIsQuietTwice(t *testing.T) {
	shown := []purge.Due{{ID: "sub-1", Sort: retention.Sort(due)}}
	always := func(int) []purge.Due { return shown }
	for name, c := range map[string]struct {
		stored map[string]any // a record that is not due; nil if it is gone
		answer func(reading int) []purge.Due
		reads  int
		err    error
	}{
		"an index that is empty":                        {nil, func(int) []purge.Due { return nil }, 2, nil},
		"an index that lags for one reading":            {nil, func(n int) []purge.Due { return shown[:min(1, max(0, 2-n))] }, 3, nil},
		"an index that never comes to rest":             {nil, always, 30, purge.ErrRestless},
		"an old place by the start":                     {map[string]any{"retentionSort": retention.Sort(due)}, always, 2, nil},
		"an old place by the withdrawal":                {map[string]any{"withdrawnAt": "2026-11-22T02:30:00-05:00"}, always, 2, nil},
		"a new place, and an index that never shows it": {map[string]any{"retentionSort": retention.Sort(notDue)}, always, 30, purge.ErrRestless},
		"no place, and an index that never shows that":  {map[string]any{"retentionSort": nil}, always, 30, purge.ErrRestless},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if c.stored != nil {
				h.planted("sub-1", c.stored)
			}
			records := &index{Records: h.Records, answer: c.answer}
			verifier := h.verifier(&accounted{})
			verifier.Records, verifier.Missed = records, purge.Failed
			account, err := verifier.Account(t.Context(), h.class, "run-1", cutoff)
			if !errors.Is(err, c.err) || len(records.reads) != c.reads {
				t.Errorf("%d readings, error %v; want %d and %v", len(records.reads), err, c.reads, c.err)
			}
			if account.Counts != (certificate.Counts{}) {
				t.Errorf("a record that is gone was counted: %+v", account.Counts)
			}
		})
	}
}

// loads counts the requests for records.
type loads struct {
	purge.Records
	requests atomic.Int64
}

func (l *loads) Load(ctx context.Context, class string, ids []string) (map[string]retention.Stored, map[string]error, error) {
	l.requests.Add(1)
	return l.Records.Load(ctx, class, ids)
}

// What a limited run leaves may be a hundred times what it deletes.
func TestVerifyReadsFewOfTheRecordsLeft(t *testing.T) {
	h := newHouse(t)
	for n := range 5 {
		h.Plant(t, h.class.Name, dueItems(0, n)...)
	}
	for missed, requests := range map[purge.Outcome]int64{purge.Left: 2, purge.Failed: 10} { // two readings
		records := &loads{Records: h.Records}
		verifier := h.verifier(&accounted{})
		verifier.Records, verifier.Missed = records, missed
		account, err := verifier.Account(t.Context(), h.class, "run-1", cutoff)
		if n := account.Counts.Left + account.Counts.Failed; err != nil || n != 5*purge.MaxDeletes || records.requests.Load() != requests {
			t.Errorf("%s: %d counted in %d requests, error %v", missed, n, records.requests.Load(), err)
		}
	}
}

func TestVerifyPausesBetweenReadings(t *testing.T) {
	h := newHouse(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		records := &index{Records: h.Records, answer: func(int) []purge.Due { return nil }}
		verifier := h.verifier(&accounted{})
		verifier.Records, verifier.Missed, verifier.Pause = records, purge.Failed, time.Second
		if _, err := verifier.Account(t.Context(), h.class, "run-1", cutoff); err != nil {
			t.Fatal(err)
		}
		var got []time.Duration
		for _, at := range records.reads {
			got = append(got, at.Sub(began))
		}
		if diff := cmp.Diff([]time.Duration{0, time.Second}, got); diff != "" {
			t.Errorf("readings (-want +got):\n%s", diff)
		}
	})
}

func TestUnreadableDueRecordCountsAsFailed(t *testing.T) {
	h := newHouse(t)
	h.planted("unreadable", map[string]any{"retentionStart": "soon", "retentionSort": retention.Sort(due)})
	if got := h.account("run-1").Counts; got != (certificate.Counts{Due: 1, Failed: 1}) {
		t.Errorf("counts %+v", got)
	}
}

// A run that decided to keep a record and then found it gone did not delete it.
func TestRecordDeletedByItsOwnerIsNotCertified(t *testing.T) {
	h := newHouse(t)
	for _, outcome := range []purge.Outcome{purge.Held, purge.Gone} {
		page, err := h.manifest.Begin(t.Context(), h.class.Name, "run-1", retention.ShardName(0), []string{"sub-1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.manifest.Finish(t.Context(), page, map[string]purge.Outcome{"sub-1": outcome}); err != nil {
			t.Fatal(err)
		}
	}
	h.expect("run-1", certificate.Counts{})
}

// strict is a deleter that accepts only the size of one transaction: at least
// one record, and at most MaxDeletes.
type strict struct {
	purge.Deleter
	t *testing.T
}

func (s strict) DeleteUnderFence(ctx context.Context, under purge.Conditions, records []retention.Stored) (purge.Deletion, error) {
	if len(records) == 0 || len(records) > purge.MaxDeletes {
		s.t.Errorf("asked to delete %d records at once", len(records))
	}
	return s.Deleter.DeleteUnderFence(ctx, under, records)
}

func TestTransactionDeletesBetweenOneAndMaxDeletes(t *testing.T) {
	h := newHouse(t)
	h.Plant(t, h.class.Name, dueItems(0, 0)...)
	h.Plant(t, h.class.Name, dueItems(0, 1)...)
	h.put(retention.Record{ID: "absurd", Subject: subject(1), Start: time.Unix(0, 0)}) // in the index, and not due
	stores := h.Stores
	stores.Deleter = strict{h.Deleter, t}
	if err := h.run(stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 2*purge.MaxDeletes + 1, Deleted: 2 * purge.MaxDeletes, Changed: 1}, "absurd")
}

func TestPlanNamesOldestDueRecord(t *testing.T) {
	h := newHouse(t)
	oldest := due.AddDate(-5, 0, 0)
	for n, start := range []time.Time{due, oldest, due.AddDate(-1, 0, 0)} {
		h.put(retention.Record{ID: fmt.Sprint("sub-", n), Subject: subject(1), Start: start})
	}
	plan, err := purge.Make(t.Context(), h.Records, h.class, h.policy.Hash(), cutoff)
	if err != nil || !plan.Oldest.Equal(oldest) {
		t.Errorf("oldest %v, error %v; want %v", plan.Oldest, err, oldest)
	}
}

// chain is a chain of certificates whose answers a test decides.
type chain struct {
	purge.Runs
	run  purge.Run
	err  error    // of reading the run
	runs []string // certified runs
}

func (c *chain) Get(context.Context, string, string) (purge.Run, error) { return c.run, c.err }

func (c *chain) Head(context.Context, string) (string, error) { return "", nil }

func (c *chain) Certify(_ context.Context, run purge.Run, _ string) error {
	c.runs = append(c.runs, run.ID)
	return nil
}

func TestRunIsCertifiedUnlessItsStateIsUnknown(t *testing.T) {
	h := newHouse(t)
	for name, c := range map[string]struct {
		run       purge.Run
		state     error
		certified bool
		err       error
	}{
		"a run that is stored":        {purge.Run{Class: h.class.Name, ID: "run-1"}, nil, true, nil},
		"a run that was not stored":   {purge.Run{}, purge.ErrNoRun, true, nil},
		"a run certified just before": {purge.Run{Certificate: "c"}, nil, false, nil},
		"a store that is down":        {purge.Run{}, errDown, false, errDown},
	} {
		t.Run(name, func(t *testing.T) {
			c.run.Class, c.run.ID = h.class.Name, "run-1"
			certificates := &chain{Runs: h.Runs, run: c.run, err: c.state}
			certifier, _ := h.certifier()
			certifier.Runs = certificates
			_, err := certifier.Purge(t.Context(), h.class, purge.Ended{Run: "run-1", StartedAt: cutoff, Failed: true})
			if certified := len(certificates.runs) == 1; certified != c.certified || !errors.Is(err, c.err) {
				t.Errorf("certified %v, error %v", certified, err)
			}
		})
	}
}

// unloadable are records that cannot be read a second time.
type unloadable struct{ purgetest.Records }

func (unloadable) Load(context.Context, string, []string) (map[string]retention.Stored, map[string]error, error) {
	return nil, nil, errDown
}

func TestAuditReadsHealthyRecordsOnce(t *testing.T) {
	h := newHouse(t)
	for n := range 3 {
		h.planted(fmt.Sprint("healthy-", n), nil)
	}
	stores := h.Stores
	stores.Records = unloadable{h.Records}
	if report := h.audit(stores, 1); report.Records != 3 {
		t.Errorf("%d records", report.Records)
	}
}

func TestReportNamesAtMostThousandOfFinding(t *testing.T) {
	h := newHouse(t)
	const wrong = 1005
	items := make([]map[string]any, wrong)
	for n := range items {
		items[n] = map[string]any{"id": fmt.Sprintf("sub-%04d", n), "occurredAt": retention.Sort(written), "activeSort": retention.Sort(written), "retentionShard": "xx"}
	}
	h.Plant(t, h.class.Name, items...)
	kept := purgetest.NewEvidence(t)
	auditor := purge.Auditor{Records: h.Records, List: h.List, Holds: h.Holds, Parts: kept, Now: func() time.Time { return cutoff }}
	work := purge.AuditWork{Class: h.class.Name, Run: "audit-1", Of: 1}
	if _, err := auditor.Segment(t.Context(), h.class, work, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	parts, err := kept.Parts(t.Context(), h.class.Name, "audit-1")
	if err != nil || len(parts) != 1 {
		t.Fatalf("%d parts, error %v", len(parts), err)
	}
	if part := parts[0]; part.Counts[purge.Unstamped] != wrong || len(part.IDs[purge.Unstamped]) != 1000 {
		t.Errorf("%d counted, %d named", part.Counts[purge.Unstamped], len(part.IDs[purge.Unstamped]))
	}
}
