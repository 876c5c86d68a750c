package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"stille/shared/operator"
	"stille/shared/purge"
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

// follow waits until a purge that was started has ended, says how far it is,
// and shows how it ended.
func follow(ctx context.Context, s *session, o *operator.Operator, p *operator.Purge, err error) error {
	if err != nil {
		return err
	}
	s.say("started %s on %s", p.Run, o.Where)
	if err := watch(ctx, s.progress(), p); err != nil {
		if ctx.Err() != nil {
			err = operator.ErrInterrupted
		}
		return fmt.Errorf("%w; the purge may go on: `stille purge show %s` says how it ended", err, p.Run)
	}
	run, err := p.Conclude(ctx)
	return show(s, run, err, runText)
}

// watch shows a bar on a terminal, and else says something now and then.
func watch(ctx context.Context, shown *progress, p *operator.Purge) error {
	defer shown.end()
	begun := shown.now()
	planned := func(run purge.Run) {
		shown.end()
		shown.say("planned: %d due at %s", run.Planned, instantText(run.Cutoff))
	}
	return p.Wait(ctx, shown.sleep, planned, func() error {
		elapsed := shown.now().Sub(begun).Round(time.Second).String()
		if !shown.terminal || p.Planned == nil || p.Planned.Planned == 0 {
			shown.line("running, " + elapsed)
			return nil
		}
		left, err := p.Left(ctx)
		if err == nil {
			shown.line(bar(p.Planned.Planned-left, p.Planned.Planned) + " gone, " + elapsed)
		}
		return err
	})
}
