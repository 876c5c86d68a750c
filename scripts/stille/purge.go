package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"stille/shared/certificate"
	"stille/shared/purge"
)

type purges struct {
	Plan    purgePlan    `cmd:"" help:"A dry run: what would go now, and at what cost."`
	Run     purgeRun     `cmd:"" help:"Start a purge and wait for it, or schedule one."`
	Approve purgeApprove `cmd:"" help:"Let a purge go on that the brake halted, and wait for it."`
	Stop    purgeStop    `cmd:"" help:"Stop a purge before its next page."`
	Show    purgeShow    `cmd:"" help:"The purges there were, or one of them."`
}

// runAnswer is one run of a purge.
type runAnswer struct {
	Class       string              `json:"class"`
	Run         string              `json:"run"`
	Outcome     certificate.Outcome `json:"outcome,omitempty"` // empty while it runs
	StartedAt   time.Time           `json:"startedAt"`
	Scheduled   time.Time           `json:"scheduledFor,omitzero"` // absent where it was started by hand
	EndedAt     time.Time           `json:"endedAt,omitzero"`
	Cutoff      time.Time           `json:"cutoff"`
	PlanHash    string              `json:"planHash"`
	Planned     int                 `json:"planned"`
	StartedBy   string              `json:"startedBy,omitempty"`
	ApprovedBy  string              `json:"approvedBy,omitempty"`
	StoppedBy   string              `json:"stoppedBy,omitempty"`
	Reasons     []string            `json:"reasons,omitempty"`     // why it did not delete
	Counts      *certificate.Counts `json:"counts,omitempty"`      // absent while it runs
	Certificate string              `json:"certificate,omitempty"` // hash of the certificate
	Audit       bool                `json:"audit,omitempty"`       // it read every record and deleted none
	Findings    map[string]int      `json:"findings,omitempty"`    // of an audit
}

func told(r purge.Run) runAnswer {
	answer := runAnswer{
		Class: r.Class, Run: r.ID, Outcome: r.Outcome, StartedAt: r.StartedAt, Scheduled: r.ScheduledFor, EndedAt: r.EndedAt,
		Cutoff: r.Cutoff, PlanHash: r.PlanHash, Planned: r.Planned, Certificate: r.Certificate,
		StartedBy: r.StartedBy, ApprovedBy: r.ApprovedBy, StoppedBy: r.StopBy, Reasons: r.Reasons,
		Audit: r.Audit, Findings: r.Findings,
	}
	if r.Certified() {
		answer.Counts = &r.Counts
	}
	return answer
}

func (a runAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "run      %s\nclass    %s\noutcome  %s\ncutoff   %s\nstarted  %s\n", a.Run, a.Class,
		a.ended(), a.Cutoff.Format(time.RFC3339), a.StartedAt.Format(time.RFC3339))
	if !a.Scheduled.IsZero() {
		fmt.Fprintf(w, "for      %s, by the schedule\n", a.Scheduled.Format(time.RFC3339))
	}
	a.said(w)
	if a.Counts == nil {
		fmt.Fprintf(w, "plan     %s\ndue      %d when it was planned\n", a.PlanHash, a.Planned)
		return
	}
	c := a.Counts
	fmt.Fprintf(w, "ended    %s\nplan     %s\ndue      %d\ndeleted  %d\nheld     %d\nchanged  %d\nfailed   %d\n",
		a.EndedAt.Format(time.RFC3339), a.PlanHash, c.Due, c.Deleted, c.Held, c.Changed, c.Failed)
	if a.Outcome == certificate.Halted {
		fmt.Fprintf(w, "\nnext, once you have looked and it is right: stille purge approve %s\n", a.PlanHash)
		return
	}
	fmt.Fprintf(w, "\nnext: stille certificate get %s --out %s\n", a.Run, a.Run)
}

// said prints who had a hand in the run, and why it did not delete.
func (a runAnswer) said(w io.Writer) {
	for _, one := range []struct{ what, who string }{{"by", a.StartedBy}, {"approved", a.ApprovedBy}, {"stopped", a.StoppedBy}} {
		if one.who != "" {
			fmt.Fprintf(w, "%-9s%s\n", one.what, one.who)
		}
	}
	for _, reason := range a.Reasons {
		fmt.Fprintf(w, "because  %s\n", reason)
	}
	for _, finding := range slices.Sorted(maps.Keys(a.Findings)) {
		fmt.Fprintf(w, "found    %d %s\n", a.Findings[finding], finding)
	}
}

// ended is the run's outcome, in words where it has none yet.
func (a runAnswer) ended() string {
	outcome := cmp.Or(string(a.Outcome), notCertified)
	if a.Audit {
		outcome += ", audit"
	}
	return outcome
}

// notCertified stands for the outcome of a run that is still going, or was
// killed.
const notCertified = "not certified yet"

type purgeShow struct {
	ID string `arg:"" name:"run" optional:"" help:"One run: the execution's name."`
}

// Help shows a call.
func (purgeShow) Help() string {
	return `    $ stille purge show
    $ stille purge show 0b9c2f6e-1c1d-4a53-9d8b-2f6a3e0d7c11`
}

type runsAnswer struct {
	Runs []runAnswer `json:"runs"`
}

func (a runsAnswer) text(w io.Writer) {
	if len(a.Runs) == 0 {
		fmt.Fprintln(w, "no purge ran yet; `stille purge run CLASS` starts one")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STARTED\tCLASS\tOUTCOME\tDUE\tDELETED\tHELD\tCHANGED\tFAILED\tRUN")
	for _, r := range a.Runs {
		c := certificate.Counts{Due: r.Planned}
		if r.Counts != nil {
			c = *r.Counts
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", r.StartedAt.Format(time.RFC3339), r.Class,
			r.ended(), c.Due, c.Deleted, c.Held, c.Changed, c.Failed, r.Run)
	}
	_ = table.Flush() // into a buffer
}

// Run shows one run, or lists those of all classes, the newest first.
func (p purgeShow) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	if p.ID != "" {
		run, err := findRun(ctx, s, sys, p.ID)
		if err != nil {
			return err
		}
		return s.show(told(run))
	}
	policy, err := s.policy(ctx)
	if err != nil {
		return err
	}
	answer := runsAnswer{Runs: []runAnswer{}}
	for _, class := range policy.Classes {
		runs, err := sys.runs.List(ctx, class.Name)
		if err != nil {
			return err
		}
		for _, run := range runs {
			answer.Runs = append(answer.Runs, told(run))
		}
	}
	slices.SortFunc(answer.Runs, func(a, b runAnswer) int { return b.StartedAt.Compare(a.StartedAt) })
	return s.show(answer)
}

// findRun looks for a run among those of all classes.
func findRun(ctx context.Context, s *session, sys *system, id string) (purge.Run, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return purge.Run{}, err
	}
	for _, class := range policy.Classes {
		run, err := sys.runs.Get(ctx, class.Name, id)
		if err == nil || !errors.Is(err, purge.ErrNoRun) {
			return run, err
		}
	}
	return purge.Run{}, fmt.Errorf("%w; `stille purge show` lists them", purge.ErrNoRun)
}
