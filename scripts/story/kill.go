package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/purge"
)

// replaceKilled lets the operator approve a plan, kills its run while records go, and lets
// the next run account for it. Each deletion is in one of the two certificates.
func (s *story) replaceKilled(ctx context.Context, class string, plan run, ids []string) error {
	approved := make(chan error, 1)
	go func() {
		_, err := s.operator(ctx, "purge", "approve", plan.PlanHash)
		approved <- err
	}()
	id, err := s.kill(ctx, class, ids)
	if err != nil {
		return err
	}
	if <-approved == nil {
		return errors.New("the run ended before it could be killed")
	}
	s.print(fmt.Sprintf("stille purge approve %.8s…", plan.PlanHash), "records go, and somebody stops the execution")
	stop, err := answerOf[operator.Stop](ctx, s, "purge", "stop", id)
	if err != nil {
		return err
	}
	s.print("stille purge stop, too late", "the run was killed: "+stop.Execution)
	if stop.Execution != string(types.ExecutionStatusAborted) {
		return fmt.Errorf("the execution is %q", stop.Execution)
	}
	next, err := answerOf[run](ctx, s, "purge", "run", class)
	if err != nil {
		return err
	}
	s.print("the next run, stille purge run "+class, fmt.Sprintf("%s: %d due, %d deleted", next.Outcome, next.Counts.Due, next.Counts.Deleted))
	if err := s.expectLeft(ctx, class, ids, 0); err != nil {
		return err
	}
	deleted := 0
	for _, run := range []string{id, next.Run} {
		proof, err := s.verify(ctx, class, run)
		if err != nil {
			return err
		}
		deleted += proof.Counts.Deleted
		if run == id && (proof.Outcome != certificate.Failed || proof.PlanHash != plan.PlanHash || proof.ApprovedBy == nil || proof.ApprovedBy.Hash == "") {
			return errors.New("the certificate of the killed run does not name the plan and who approved it")
		}
	}
	s.print("both certificates together", fmt.Sprintf("%d deleted", deleted))
	if deleted != len(ids) {
		return fmt.Errorf("%d are certified as deleted, where %d is right", deleted, len(ids))
	}
	return nil
}

// kill stops the class's execution, as the console's stop button does, once some of the
// records are gone. It returns the execution's name.
func (s *story) kill(ctx context.Context, class string, ids []string) (string, error) {
	machine := s.stack.Purge[class]
	some := ids[:purge.MaxDeletes]
	var arn *string
	err := await(ctx, func(ctx context.Context) (bool, error) {
		there, _, err := s.records.Load(ctx, class, some)
		if err != nil || len(there) == len(some) {
			return false, err
		}
		on, err := s.sfn.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &machine, StatusFilter: types.ExecutionStatusRunning})
		if err != nil || len(on.Executions) == 0 {
			return false, err
		}
		arn = on.Executions[0].ExecutionArn
		return true, nil
	})
	if err == nil {
		_, err = s.sfn.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: arn})
	}
	if err != nil {
		return "", fmt.Errorf("killing the run: %w", err)
	}
	return aws.ToString(arn)[strings.LastIndexByte(aws.ToString(arn), ':')+1:], nil
}
