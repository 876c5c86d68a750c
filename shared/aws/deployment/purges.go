package deployment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"stille/shared/aws/stepfunctions"
	"stille/shared/names"
	"stille/shared/operator"
)

// Starter is the part of Step Functions that starts and watches a purge.
type Starter interface {
	stepfunctions.Describer
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// Purges are the executions of the state machines that purge.
type Purges struct {
	Steps   Starter
	Outputs Outputs // name the machines
}

// Start starts a purge of a class and returns the execution's name.
func (p Purges) Start(ctx context.Context, class, startedBy, approved string) (string, error) {
	machine, err := p.Outputs.get(ctx, names.OutputPurge(class))
	if err != nil {
		return "", err
	}
	input, err := json.Marshal(struct {
		StartedBy string `json:"startedBy"`
		Approved  string `json:"approved,omitempty"`
	}{startedBy, approved})
	if err != nil {
		return "", err
	}
	started, err := p.Steps.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machine, Input: aws.String(string(input))})
	var refusal smithy.APIError
	if errors.As(err, &refusal) && refusal.ErrorCode() == "AccessDeniedException" {
		return "", fmt.Errorf("%w: %w", operator.ErrMayNotStart, err)
	}
	if err != nil {
		return "", err
	}
	arn := aws.ToString(started.ExecutionArn)
	return arn[strings.LastIndexByte(arn, ':')+1:], nil
}

// State tells how the execution of a run stands.
func (p Purges) State(ctx context.Context, class, run string) (operator.Execution, error) {
	machine, err := p.Outputs.get(ctx, names.OutputPurge(class))
	if err != nil {
		return operator.Execution{}, err
	}
	out, err := stepfunctions.New(p.Steps).Describe(ctx, machine, run)
	if out == nil {
		return operator.Execution{}, err
	}
	return operator.Execution{Running: out.Status == types.ExecutionStatusRunning, Status: string(out.Status), Error: aws.ToString(out.Error)}, nil
}

// Scheduler is the part of EventBridge Scheduler that schedules a purge.
type Scheduler interface {
	GetSchedule(context.Context, *scheduler.GetScheduleInput, ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error)
	CreateSchedule(context.Context, *scheduler.CreateScheduleInput, ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error)
}

// Schedules are the schedules of a stack's purges.
type Schedules struct {
	Scheduler Scheduler
	Stack     names.Stack
}

// Once adds a schedule that runs once and then is deleted, with the target, the
// role and the dead-letter queue of the nightly schedule. Its input names who
// scheduled the purge.
func (s Schedules) Once(ctx context.Context, class string, at time.Time, by string) (string, error) {
	nightly, err := s.Scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String(s.Stack.Purge(class))})
	if err != nil {
		return "", fmt.Errorf("reading the nightly schedule of %s: %w", class, err)
	}
	target, err := withStarter(nightly.Target, by)
	if err != nil {
		return "", fmt.Errorf("scheduling a purge of %s: %w", class, err)
	}
	at = at.UTC()
	name := s.Stack.Purge(class) + "-" + at.Format("20060102T150405Z")
	_, err = s.Scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name:                       &name,
		ScheduleExpression:         aws.String("at(" + at.Format("2006-01-02T15:04:05") + ")"),
		ScheduleExpressionTimezone: aws.String("UTC"),
		FlexibleTimeWindow:         &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		ActionAfterCompletion:      schedulertypes.ActionAfterCompletionDelete,
		GroupName:                  nightly.GroupName,
		Target:                     target,
	})
	var conflict *schedulertypes.ConflictException
	if errors.As(err, &conflict) {
		return "", operator.ErrScheduled
	}
	if err != nil {
		return "", fmt.Errorf("scheduling a purge of %s: %w", class, err)
	}
	return name, nil
}

// withStarter is the target with the starter in its input. The placeholder of the
// scheduled time must stay as it is: the scheduler looks for its exact characters.
func withStarter(target *schedulertypes.Target, by string) (*schedulertypes.Target, error) {
	input := map[string]any{}
	if text := aws.ToString(target.Input); text != "" {
		if err := json.Unmarshal([]byte(text), &input); err != nil {
			return nil, fmt.Errorf("reading the input of the nightly schedule: %w", err)
		}
	}
	input["startedBy"] = by // as Purges.Start writes it
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(input); err != nil {
		return nil, err
	}
	with := *target
	with.Input = aws.String(strings.TrimSuffix(text.String(), "\n"))
	return &with, nil
}
