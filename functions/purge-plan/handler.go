package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/purge"
	"stille/shared/retention"
)

// request is what the state machine passes in.
type request struct {
	Class     string          `json:"class"`
	Run       string          `json:"run"`     // the execution's name
	Machine   string          `json:"machine"` // the state machine's ARN
	StartedAt time.Time       `json:"startedAt"`
	Input     json.RawMessage `json:"input"` // the execution's, as whoever started it wrote it
}

// nextFinish follows no plan: a run of the class was killed, and is to be
// certified before this one is planned.
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

// executions tells whether a run's execution goes on.
type executions interface {
	Running(ctx context.Context, machine, run string) (bool, error)
}

// handler plans a run: it counts what is due, holds that against the brake,
// and deletes nothing.
type handler struct {
	records    *dynamo.Records
	runs       *dynamo.Runs
	executions executions
	policy     *retention.Policy
	version    string // of the code
	now        func() time.Time
	storeClock func(ctx context.Context) (time.Time, error)
}

func (h handler) plan(ctx context.Context, req request) (response, error) {
	class, ok := h.policy.Class(req.Class)
	if !ok {
		return response{}, retention.ErrUnknownClass
	}
	// A repeated step goes on with the plan that it made the first time.
	run, err := h.runs.Get(ctx, class.Name, req.Run)
	if err == nil {
		return answer(run), nil
	}
	if !errors.Is(err, purge.ErrNoRun) {
		return response{}, err
	}
	holder, running, err := h.lock(ctx, req)
	switch {
	case err != nil:
		return response{}, err
	case holder == req.Run:
		run, err = h.braked(ctx, class, req)
	case running:
		run = h.started(req, readInput(req.Input))
		run.Next, run.Reasons = purge.NextYield, []string{"another run of the class is on: " + holder}
	default:
		return response{Next: nextFinish, Unfinished: holder, Class: req.Class, Run: req.Run, StartedAt: req.StartedAt}, nil
	}
	if err != nil {
		return response{}, err
	}
	if run, err = h.runs.Start(ctx, run); err != nil {
		return response{}, err
	}
	return answer(run), nil
}

// lock makes the run the one of its class, or returns the one that is, and
// whether that goes on. What has its certificate has ended, whatever its
// execution still does.
func (h handler) lock(ctx context.Context, req request) (holder string, running bool, err error) {
	holder, err = h.runs.Lock(ctx, req.Class, req.Run, "")
	if err != nil || holder == req.Run {
		return holder, true, err
	}
	before, err := h.runs.Get(ctx, req.Class, holder)
	switch {
	case err == nil && before.Certified():
		holder, err = h.runs.Lock(ctx, req.Class, req.Run, holder)
		return holder, true, err
	case err != nil && !errors.Is(err, purge.ErrNoRun):
		return holder, false, err
	}
	running, err = h.executions.Running(ctx, req.Machine, holder)
	return holder, running, err
}

// started is the run before anything is known of what is due.
func (h handler) started(req request, in input) purge.Run {
	return purge.Run{
		Class: req.Class, ID: req.Run, StartedAt: req.StartedAt.UTC(), Cutoff: h.now().UTC().Truncate(time.Second),
		ScheduledFor: in.scheduledFor, StartedBy: in.startedBy, PolicyHash: h.policy.Hash(), CodeVersion: h.version,
	}
}

func answer(run purge.Run) response {
	planned := response{
		Next: run.Next, Class: run.Class, Run: run.ID, StartedAt: run.StartedAt, Cutoff: run.Cutoff,
		PlanHash: run.PlanHash, Due: run.Planned,
	}
	if run.Next == purge.NextDelete {
		planned.Shards = work(run)
	}
	return planned
}

// work is one piece for every shard, also for those in which nothing is due
// now: what is stamped in the meantime goes as well.
func work(run purge.Run) []purge.Work {
	shards := make([]purge.Work, retention.Shards)
	for n := range shards {
		shards[n] = purge.Work{
			Class: run.Class, Run: run.ID, Cutoff: run.Cutoff, Shard: retention.ShardName(n),
			PolicyHash: run.PolicyHash, CodeVersion: run.CodeVersion,
		}
	}
	return shards
}
