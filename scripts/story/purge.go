package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/certificate"
	"stille/shared/schema"
)

// purge runs both classes' purges, looks at every record of the story, and
// verifies the certificates.
func (s *story) purge(ctx context.Context, kari person) error {
	runs := map[string]string{}
	for _, class := range classes() {
		run, counts, err := s.runPurge(ctx, class.name)
		if err != nil {
			return fmt.Errorf("%s: %w", class.name, err)
		}
		runs[class.name] = run
		s.seen("purge of "+class.name, fmt.Sprintf("COMPLETED: %d due, %d deleted, %d held", counts.Due, counts.Deleted, counts.Held))
	}
	for _, t := range s.tales() {
		gone, err := s.isGone(ctx, t)
		if err != nil {
			return err
		}
		result := "stays"
		if gone {
			result = "gone "
		}
		s.seen(t.class+" "+t.id, result+"  "+t.why)
		if gone != t.goes {
			return fmt.Errorf("%s %s: gone %v, where %v is right", t.class, t.id, gone, t.goes)
		}
	}
	if err := s.expect(ctx, kari, false, false); err != nil {
		return fmt.Errorf("the opt-outs must outlive the purge: %w", err)
	}
	for _, class := range classes() {
		if err := s.verify(ctx, class.name, runs[class.name]); err != nil {
			return err
		}
	}
	return nil
}

// runPurge starts a class's purge with the input that its schedule has, and
// waits for its end.
func (s *story) runPurge(ctx context.Context, class string) (run string, counts certificate.Counts, err error) {
	nightly, err := s.nightly.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String(schema.DefaultStack.Purge(class))})
	if err != nil {
		return "", counts, fmt.Errorf("reading the schedule: %w", err)
	}
	if got, want := aws.ToString(nightly.Target.Arn), s.stack.Purge[class]; got != want {
		return "", counts, fmt.Errorf("the schedule starts %s, not %s", got, want)
	}
	// What the scheduler puts in for its placeholder.
	input := strings.ReplaceAll(aws.ToString(nightly.Target.Input), "<aws.scheduler.scheduled-time>", s.now.UTC().Format(time.RFC3339))
	started, err := s.sfn.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: nightly.Target.Arn, Input: &input})
	if err != nil {
		return "", counts, fmt.Errorf("starting the purge: %w", err)
	}
	for {
		got, err := s.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			return "", counts, fmt.Errorf("waiting for the purge: %w", err)
		}
		switch got.Status {
		case types.ExecutionStatusRunning:
		case types.ExecutionStatusSucceeded:
			var output struct {
				Outcome certificate.Outcome
				Counts  certificate.Counts
			}
			if err := json.Unmarshal([]byte(aws.ToString(got.Output)), &output); err != nil {
				return "", counts, fmt.Errorf("reading the purge's end: %w", err)
			}
			if output.Outcome != certificate.Completed || !output.Counts.Balanced() {
				return "", counts, fmt.Errorf("it ended %s with %+v", output.Outcome, output.Counts)
			}
			return aws.ToString(got.Name), output.Counts, nil
		default:
			return "", counts, fmt.Errorf("it ended %s: %s", got.Status, aws.ToString(got.Error))
		}
		select {
		case <-ctx.Done():
			return "", counts, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// verify fetches a run's certificate and verifies it offline.
func (s *story) verify(ctx context.Context, class, run string) error {
	dir, err := os.MkdirTemp("", "certificate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if _, err := s.operator(ctx, "certificate", "get", run, "--out", dir); err != nil {
		return err
	}
	if _, err := s.operator(ctx, "certificate", "verify", dir); err != nil {
		return err
	}
	written, err := os.ReadFile(dir + "/certificate.json")
	if err != nil {
		return err
	}
	var c certificate.Certificate
	if err := json.Unmarshal(written, &c); err != nil {
		return err
	}
	if c.Class != class || c.Run != run {
		return errors.New("the certificate is another run's")
	}
	s.seen("certificate of "+class, fmt.Sprintf("verified: %s, %d deleted", c.Outcome, c.Counts.Deleted))
	return nil
}
