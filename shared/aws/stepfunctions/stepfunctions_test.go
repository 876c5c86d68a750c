package stepfunctions_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/aws/stepfunctions"
)

// steps knows the executions by their ARN, or fails.
type steps struct {
	status map[string]types.ExecutionStatus
	err    error
}

func (s steps) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	status, known := s.status[aws.ToString(in.ExecutionArn)]
	switch {
	case s.err != nil:
		return nil, s.err
	case !known:
		return nil, &types.ExecutionDoesNotExist{}
	}
	return &sfn.DescribeExecutionOutput{Status: status}, nil
}

func TestRunIsRunningWhileItsExecutionIs(t *testing.T) {
	const machine = "arn:aws:states:eu-north-1:1:stateMachine:stille-purge-messaging"
	down := errors.New("step functions is down")
	all := stepfunctions.New(steps{status: map[string]types.ExecutionStatus{
		"arn:aws:states:eu-north-1:1:execution:stille-purge-messaging:going":  types.ExecutionStatusRunning,
		"arn:aws:states:eu-north-1:1:execution:stille-purge-messaging:killed": types.ExecutionStatusAborted,
	}})
	for run, want := range map[string]bool{"going": true, "killed": false, "forgotten": false} {
		if got, err := all.Running(t.Context(), machine, run); err != nil || got != want {
			t.Errorf("%s: goes on %v, error %v", run, got, err)
		}
	}
	if _, err := stepfunctions.New(steps{err: down}).Running(t.Context(), machine, "going"); !errors.Is(err, down) {
		t.Errorf("error %v, want %v: in doubt nobody may take its place", err, down)
	}
}
