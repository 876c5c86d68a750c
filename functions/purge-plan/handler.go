package main

import (
	"context"
	"encoding/json"
	"time"

	"stille/shared/dynamo"
	"stille/shared/purge"
	"stille/shared/retention"
)

// request is what the state machine passes in.
type request struct {
	Class     string          `json:"class"`
	Run       string          `json:"run"` // the execution's name
	StartedAt time.Time       `json:"startedAt"`
	Input     json.RawMessage `json:"input"` // the execution's, as whoever started it wrote it
}

// response is the plan, and the work of each shard for the delete step.
type response struct {
	Class     string       `json:"class"`
	Run       string       `json:"run"`
	StartedAt time.Time    `json:"startedAt"`
	Cutoff    time.Time    `json:"cutoff"`
	PlanHash  string       `json:"planHash"`
	Due       int          `json:"due"`
	Shards    []purge.Work `json:"shards"`
}

// handler plans a run: it counts what is due and deletes nothing.
type handler struct {
	records *dynamo.Records
	runs    *dynamo.Runs
	policy  *retention.Policy
	now     func() time.Time
}

func (h handler) plan(ctx context.Context, req request) (response, error) {
	class, ok := h.policy.Class(req.Class)
	if !ok {
		return response{}, retention.ErrUnknownClass
	}
	made, err := purge.Make(ctx, h.records, class, h.policy.Hash(), h.now().Truncate(time.Second))
	if err != nil {
		return response{}, err
	}
	run, err := h.runs.Start(ctx, dynamo.Run{
		Class: class.Name, ID: req.Run, StartedAt: req.StartedAt.UTC(), ScheduledFor: scheduledFor(req.Input),
		Cutoff: made.Cutoff, PolicyHash: made.PolicyHash, PlanHash: made.Hash(), Planned: made.Due(),
	})
	if err != nil {
		return response{}, err
	}
	return response{
		Class: run.Class, Run: run.ID, StartedAt: run.StartedAt, Cutoff: run.Cutoff,
		PlanHash: run.PlanHash, Due: run.Planned, Shards: work(run),
	}, nil
}

// scheduledFor is the input's scheduledTime; anything that is no RFC 3339 time
// counts as absent.
func scheduledFor(input json.RawMessage) time.Time {
	var schedule struct {
		ScheduledTime string `json:"scheduledTime"`
	}
	err := json.Unmarshal(input, &schedule)
	t, parseErr := time.Parse(time.RFC3339, schedule.ScheduledTime)
	if err != nil || parseErr != nil {
		return time.Time{}
	}
	return t.UTC()
}

// work is one piece for every shard, also for those in which nothing is due
// now: what is stamped in the meantime goes as well.
func work(run dynamo.Run) []purge.Work {
	shards := make([]purge.Work, retention.Shards)
	for n := range shards {
		shards[n] = purge.Work{Class: run.Class, Run: run.ID, Cutoff: run.Cutoff, Shard: retention.ShardName(n)}
	}
	return shards
}
