//go:build store

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/retention"
)

func newHandler(t *testing.T, h *apitest.House) (handler, func(id string, start time.Time), func() string) {
	t.Helper()
	db, stack := dynamotest.Tables(t, retention.Messaging)
	records := dynamo.NewRecords(db, stack)
	put := func(id string, start time.Time) {
		record := retention.Record{
			ID: id, Subject: h.Key(t, contact.Email, apitest.Address), Scope: "acme", Basis: retention.Consent, OccurredAt: start, Start: start,
			Data: []byte(`"` + apitest.Number + `"`),
		}
		if _, err := records.Put(t.Context(), retention.Messaging, record, func(retention.Record) error { return nil }); err != nil {
			t.Fatal(err)
		}
		stored, err := records.Get(t.Context(), retention.Messaging, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := records.Stamp(t.Context(), retention.Messaging, stored, retention.Sort(start)); err != nil {
			t.Fatal(err)
		}
	}
	dump := func() string {
		return dynamotest.Dump(t, db, stack.Suppressions(), stack.Ledger(), stack.Holds(), stack.Runs())
	}
	clock := func(context.Context) (time.Time, error) { return h.Now, nil }
	return handler{
		records: records, runs: dynamo.NewRuns(db, stack), executions: &going{}, policy: h.Policy, version: "v1",
		now: func() time.Time { return h.Now }, storeClock: clock,
	}, put, dump
}

// going are the executions that go on.
type going struct{ runs []string }

func (g *going) Running(_ context.Context, _, run string) (bool, error) {
	return slices.Contains(g.runs, run), nil
}

// ended certifies a run and lets the next one begin, as purge-verify does.
func (h handler) ended(t *testing.T, run string, outcome certificate.Outcome, counts certificate.Counts) {
	t.Helper()
	of, err := h.runs.Get(t.Context(), retention.Messaging, run)
	if err != nil {
		t.Fatal(err)
	}
	previous, err := h.runs.Head(t.Context(), retention.Messaging)
	if err != nil {
		t.Fatal(err)
	}
	of.Outcome, of.Counts, of.EndedAt, of.Certificate = outcome, counts, h.now(), "certificate of "+run
	if err := h.runs.Certify(t.Context(), of, previous); err != nil {
		t.Fatal(err)
	}
	if err := h.runs.Unlock(t.Context(), retention.Messaging, run); err != nil {
		t.Fatal(err)
	}
}

var (
	due    = time.Date(2024, 11, 21, 22, 59, 59, 0, time.UTC) // the last second of 2024-11-21 in Oslo
	notDue = time.Date(2024, 11, 21, 23, 0, 0, 0, time.UTC)
)

func TestAPlanCountsWhatIsDueAndLaysOutEveryShard(t *testing.T) {
	h := apitest.New(t)
	h.Now = h.Now.Add(123 * time.Millisecond)
	over, put, _ := newHandler(t, h)
	put("sub-1", due)
	put("sub-2", due)
	put("sub-3", notDue)
	var req request
	h.Event(t, "purge-plan.scheduled.json", &req)
	got, err := over.plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	cutoff := h.Now.Truncate(time.Second)
	if got.Class != "messaging" || got.Run != req.Run || !got.StartedAt.Equal(req.StartedAt) || !got.Cutoff.Equal(cutoff) || got.Due != 2 || len(got.PlanHash) != 64 {
		t.Errorf("plan %+v", got)
	}
	shards := map[string]bool{}
	for _, work := range got.Shards {
		shards[work.Shard] = true
		if work.PolicyHash != h.Policy.Hash() || work.CodeVersion != "v1" {
			t.Errorf("work planned with %+v", work)
		}
		if work.Class != got.Class || work.Run != got.Run || !work.Cutoff.Equal(cutoff) || work.Done {
			t.Errorf("work %+v", work)
		}
	}
	if len(shards) != retention.Shards {
		t.Errorf("%d shards", len(shards))
	}
	run, err := over.runs.Get(t.Context(), got.Class, got.Run)
	if err != nil || run.Planned != 2 || run.PlanHash != got.PlanHash || !run.ScheduledFor.Equal(time.Date(2026, 11, 22, 2, 40, 0, 0, time.UTC)) {
		t.Errorf("run %+v, error %v", run, err)
	}
}

func TestAPlanThatIsRepeatedKeepsTheFirstCutoff(t *testing.T) {
	h := apitest.New(t)
	over, put, _ := newHandler(t, h)
	put("sub-1", due)
	var req request
	h.Event(t, "purge-plan.by-hand.json", &req)
	first, err := over.plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	h.Now = h.Now.AddDate(0, 0, 2)
	put("sub-2", due)
	again, err := over.plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("plan (-first +again):\n%s", diff)
	}
	over.ended(t, req.Run, certificate.Completed, certificate.Counts{})
	req.Run = "by-hand-2"
	if other, err := over.plan(t.Context(), req); err != nil || other.Due != 2 || !other.Cutoff.After(first.Cutoff) {
		t.Errorf("another run: due %d, cutoff %v, error %v", other.Due, other.Cutoff, err)
	}
}

func TestAClassThatThePolicyDoesNotKnowIsNotPlanned(t *testing.T) {
	h := apitest.New(t)
	over, _, dump := newHandler(t, h)
	if _, err := over.plan(t.Context(), request{Class: "marketing", Run: "run-1"}); !errors.Is(err, retention.ErrUnknownClass) {
		t.Errorf("error %v", err)
	}
	if strings.Contains(dump(), "run-1") {
		t.Error("the run was stored")
	}
}

func TestAPlanLeavesNobodyBehind(t *testing.T) {
	h := apitest.New(t)
	over, put, dump := newHandler(t, h)
	put("sub-1", due)
	var answers []string
	for _, class := range []string{retention.Messaging, apitest.Address} {
		input, err := json.Marshal(map[string]string{"scheduledTime": apitest.Number})
		if err != nil {
			t.Fatal(err)
		}
		got, err := over.plan(t.Context(), request{Class: class, Run: "run-1", StartedAt: h.Now, Input: input})
		answers = append(answers, fmt.Sprint(got, err))
	}
	if !strings.Contains(dump(), "run-1") {
		t.Error("there was nothing to look through")
	}
	h.NoLeak(t, nil, append(answers, dump())...)
}
