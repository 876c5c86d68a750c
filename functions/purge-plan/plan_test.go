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
	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// planning is the handler over the stores of one class.
type planning struct {
	handler
	stores purgetest.Stores
}

func newPlanning(t *testing.T, h *apitest.House) planning {
	t.Helper()
	stores := engine.New(t, retention.Messaging)
	return planning{stores: stores, handler: handler{policy: h.Policy, planner: purge.Planner{
		Records: stores.Records, Holds: stores.Holds, Runs: stores.Runs, Halted: stores.Runs, Turns: stores.Holds, Manifest: &purgetest.Memory{}, Running: (&going{}).Running,
		Now: func() time.Time { return h.Now }, StoreClock: func(context.Context) (time.Time, error) { return h.Now, nil },
	}}}
}

// put stores a stamped record.
func (p planning) put(t *testing.T, h *apitest.House, id string, start time.Time) {
	t.Helper()
	p.stores.Plant(t, retention.Messaging, map[string]any{
		"id": id, "subject": string(h.Key(t, contact.Email, apitest.Address)), "scope": "acme", "basis": "consent", "data": apitest.Number,
		"occurredAt": retention.Sort(start), "retentionStart": retention.Sort(start), "retentionSort": retention.Sort(start),
		"retentionShard": retention.Shard(string(h.Key(t, contact.Email, apitest.Address))),
	})
}

// going are the running executions.
type going struct{ runs []string }

func (g *going) Running(_ context.Context, _, run string) (bool, error) {
	return slices.Contains(g.runs, run), nil
}

// ended certifies a run and unlocks the class, as purge-verify does.
func (p planning) ended(t *testing.T, run string, outcome certificate.Outcome, counts certificate.Counts) {
	t.Helper()
	of, err := p.stores.Runs.Get(t.Context(), retention.Messaging, run)
	if err != nil {
		t.Fatal(err)
	}
	previous, err := p.stores.Runs.Head(t.Context(), retention.Messaging)
	if err != nil {
		t.Fatal(err)
	}
	of.Outcome, of.Counts, of.EndedAt, of.Certificate = outcome, counts, p.planner.Now(), "certificate of "+run
	if err := p.stores.Runs.Certify(t.Context(), of, previous); err != nil {
		t.Fatal(err)
	}
	if err := p.stores.Runs.Unlock(t.Context(), retention.Messaging, run); err != nil {
		t.Fatal(err)
	}
}

var (
	due    = time.Date(2024, 11, 21, 22, 59, 59, 0, time.UTC) // the last second of 2024-11-21 in Oslo
	notDue = time.Date(2024, 11, 21, 23, 0, 0, 0, time.UTC)
)

func TestPlanCountsDueRecordsAndListsEveryShard(t *testing.T) {
	h := apitest.New(t)
	h.Now = h.Now.Add(123 * time.Millisecond)
	over := newPlanning(t, h)
	over.put(t, h, "sub-1", due)
	over.put(t, h, "sub-2", due)
	over.put(t, h, "sub-3", notDue)
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
		if work.PolicyHash != h.Class(retention.Messaging).Hash() {
			t.Errorf("work planned with %+v", work)
		}
		if work.Class != got.Class || work.Run != got.Run || !work.Cutoff.Equal(cutoff) || work.Done {
			t.Errorf("work %+v", work)
		}
	}
	if len(shards) != retention.Shards {
		t.Errorf("%d shards", len(shards))
	}
	run, err := over.stores.Runs.Get(t.Context(), got.Class, got.Run)
	if err != nil || run.Planned != 2 || run.PlanHash != got.PlanHash || !run.ScheduledFor.Equal(time.Date(2026, 11, 22, 2, 40, 0, 0, time.UTC)) {
		t.Errorf("run %+v, error %v", run, err)
	}
}

func TestRepeatedPlanKeepsTheFirstCutoff(t *testing.T) {
	h := apitest.New(t)
	over := newPlanning(t, h)
	over.put(t, h, "sub-1", due)
	var req request
	h.Event(t, "purge-plan.by-hand.json", &req)
	first, err := over.plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	h.Now = h.Now.AddDate(0, 0, 2)
	over.put(t, h, "sub-2", due)
	second, err := over.plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("plan (-first +second):\n%s", diff)
	}
	over.ended(t, req.Run, certificate.Completed, certificate.Counts{})
	req.Run = "by-hand-2"
	if other, err := over.plan(t.Context(), req); err != nil || other.Due != 2 || !other.Cutoff.After(first.Cutoff) {
		t.Errorf("another run: due %d, cutoff %v, error %v", other.Due, other.Cutoff, err)
	}
}

func TestUnknownClassIsNotPlanned(t *testing.T) {
	h := apitest.New(t)
	over := newPlanning(t, h)
	if _, err := over.plan(t.Context(), request{Execution: purge.Execution{Class: "marketing", Run: "run-1"}}); !errors.Is(err, retention.ErrUnknownClass) {
		t.Errorf("error %v", err)
	}
	if strings.Contains(over.stores.Dump(t), "run-1") {
		t.Error("the run was stored")
	}
}

func TestPlanLogsNoPersonalData(t *testing.T) {
	h := apitest.New(t)
	over := newPlanning(t, h)
	over.put(t, h, "sub-1", due)
	var answers []string
	for _, class := range []string{retention.Messaging, apitest.Address} {
		input, err := json.Marshal(map[string]string{"scheduledTime": apitest.Number})
		if err != nil {
			t.Fatal(err)
		}
		got, err := over.plan(t.Context(), request{Execution: purge.Execution{Class: class, Run: "run-1", StartedAt: h.Now}, Input: input})
		answers = append(answers, fmt.Sprint(got, err))
	}
	if !strings.Contains(over.stores.Dump(t), "run-1") {
		t.Error("there was nothing to look through")
	}
	h.NoLeak(t, nil, append(answers, over.stores.Dump(t))...)
}
