package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/certificate"
	"stille/shared/names"
)

// purge runs the purges of both classes, checks every record of the story, and
// verifies the certificates.
func (s *story) purge(ctx context.Context, kari, jon person) error {
	runs := map[string]string{}
	for _, class := range classes() {
		run, counts, err := s.runPurge(ctx, class.name)
		if err != nil {
			return fmt.Errorf("%s: %w", class.name, err)
		}
		runs[class.name] = run
		s.print("purge of "+class.name, fmt.Sprintf("COMPLETED: %d due, %d deleted, %d held", counts.Due, counts.Deleted, counts.Held))
	}
	for _, t := range s.tales {
		gone, err := s.isGone(ctx, t)
		if err != nil {
			return err
		}
		result := "stays"
		if gone {
			result = "gone "
		}
		s.print(t.class+" "+t.ID, result+"  "+t.why)
		if gone != t.goes {
			return fmt.Errorf("%s %s: gone %v, where %v is right", t.class, t.ID, gone, t.goes)
		}
	}
	if err := s.expectLetter(ctx, "due", false, "it went with its record"); err != nil {
		return err
	}
	if err := s.expectLetter(ctx, "kept", true, "its record is held"); err != nil {
		return err
	}
	if err := s.expectErasure(ctx); err != nil {
		return err
	}
	if err := s.expect(ctx, kari, false, false); err != nil {
		return fmt.Errorf("the opt-outs must outlive the purge: %w", err)
	}
	if err := s.mayGlobex(ctx, jon, decision{Reason: "no-basis", Scope: based}); err != nil {
		return fmt.Errorf("nobody may rest on a deleted consent: %w", err)
	}
	for _, class := range classes() {
		if _, err := s.verify(ctx, class.name, runs[class.name]); err != nil {
			return err
		}
	}
	return nil
}

// runPurge runs a class's purge with the input of its schedule.
func (s *story) runPurge(ctx context.Context, class string) (run string, counts certificate.Counts, err error) {
	nightly, err := s.nightly.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String(names.DefaultStack.Purge(class))})
	if err != nil {
		return "", counts, fmt.Errorf("reading the schedule: %w", err)
	}
	if got, want := aws.ToString(nightly.Target.Arn), s.stack.Purge[class]; got != want {
		return "", counts, fmt.Errorf("the schedule starts %s, not %s", got, want)
	}
	// The scheduler replaces its placeholder with the time.
	input := strings.ReplaceAll(aws.ToString(nightly.Target.Input), "<aws.scheduler.scheduled-time>", s.now.UTC().Format(time.RFC3339))
	// The schedule's own run may be on: it lets no other run of the class delete.
	var ended *sfn.DescribeExecutionOutput
	err = await(ctx, func(ctx context.Context) (bool, error) {
		ended, err = s.execute(ctx, class, input)
		return err == nil && aws.ToString(ended.Error) != names.PurgeStopped, err
	})
	if err != nil {
		return "", counts, err
	}
	if ended.Status != types.ExecutionStatusSucceeded {
		return "", counts, fmt.Errorf("it ended %s: %s", ended.Status, aws.ToString(ended.Error))
	}
	var output struct {
		Outcome certificate.Outcome
		Counts  certificate.Counts
	}
	if err := json.Unmarshal([]byte(aws.ToString(ended.Output)), &output); err != nil {
		return "", counts, fmt.Errorf("reading the purge's end: %w", err)
	}
	if output.Outcome != certificate.Completed || !output.Counts.Balanced() {
		return "", counts, fmt.Errorf("it ended %s with %+v", output.Outcome, output.Counts)
	}
	return aws.ToString(ended.Name), output.Counts, nil
}

// execute starts a class's state machine and waits for its end.
func (s *story) execute(ctx context.Context, class, input string) (*sfn.DescribeExecutionOutput, error) {
	started, err := s.sfn.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(s.stack.Purge[class]), Input: &input})
	if err != nil {
		return nil, fmt.Errorf("starting the purge: %w", err)
	}
	var ended *sfn.DescribeExecutionOutput
	err = every(ctx, func() (bool, error) {
		var err error
		ended, err = s.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		return err == nil && ended.Status != types.ExecutionStatusRunning, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for the purge: %w", err)
	}
	return ended, nil
}

// verify fetches a run's certificate and verifies it offline, with the
// operator's CLI and with openssl alone.
func (s *story) verify(ctx context.Context, class, run string) (certificate.Certificate, error) {
	var c certificate.Certificate
	dir, err := os.MkdirTemp("", "certificate-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if _, err := s.operator(ctx, "certificate", "get", run, "--out", dir); err != nil {
		return c, err
	}
	if _, err := s.operator(ctx, "certificate", "verify", dir); err != nil {
		return c, err
	}
	openssl := exec.CommandContext(ctx, "openssl", "dgst", "-sha256", "-verify", "public-key.pem", "-signature", "certificate.sig", "certificate.json")
	openssl.Dir = dir
	output, err := openssl.CombinedOutput()
	if err != nil {
		return c, fmt.Errorf("openssl does not verify the certificate: %w: %s", err, output)
	}
	written, err := os.ReadFile(dir + "/certificate.json")
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(written, &c); err != nil {
		return c, err
	}
	if c.Class != class || c.Run != run {
		return c, errors.New("the certificate is another run's")
	}
	s.print("certificate of "+class, fmt.Sprintf("%s, %d deleted; openssl: %s", c.Outcome, c.Counts.Deleted, strings.TrimSpace(string(output))))
	return c, nil
}
