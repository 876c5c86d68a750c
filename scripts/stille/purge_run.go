package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	scheduled "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

type purgeRun struct {
	Class string  `arg:"" help:"A class of the retention policy."`
	At    instant `placeholder:"TIME" help:"Do not start it now but then, once."`
}

// Help says what comes of it.
func (purgeRun) Help() string {
	return `This deletes data. It deletes what is due in the class, keeps what is under a hold or changed meanwhile, and ends in a signed certificate. Ending this program does not end the purge.

    $ stille purge run messaging
    $ stille purge run messaging --at 2026-11-23T02:00:00Z`
}

// Run starts the purge and waits for its end, or schedules it.
func (p purgeRun) Run(ctx context.Context, s *session) error {
	class, _, err := s.class(ctx, p.Class)
	if err != nil {
		return err
	}
	if !p.At.IsZero() && !p.At.After(s.now()) {
		return usage("--at: must be in the future; leave it out to start now")
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	if !p.At.IsZero() {
		return p.schedule(ctx, s, sys)
	}
	by, err := sys.principal(ctx)
	if err != nil {
		return err
	}
	return s.startAndFollow(ctx, sys, class, executionInput{StartedBy: by})
}

// executionInput is what an execution is started with.
type executionInput struct {
	StartedBy string `json:"startedBy"`
	Approved  string `json:"approved,omitempty"` // hash of the plan whose approval it carries out
}

// startAndFollow starts a purge and waits for its end.
func (s *session) startAndFollow(ctx context.Context, sys *system, class retention.Class, with executionInput) error {
	machine, err := sys.output(ctx, names.OutputPurge(class.Name))
	if err != nil {
		return err
	}
	input, err := json.Marshal(with)
	if err != nil {
		return fmt.Errorf("starting a purge of %s: %w", class.Name, err)
	}
	started, err := sys.executions.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &machine, Input: aws.String(string(input)),
	})
	if err != nil {
		return fmt.Errorf("starting a purge of %s: %w", class.Name, err)
	}
	arn := aws.ToString(started.ExecutionArn)
	id := arn[strings.LastIndexByte(arn, ':')+1:]
	f := follower{session: s, sys: sys, class: class, run: id, arn: arn, begun: s.now(), terminal: isTerminal(s.stderr)}
	f.say("started %s on %s", id, sys.where)
	ended, err := f.follow(ctx)
	if err != nil {
		return fmt.Errorf("%w; the purge may go on: `stille purge show %s` says how it ended", err, id)
	}
	return f.conclude(ctx, ended)
}

// conclude says how the run ended, by what is stored of it.
func (f *follower) conclude(ctx context.Context, ended *sfn.DescribeExecutionOutput) error {
	run, err := f.sys.runs.Get(ctx, f.class.Name, f.run)
	if err != nil && !errors.Is(err, purge.ErrNoRun) {
		return err
	}
	if !run.Certified() {
		return fmt.Errorf("the run %s ended as %s and without a certificate (%s): the functions' logs, %s*, say why",
			f.run, ended.Status, aws.ToString(ended.Error), f.sys.name.LogGroups())
	}
	if err := f.show(told(run)); err != nil {
		return err
	}
	switch run.Outcome {
	case certificate.Completed:
		return nil
	case certificate.Halted:
		return errHalted
	}
	return fmt.Errorf("the purge ended as %s: what it had not deleted by then is still there, and the next run takes it up", run.Outcome)
}

type scheduleAnswer struct {
	Class    string    `json:"class"`
	At       time.Time `json:"at"`
	Schedule string    `json:"schedule"`
}

func (a scheduleAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "scheduled: a purge of %s starts once at %s (schedule %s)\n\nnext, after that: stille purge show\n",
		a.Class, a.At.Format(time.RFC3339), a.Schedule)
}

// schedule adds a schedule that runs once and then goes, with the target, the
// role and the dead-letter queue of the nightly one.
func (p purgeRun) schedule(ctx context.Context, s *session, sys *system) error {
	nightly, err := sys.schedules.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String(sys.name.Purge(p.Class))})
	if err != nil {
		return fmt.Errorf("reading the nightly schedule of %s: %w", p.Class, err)
	}
	at := p.At.UTC().Truncate(time.Second)
	name := sys.name.Purge(p.Class) + "-" + at.Format("20060102T150405Z")
	_, err = sys.schedules.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name:                       &name,
		ScheduleExpression:         aws.String("at(" + at.Format("2006-01-02T15:04:05") + ")"),
		ScheduleExpressionTimezone: aws.String("UTC"),
		FlexibleTimeWindow:         &scheduled.FlexibleTimeWindow{Mode: scheduled.FlexibleTimeWindowModeOff},
		ActionAfterCompletion:      scheduled.ActionAfterCompletionDelete,
		GroupName:                  nightly.GroupName,
		Target:                     nightly.Target,
	})
	var there *scheduled.ConflictException
	if errors.As(err, &there) {
		return errors.New("a purge of this class is scheduled for this time already")
	}
	if err != nil {
		return fmt.Errorf("scheduling a purge of %s: %w", p.Class, err)
	}
	return s.show(scheduleAnswer{Class: p.Class, At: at, Schedule: name})
}
