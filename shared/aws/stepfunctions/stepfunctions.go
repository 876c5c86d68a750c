// Package stepfunctions tells whether an execution of a state machine goes on.
package stepfunctions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Describer is the part of Step Functions that is asked.
type Describer interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Executions are those of all state machines.
type Executions struct{ steps Describer }

// New returns the executions that Step Functions knows of.
func New(steps Describer) Executions { return Executions{steps} }

// Running tells whether a run of a state machine, an ARN, goes on. One that
// Step Functions does not know (any more) does not.
func (e Executions) Running(ctx context.Context, machine, run string) (bool, error) {
	arn := strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + run
	out, err := e.steps.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	var unknown *types.ExecutionDoesNotExist
	if errors.As(err, &unknown) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether a run goes on: %w", err)
	}
	return out.Status == types.ExecutionStatusRunning, nil
}
