package main

import (
	"context"
	"encoding/json"
	"time"

	"stille/shared/purge"
	"stille/shared/retention"
)

// request is the input from the state machine.
type request struct {
	purge.Execution
	Input json.RawMessage `json:"input"` // the execution's input, as its starter wrote it
}

// nextFinish follows no plan: a run of the class was killed, and must be
// certified before this run is planned.
const nextFinish purge.Next = "finish"

// response is the plan, what follows it, and the work of each shard for the
// delete step.
type response struct {
	Next       purge.Next   `json:"next"`
	Unfinished string       `json:"unfinished,omitempty"` // the run that was killed, with nextFinish
	Class      string       `json:"class"`
	Run        string       `json:"run"`
	StartedAt  time.Time    `json:"startedAt"`
	Cutoff     time.Time    `json:"cutoff,omitzero"`
	PlanHash   string       `json:"planHash,omitempty"`
	Due        int          `json:"due"`
	Shards     []purge.Work `json:"shards,omitempty"`
}

type handler struct {
	planner purge.Planner
	policy  *retention.Policy
}

func (h handler) plan(ctx context.Context, req request) (response, error) {
	class, ok := h.policy.Class(req.Class)
	if !ok {
		return response{}, retention.ErrUnknownClass
	}
	planner := h.planner
	planner.PolicyHash = class.Hash()
	run, unfinished, err := planner.Plan(ctx, class, req.execution())
	if err != nil {
		return response{}, err
	}
	if unfinished != "" {
		return response{Next: nextFinish, Unfinished: unfinished, Class: req.Class, Run: req.Run, StartedAt: req.StartedAt}, nil
	}
	return response{
		Next: run.Next, Class: run.Class, Run: run.ID, StartedAt: run.StartedAt, Cutoff: run.Cutoff,
		PlanHash: run.PlanHash, Due: run.Planned, Shards: run.Work(),
	}, nil
}

// execution reads what the run was started with. An unreadable field counts as
// absent and an unknown field is ignored: a schedule's typo must not keep data
// alive.
func (r request) execution() purge.Execution {
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.Input, &fields) != nil {
		fields = nil
	}
	text := func(name string) string {
		var value string
		if json.Unmarshal(fields[name], &value) != nil {
			return ""
		}
		return value
	}
	e := r.Execution
	e.StartedBy, e.Approved = text("startedBy"), text("approved")
	if at, err := time.Parse(time.RFC3339, text("scheduledTime")); err == nil {
		e.ScheduledFor = at.UTC()
	}
	return e
}
