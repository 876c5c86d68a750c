// Package stepfunctions reads the state of an execution of a state machine.
package stepfunctions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Describer is the part of Step Functions that describes an execution.
type Describer interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Executions are the executions of all state machines.
type Executions struct{ steps Describer }

// New returns the executions that Step Functions knows.
func New(steps Describer) Executions { return Executions{steps} }

// Running reports whether a run of a state machine (an ARN) is running. An
// execution that Step Functions does not know, or no longer knows, is not
// running.
func (e Executions) Running(ctx context.Context, machine, run string) (bool, error) {
	out, err := e.Describe(ctx, machine, run)
	return out != nil && out.Status == types.ExecutionStatusRunning, err
}

// Describe describes a run of a state machine (an ARN). It returns nil for an
// execution that Step Functions does not know, or no longer knows.
func (e Executions) Describe(ctx context.Context, machine, run string) (*sfn.DescribeExecutionOutput, error) {
	arn := strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + run
	out, err := e.steps.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	var unknown *types.ExecutionDoesNotExist
	if errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking Step Functions for the state of a run: %w", err)
	}
	return out, nil
}
