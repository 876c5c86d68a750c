package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// stepFunctions knows the executions of the purges.
type stepFunctions struct{ client *sfn.Client }

// Running tells whether a run of a state machine goes on. One that Step
// Functions does not know (any more) does not.
func (s stepFunctions) Running(ctx context.Context, machine, run string) (bool, error) {
	execution := strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + run
	out, err := s.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(execution)})
	var unknown *types.ExecutionDoesNotExist
	if errors.As(err, &unknown) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether a run goes on: %w", err)
	}
	return out.Status == types.ExecutionStatusRunning, nil
}
