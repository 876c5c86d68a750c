package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"stille/shared/certificate"
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

// remainingText lists due records that are still there.
func remainingText(w io.Writer, all []purge.Remaining) {
	for _, r := range all {
		fmt.Fprintf(w, "%-11s%s\n", r.Why, r.ID)
	}
	if len(all) == sampleSize {
		fmt.Fprintf(w, "%d are listed at most; --list --all lists every id\n", sampleSize)
	}
}

func (p purgePlan) Run(ctx context.Context, s *session, o *operator.Operator) error {
	plan, err := o.PlanPurge(ctx, p.Class, p.most(s))
	return show(s, plan, err, func(w io.Writer, a *operator.Plan) {
		fmt.Fprintf(w, "class   %s, kept for %s by the dates of %s\n", a.Class, a.Keep, a.Zone)
		fmt.Fprintf(w, "due     %d at %s\n", a.Due, instantText(a.Cutoff))
		fmt.Fprintf(w, "held    %d of them\n", a.Held)
		if !a.Oldest.IsZero() {
			fmt.Fprintf(w, "oldest  %s, its start or withdrawal\n", instantText(a.Oldest))
		}
		fmt.Fprintf(w, "time    about %s, a rough estimate\n", time.Duration(a.Seconds)*time.Second)
		fmt.Fprintf(w, "cost    at most about $%.2f, for records of up to 1 KB without objects:\n"+
			"        %d write units and %d read units of DynamoDB, files, functions\n", math.Ceil(a.CostUSD*100)/100, a.WriteUnits, a.ReadUnits)
		fmt.Fprintf(w, "plan    %s\n\n", a.PlanHash)
		if p.List {
			remainingText(w, a.Records)
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "This was a dry run; nothing was deleted. A purge counts again, deletes what is\n"+
			"due then, keeps what a hold covers and what changed meanwhile, reads everything\n"+
			"again and signs a certificate.\n")
		next(w, "stille purge run "+a.Class)
	})
}

type purgeStop struct {
	ID string `arg:"" name:"run" help:"The run: the execution's name."`
}

func (p purgeStop) Run(ctx context.Context, s *session, o *operator.Operator) error {
	stop, err := o.StopRun(ctx, p.ID)
	return show(s, stop, err, func(w io.Writer, a *operator.Stop) {
		if a.ApprovalEnded {
			fmt.Fprintf(w, "ended: the approval until done; the next purge of %s halts unless the brake lets it\n", a.Class)
		}
		switch {
		case a.Ended:
			next(w, "stille purge plan "+a.Class)
		case a.Execution != "":
			fmt.Fprintf(w, "%s of %s was killed: its execution ended as %s, without a certificate.\n"+
				"A function of it that lives on stops before its next page. The next purge of\n"+
				"%s writes its certificate, then deletes what is due.\n", a.Run, a.Class, a.Execution, a.Class)
			next(w, "stille purge run "+a.Class)
		default:
			fmt.Fprintf(w, "asked to stop: %s of %s\n", a.Run, a.Class)
			next(w, "stille purge show "+a.Run)
		}
	})
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
		return show(s, run, err, func(w io.Writer, a *operator.Run) {
			runText(w, a)
			if p.List {
				fmt.Fprintln(w)
				remainingText(w, a.Records)
			}
		})
	}
	runs, err := o.ShowRuns(ctx)
	return show(s, runs, err, runListText)
}

func runListText(w io.Writer, a *operator.RunList) {
	if len(a.Runs) > 0 {
		newest := a.Runs[0]
		fmt.Fprintf(w, "%d runs; the newest, of %s, is %s\n", len(a.Runs), newest.Class, outcomeText(newest))
	}
	t := newTable(w, "STARTED", "CLASS", "OUTCOME", "DUE", "DELETED", "HELD", "CHANGED", "FAILED", "RUN")
	for _, r := range a.Runs {
		c := certificate.Counts{Due: r.Planned}
		if r.Counts != nil {
			c = *r.Counts
		}
		t.row(r.StartedAt, r.Class, outcomeText(r), c.Due, c.Deleted, c.Held, c.Changed, c.Failed, r.ID)
	}
	t.end("no purge ran yet; `stille purge run CLASS` starts one")
}

func runText(w io.Writer, a *operator.Run) {
	facts(w, "outcome", outcomeText(*a), "run", a.ID, "class", a.Class, "cutoff", a.Cutoff, "started", a.StartedAt)
	if !a.ScheduledFor.IsZero() {
		facts(w, "for", instantText(a.ScheduledFor)+", by the schedule")
	}
	approved := a.ApprovedBy
	if a.UntilDone {
		approved += ", until done"
	}
	facts(w, "by", a.StartedBy, "approved", approved, "stopped", a.StopBy)
	for _, reason := range a.Reasons {
		facts(w, "because", reason)
	}
	for _, finding := range slices.Sorted(maps.Keys(a.Findings)) {
		facts(w, "found", fmt.Sprintf("%d %s", a.Findings[finding], finding))
	}
	facts(w, "ended", a.EndedAt, "plan", a.PlanHash)
	if a.Counts == nil {
		facts(w, "due", fmt.Sprintf("%d when it was planned", a.Planned))
		return
	}
	c := a.Counts
	facts(w, "due", c.Due, "deleted", c.Deleted, "held", c.Held, "changed", c.Changed, "failed", c.Failed, "left", c.Left)
	if a.Outcome == certificate.Halted {
		who := "you have"
		if a.StartedBy != "" {
			who = "another operator has"
		}
		fmt.Fprintf(w, "\nnext, once %s looked and it is right: stille purge approve %s\n", who, a.PlanHash)
		return
	}
	next(w, fmt.Sprintf("stille certificate get %s --out %s", a.ID, a.ID))
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
	return show(s, schedule, err, func(w io.Writer, a *operator.Schedule) {
		fmt.Fprintf(w, "scheduled: a purge of %s starts once at %s (schedule %s)\n\nnext, after that: stille purge show\n",
			a.Class, instantText(a.At), a.Schedule)
	})
}

type purgeApprove struct {
	PlanHash  string `arg:"" check:"plan" name:"planhash" help:"The plan's hash, as the halted run shows it."`
	UntilDone bool   `help:"Let the runs of the next nights go on with the plan, until all of its records are gone."`
}

func (p purgeApprove) Run(ctx context.Context, s *session, o *operator.Operator) error {
	approved, err := o.ApprovePlan(ctx, p.PlanHash, p.UntilDone)
	if err != nil || approved.Purge == nil {
		return show(s, approved, err, func(w io.Writer, a *operator.Approved) {
			fmt.Fprintf(w, "approved: %s\nnext: somebody who may start a purge types: stille purge run %s\n", a.PlanHash, a.Class)
		})
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
