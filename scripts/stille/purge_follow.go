package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/purge"
	"stille/shared/retention"
)

// How often a run is looked at, and how often that is said where lines cannot
// be written over.
const (
	lookEvery = time.Second
	sayEvery  = 30 * time.Second
)

// follower watches one run and says how it goes.
type follower struct {
	*session
	sys         *system
	class       retention.Class
	run, arn    string
	begun, said time.Time
	terminal    bool
	planned     *purge.Run // nil before its plan
	left        int        // of what it planned, when it was last counted
	countFrom   time.Time  // not before
}

// follow waits until the execution has ended.
func (f *follower) follow(ctx context.Context) (*sfn.DescribeExecutionOutput, error) {
	f.said = f.begun
	for {
		state, err := f.sys.executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &f.arn})
		if err != nil {
			return nil, fmt.Errorf("looking at the purge: %w", err)
		}
		if err := f.sayPlan(ctx); err != nil {
			return nil, err
		}
		if state.Status != types.ExecutionStatusRunning {
			f.clear()
			return state, nil
		}
		if err := f.sayProgress(ctx); err != nil {
			return nil, err
		}
		if err := f.sleep(ctx, lookEvery); err != nil {
			f.clear()
			return nil, fmt.Errorf("waiting for the purge: %w", err)
		}
	}
}

func (f *follower) sayPlan(ctx context.Context) error {
	if f.planned != nil {
		return nil
	}
	run, err := f.sys.runs.Get(ctx, f.class.Name, f.run)
	if errors.Is(err, purge.ErrNoRun) {
		return nil
	}
	if err != nil {
		return err
	}
	f.planned, f.left = &run, run.Planned
	f.clear()
	f.say("planned: %d due at %s", run.Planned, run.Cutoff.Format(time.RFC3339))
	return nil
}

func (f *follower) sayProgress(ctx context.Context) error {
	now := f.now()
	elapsed := now.Sub(f.begun).Round(time.Second)
	switch {
	case f.terminal:
		if err := f.count(ctx); err != nil {
			return err
		}
		fmt.Fprintf(f.stderr, "\r\x1b[K%s", f.bar(elapsed))
	case now.Sub(f.said) >= sayEvery:
		f.said = now
		f.say("running, %s", elapsed)
	}
	return nil
}

// idle is how many times as long as a count took nothing is counted after it:
// watching a purge should cost little beside the purge.
const idle = 10

// count asks the index how much of what was planned it still shows. What is
// held or failed stays in it, so a run may end with some left.
func (f *follower) count(ctx context.Context) error {
	begun := f.now()
	if f.planned == nil || f.planned.Planned == 0 || begun.Before(f.countFrom) {
		return nil
	}
	left, err := purge.Make(ctx, f.sys.records, f.class, f.planned.PolicyHash, f.planned.Cutoff)
	if err != nil {
		return err
	}
	f.left = left.Due()
	f.countFrom = f.now().Add(idle * f.now().Sub(begun))
	return nil
}

func (f *follower) bar(elapsed time.Duration) string {
	if f.planned == nil || f.planned.Planned == 0 {
		return "running, " + elapsed.String()
	}
	return fmt.Sprintf("%s gone, %s", bar(max(0, f.planned.Planned-f.left), f.planned.Planned), elapsed)
}

// clear takes away the line that is written over.
func (f *follower) clear() {
	if f.terminal {
		fmt.Fprint(f.stderr, "\r\x1b[K")
	}
}
