package deployment_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/aws/deployment"
	"stille/shared/names"
	"stille/shared/operator"
)

// fakeSteps remembers what was started. Every execution of the messaging class
// but run-9 was aborted.
type fakeSteps struct{ machine, input string }

func (f *fakeSteps) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	f.machine, f.input = *in.StateMachineArn, *in.Input
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String("arn:aws:states:::execution:messaging:run-1")}, nil
}

func (f *fakeSteps) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	if *in.ExecutionArn != "arn:aws:states:::execution:messaging:run-1" {
		return nil, &types.ExecutionDoesNotExist{}
	}
	return &sfn.DescribeExecutionOutput{Status: types.ExecutionStatusAborted, Error: aws.String("States.TaskFailed")}, nil
}

func TestPurgeStartsOnTheMachineOfItsClass(t *testing.T) {
	steps := &fakeSteps{}
	outputs := map[string]string{names.OutputPurge("messaging"): "arn:aws:states:::stateMachine:messaging"}
	purges := deployment.Purges{Steps: steps, Outputs: func(context.Context) (map[string]string, error) { return outputs, nil }}
	for approved, input := range map[string]string{"": `{"startedBy":"me"}`, "abc": `{"startedBy":"me","approved":"abc"}`} {
		run, err := purges.Start(t.Context(), "messaging", "me", approved)
		if err != nil || run != "run-1" || steps.machine != outputs[names.OutputPurge("messaging")] || steps.input != input {
			t.Errorf("run %q, error %v, started %+v", run, err, steps)
		}
	}
	if _, err := purges.Start(t.Context(), "letters", "me", ""); err == nil {
		t.Error("a class that is not deployed is purged")
	}
	want := operator.Execution{Status: "ABORTED", Error: "States.TaskFailed"}
	if got, err := purges.State(t.Context(), "messaging", "run-1"); err != nil || got != want {
		t.Errorf("state %+v, error %v", got, err)
	}
	if got, err := purges.State(t.Context(), "messaging", "run-9"); err != nil || got != (operator.Execution{}) {
		t.Errorf("of an unknown run: state %+v, error %v", got, err)
	}
}

// fakeScheduler has the nightly schedule of the messaging class.
type fakeScheduler struct {
	created []scheduler.CreateScheduleInput
}

func nightly() *schedulertypes.Target {
	return &schedulertypes.Target{
		Arn: aws.String("arn:machine"), RoleArn: aws.String("arn:role"), Input: aws.String(`{"scheduledTime":"<aws.scheduler.scheduled-time>"}`),
		DeadLetterConfig: &schedulertypes.DeadLetterConfig{Arn: aws.String("arn:queue")},
	}
}

func (f *fakeScheduler) GetSchedule(_ context.Context, in *scheduler.GetScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error) {
	if *in.Name != "stille-purge-messaging" {
		return nil, &schedulertypes.ResourceNotFoundException{}
	}
	return &scheduler.GetScheduleOutput{GroupName: aws.String("default"), Target: nightly()}, nil
}

func (f *fakeScheduler) CreateSchedule(_ context.Context, in *scheduler.CreateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	if len(f.created) > 0 {
		return nil, &schedulertypes.ConflictException{}
	}
	f.created = append(f.created, *in)
	return &scheduler.CreateScheduleOutput{}, nil
}

func TestScheduleRunsOnceAsTheNightlyOne(t *testing.T) {
	service := &fakeScheduler{}
	schedules := deployment.Schedules{Scheduler: service, Stack: "stille"}
	name, err := schedules.Once(t.Context(), "messaging", at, "arn:kari")
	if err != nil {
		t.Fatal(err)
	}
	target := nightly()
	target.Input = aws.String(`{"scheduledTime":"<aws.scheduler.scheduled-time>","startedBy":"arn:kari"}`)
	want := []scheduler.CreateScheduleInput{{
		Name: aws.String("stille-purge-messaging-20261122T030000Z"), GroupName: aws.String("default"), Target: target,
		ScheduleExpression: aws.String("at(2026-11-22T03:00:00)"), ScheduleExpressionTimezone: aws.String("UTC"),
		FlexibleTimeWindow:    &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		ActionAfterCompletion: schedulertypes.ActionAfterCompletionDelete,
	}}
	unexported := cmpopts.IgnoreUnexported(scheduler.CreateScheduleInput{}, schedulertypes.Target{}, schedulertypes.DeadLetterConfig{}, schedulertypes.FlexibleTimeWindow{})
	if diff := cmp.Diff(want, service.created, unexported); diff != "" || name != *want[0].Name {
		t.Errorf("name %s (-want +got)\n%s", name, diff)
	}
	if _, err := schedules.Once(t.Context(), "messaging", at, "arn:kari"); !errors.Is(err, operator.ErrScheduled) {
		t.Errorf("the second time: error %v, want ErrScheduled", err)
	}
	if _, err := schedules.Once(t.Context(), "letters", at, "arn:kari"); err == nil {
		t.Error("a class without a nightly schedule is scheduled")
	}
}
