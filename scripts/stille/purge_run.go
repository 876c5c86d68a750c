package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"stille/shared/operator"
)

type purgeRun struct {
	Class string  `arg:"" help:"A class of the retention policy."`
	At    instant `placeholder:"TIME" help:"Start the purge at this time, once, and not now."`
}

// Run starts the purge and waits for its end, or schedules it.
func (p purgeRun) Run(ctx context.Context, s *session, o *operator.Operator) error {
	if p.At.IsZero() {
		started, err := o.StartPurge(ctx, p.Class)
		return follow(ctx, s, o, started, err)
	}
	schedule, err := o.SchedulePurge(ctx, p.Class, p.At.Time)
	return show(s, schedule, err, func(w io.Writer, a *operator.Schedule) {
		fmt.Fprintf(w, "scheduled: a purge of %s starts once at %s (schedule %s)\n\nnext, after that: stille purge show\n",
			a.Class, instantText(a.At), a.Schedule)
	})
}

type purgeApprove struct {
	PlanHash string `arg:"" name:"planhash" help:"The plan's hash, as the halted run shows it."`
}

func (p purgeApprove) Run(ctx context.Context, s *session, o *operator.Operator) error {
	started, err := o.ApprovePlan(ctx, p.PlanHash)
	return follow(ctx, s, o, started, err)
}

const (
	lookEvery = time.Second // at a run
	sayEvery  = 30 * time.Second
	// countIdle is how many times as long as a count took there is no other
	// count: to watch a purge must cost little beside the purge.
	countIdle = 10
)

// follow waits until a purge that was started has ended, says how far it is,
// and shows how it ended.
func follow(ctx context.Context, s *session, o *operator.Operator, p *operator.Purge, err error) error {
	if err != nil {
		return err
	}
	s.say("started %s on %s", p.Run, o.Where)
	f := follower{progress: s.progress(), purge: p, begun: s.now()}
	if err := f.wait(ctx); err != nil {
		if ctx.Err() != nil {
			err = operator.ErrInterrupted
		}
		return fmt.Errorf("%w; the purge may go on: `stille purge show %s` says how it ended", err, p.Run)
	}
	run, err := p.Conclude(ctx)
	return show(s, run, err, runText)
}

// follower says how far a purge is.
type follower struct {
	*progress
	purge     *operator.Purge
	begun     time.Time
	planned   bool      // was said
	left      int       // planned records that the index still showed
	countFrom time.Time // not earlier
}

// wait returns once the purge is no longer running.
func (f *follower) wait(ctx context.Context) error {
	defer f.end()
	for {
		running, err := f.purge.Look(ctx)
		if err != nil {
			return err
		}
		if plan := f.purge.Planned; plan != nil && !f.planned {
			f.planned, f.left = true, plan.Planned
			f.end()
			f.say("planned: %d due at %s", plan.Planned, instantText(plan.Cutoff))
		}
		if !running {
			return nil
		}
		if err := f.tell(ctx); err != nil {
			return err
		}
		if err := f.sleep(ctx, lookEvery); err != nil {
			return fmt.Errorf("waiting for the purge: %w", err)
		}
	}
}

// tell shows a bar on a terminal, and else says something now and then.
func (f *follower) tell(ctx context.Context) error {
	elapsed := f.now().Sub(f.begun).Round(time.Second).String()
	if !f.planned || f.purge.Planned.Planned == 0 || !f.terminal {
		f.line("running, " + elapsed)
		return nil
	}
	if begun := f.now(); !begun.Before(f.countFrom) {
		var err error
		if f.left, err = f.purge.Left(ctx); err != nil {
			return err
		}
		f.countFrom = f.now().Add(countIdle * f.now().Sub(begun))
	}
	of := f.purge.Planned.Planned
	f.line(bar(max(0, of-f.left), of) + " gone, " + elapsed)
	return nil
}
