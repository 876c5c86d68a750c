package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"stille/shared/operator"
	"stille/shared/purge"
)

type purges struct {
	Plan    purgePlan    `cmd:"" help:"A dry run: what a purge would delete now, and at what cost."`
	Run     purgeRun     `cmd:"" help:"Start a purge and wait for its end, or schedule a purge."`
	Approve purgeApprove `cmd:"" help:"Approve a purge that the brake halted, and wait for its end."`
	Stop    purgeStop    `cmd:"" help:"Stop a purge before its next page."`
	Show    purgeShow    `cmd:"" help:"List all purges, or show one purge."`
}

type purgePlan struct {
	Class string `arg:"" help:"A class of the retention policy."`
	toList
}

// toList is the flags of what lists records.
type toList struct {
	List bool `help:"List the ids of records that are due and still there, and why: a sample, unless --all is given."`
}

// sampleSize is how many records are listed unless all are asked for.
const sampleSize = 20

// most is how many records to list.
func (l toList) most(s *session) int {
	switch {
	case !l.List:
		return 0
	case s.options.All:
		return math.MaxInt
	}
	return sampleSize
}

// isSample reports whether a list of this length may be a part of what there is.
func (s *session) isSample(listed int) bool { return listed == sampleSize && !s.options.All }

func (p purgePlan) Run(ctx context.Context, s *session, o *operator.Operator) error {
	plan, err := o.PlanPurge(ctx, p.Class, p.most(s))
	return show(s, "purge plan", plan, err)
}

type purgeStop struct {
	ID string `arg:"" name:"run" help:"The run: the execution's name."`
}

func (p purgeStop) Run(ctx context.Context, s *session, o *operator.Operator) error {
	stop, err := o.StopRun(ctx, p.ID)
	return show(s, "purge stop", stop, err)
}

type purgeShow struct {
	ID string `arg:"" name:"run" optional:"" help:"One run: the execution's name."`
	toList
}

// Validate refuses a list of nothing.
func (p purgeShow) Validate() error {
	if p.List && p.ID == "" {
		return errors.New("--list: say which run; `stille purge show` lists the runs")
	}
	return nil
}

// Run shows one run, or lists the runs of all classes, the newest first.
func (p purgeShow) Run(ctx context.Context, s *session, o *operator.Operator) error {
	if p.ID != "" {
		run, err := o.ShowRun(ctx, p.ID, p.most(s))
		return show(s, "purge show RUN", run, err)
	}
	runs, err := o.ShowRuns(ctx)
	return show(s, "purge show", runs, err)
}

// outcomeText is the run's outcome, in words for a run that is still going, or
// was killed.
func outcomeText(r operator.Run) string {
	outcome := cmp.Or(string(r.Outcome), "not certified yet")
	if r.Audit {
		outcome += ", audit"
	}
	return outcome
}

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
	return show(s, "purge run --at", schedule, err)
}

type purgeApprove struct {
	PlanHash  string `arg:"" check:"plan" name:"planhash" help:"The plan's hash, as the halted run shows it."`
	UntilDone bool   `help:"Let the runs of the next nights go on with the plan, until all of its records are gone."`
}

func (p purgeApprove) Run(ctx context.Context, s *session, o *operator.Operator) error {
	approved, err := o.ApprovePlan(ctx, p.PlanHash, p.UntilDone)
	if err != nil || approved.Purge == nil {
		return show(s, "purge approve", approved, err)
	}
	return follow(ctx, s, o, approved.Purge, nil)
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
	return show(s, "purge show RUN", run, err)
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
