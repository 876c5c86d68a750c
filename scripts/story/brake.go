package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/purge"
)

// flood is the number of records that fall due at once: the brake lets a
// thousand pass.
const flood = 1001

// halt makes more records of a class due than a purge may delete without
// approval, checks that the purge deletes none, and lets the operator approve the
// plan, whose run is killed.
func (s *story) halt(ctx context.Context) error {
	class := classes()[0]
	ids, err := s.flood(ctx, class.name, class.keep)
	if err != nil {
		return err
	}
	// A run without a starter, as of the schedule, may be approved by any
	// operator.
	ended, err := s.execute(ctx, class.name, `{}`)
	if err != nil {
		return err
	}
	plan, err := answerOf[run](ctx, s, "purge", "show", aws.ToString(ended.Name))
	if err != nil {
		return err
	}
	if plan.Outcome != certificate.Halted || plan.Counts.Deleted != 0 || len(plan.Reasons) == 0 {
		return fmt.Errorf("the purge ended %s with %d deleted and %d reasons", plan.Outcome, plan.Counts.Deleted, len(plan.Reasons))
	}
	s.print("purge of "+class.name, fmt.Sprintf("%s: %s", plan.Outcome, plan.Reasons[0]))
	if err := s.expectLeft(ctx, class.name, ids, len(ids)); err != nil {
		return err
	}
	return s.replaceKilled(ctx, class.name, plan, ids)
}

// flood stores due records, and waits until a purge finds them.
func (s *story) flood(ctx context.Context, class, keep string) ([]string, error) {
	overdue, _, err := s.newestStart(keep, -1)
	if err != nil {
		return nil, err
	}
	given := make([]record, flood)
	ids := make([]string, flood)
	for i := range given {
		ids[i] = fmt.Sprintf("flood-%s-%d", s.id, i)
		given[i] = record{ID: ids[i], OccurredAt: overdue, Start: &overdue, Data: map[string]string{"note": "told by the story"}}
	}
	for chunk := range slices.Chunk(given, 100) {
		if _, err := s.storeAll(ctx, class, chunk); err != nil {
			return nil, err
		}
	}
	for _, r := range given {
		if err := s.awaitStamp(ctx, tale{class: class, record: r}); err != nil {
			return nil, err
		}
	}
	s.print(fmt.Sprintf("%d records of %s", flood, class), "stored, due since yesterday")
	return ids, nil
}

// expectLeft counts the remaining records, and compares.
func (s *story) expectLeft(ctx context.Context, class string, ids []string, want int) error {
	left := 0
	for chunk := range slices.Chunk(ids, purge.MaxDeletes) {
		there, _, err := s.records.Load(ctx, class, chunk)
		if err != nil {
			return err
		}
		left += len(there)
	}
	s.print("of these records", fmt.Sprintf("%d are there", left))
	if left != want {
		return fmt.Errorf("%d records are there, where %d is right", left, want)
	}
	return nil
}

// run is a purge's run in the output of the operator's command.
type run struct {
	Run      string
	Outcome  certificate.Outcome
	PlanHash string
	Reasons  []string
	Counts   certificate.Counts
}

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
		on, err := s.sfn.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &machine, StatusFilter: types.ExecutionStatusRunning})
		if err != nil || len(on.Executions) == 0 {
			return false, err
		}
		arn = on.Executions[0].ExecutionArn
		return true, nil
	})
	if err == nil {
		err = await(ctx, func(ctx context.Context) (bool, error) {
			there, _, err := s.records.Load(ctx, class, some)
			return err == nil && len(there) < len(some), err
		})
	}
	if err == nil {
		_, err = s.sfn.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: arn})
	}
	if err != nil {
		return "", fmt.Errorf("killing the run: %w", err)
	}
	return aws.ToString(arn)[strings.LastIndexByte(aws.ToString(arn), ':')+1:], nil
}
