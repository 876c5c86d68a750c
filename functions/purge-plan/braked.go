package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// braked plans the run and holds the plan against the brake. A halted plan
// waits for its approval, in place of the one that waited before; a run that
// passes leaves none waiting.
func (h handler) braked(ctx context.Context, class retention.Class, req request) (purge.Run, error) {
	in := readInput(req.Input)
	run := h.started(req, in)
	approved, objection, err := h.approved(ctx, class, in.approved)
	if err != nil {
		return run, err
	}
	if approved != nil {
		run.Cutoff, run.ApprovedBy = approved.Cutoff, approved.ApprovedBy
	}
	plan, err := purge.Make(ctx, h.records, class, run.PolicyHash, run.Cutoff)
	if err != nil {
		return run, err
	}
	run.PlanHash, run.Planned = plan.Hash(), plan.Due()
	reasons, err := h.reasons(ctx, run, plan, approved)
	if err != nil {
		return run, err
	}
	if objection != "" {
		reasons = append(reasons, objection)
	}
	if len(reasons) > 0 {
		run.Next, run.Reasons, run.ApprovedBy = purge.NextHalt, reasons, ""
		return run, h.runs.Halt(ctx, purge.HaltedPlan{
			Class: class.Name, Run: run.ID, PlanHash: run.PlanHash, PolicyHash: run.PolicyHash, Cutoff: run.Cutoff,
			Shards: plan.Shards, Reasons: reasons, HaltedAt: h.now().UTC(), StartedBy: run.StartedBy,
		})
	}
	if approved != nil {
		run.PlanHash = approved.PlanHash // what was approved is what the certificate names
	}
	run.Next = purge.NextDelete
	return run, h.runs.Forget(ctx, class.Name)
}

// approved returns the waiting plan that the run was approved to carry out, nil
// for a run that says nothing of an approval; or the objection to the approval
// it does name.
func (h handler) approved(ctx context.Context, class retention.Class, hash string) (*purge.HaltedPlan, string, error) {
	if hash == "" {
		return nil, "", nil
	}
	plan, err := h.runs.Halted(ctx, class.Name)
	switch {
	case errors.Is(err, purge.ErrNoPlan):
		return nil, "the run names an approval, and no plan waits", nil
	case err != nil:
		return nil, "", err
	case plan.PlanHash != hash:
		return nil, "the run names the approval of another plan than waits", nil
	}
	if err := plan.MayRun(h.policy.Hash(), h.now()); err != nil {
		return nil, err.Error(), nil
	}
	return &plan, "", nil
}

// reasons is what speaks against the run: an approval answers for the amount,
// as long as no shard holds more than was approved, and never for the clock.
func (h handler) reasons(ctx context.Context, run purge.Run, plan purge.Plan, approved *purge.HaltedPlan) ([]string, error) {
	storeClock, err := h.storeClock(ctx)
	if err != nil {
		return nil, err
	}
	size, err := h.records.Size(ctx, run.Class)
	if err != nil {
		return nil, err
	}
	all, err := h.runs.List(ctx, run.Class)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r purge.Run) bool { return r.Audit }) // they purge nothing
	brake := purge.Brake{
		Due: plan.Due(), Size: size, Before: completed(all),
		Now: h.now(), StoreClock: storeClock, ScheduledFor: run.ScheduledFor, LastEnded: lastEnded(all),
	}
	reasons := brake.Clock()
	switch {
	case approved == nil:
		reasons = append(reasons, brake.Amount()...)
	case purge.ShardsGrown(approved.Shards, plan.Shards):
		reasons = append(reasons, "a shard holds more than was approved")
	}
	return reasons, nil
}

// completed is how many records were due in each completed run, the newest
// first.
func completed(runs []purge.Run) []int {
	newest := slices.SortedFunc(slices.Values(runs), func(a, b purge.Run) int { return b.EndedAt.Compare(a.EndedAt) })
	var due []int
	for _, run := range newest {
		if run.Outcome == certificate.Completed {
			due = append(due, run.Counts.Due)
		}
	}
	return due
}

// lastEnded is when the newest run ended; zero before the first.
func lastEnded(runs []purge.Run) time.Time {
	var last time.Time
	for _, run := range runs {
		if run.EndedAt.After(last) {
			last = run.EndedAt
		}
	}
	return last
}
