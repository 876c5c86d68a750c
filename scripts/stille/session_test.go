package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"stille/shared/aws/deployment"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope/scopetest"
)

// at is when the tests happen.
var at = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// call is one call of the program: what it gets, and what it gave.
type call struct {
	stdin  string
	folder string // the project's where it is not set
	stack  *stack // by default a stack with a policy and scopes alone
	closed bool   // the stack cannot be opened
	ends   error  // of every pause, as when the operator presses Ctrl-C

	code        int
	out, errors string
}

func (c call) run(t *testing.T, args ...string) call {
	t.Helper()
	if c.folder == "" {
		c.folder = projectFolder(t)
	}
	var out, errs bytes.Buffer
	now := at
	c.code = run(t.Context(), args, session{
		stdin: strings.NewReader(c.stdin), stdout: &out, stderr: &errs, folder: c.folder,
		now: func() time.Time { return now },
		sleep: func(_ context.Context, d time.Duration) error {
			now = now.Add(d)
			return c.ends
		},
		open: func(context.Context, options) (*stack, error) {
			if c.closed {
				return nil, errors.New("this test has no stack")
			}
			if c.stack == nil {
				rotateKeys := deployment.NewKeys(&rotateKeys{}, "unit")
				return &stack{rotateKeys: rotateKeys, Operator: &operator.Operator{Config: rotateKeys}}, nil
			}
			return c.stack, nil
		},
	})
	c.out, c.errors = out.String(), errs.String()
	return c
}

// ended fails the test unless the program ended with the code.
func (c call) ended(t *testing.T, code int) call {
	t.Helper()
	if c.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", c.code, code, c.out, c.errors)
	}
	return c
}

// codeOf is the exit code of a command that prints out: a check that says no
// ends with exitNo.
func codeOf(out string) int {
	if strings.HasPrefix(out, "do not send") || strings.HasPrefix(out, `{"send":false`) {
		return exitNo
	}
	return exitDone
}

// answers reads the JSON values of an answer, one a line.
func answers[T any](t *testing.T, c call) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(c.out) {
		var one T
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("not JSON: %v\n%s", err, c.out)
		}
		all = append(all, one)
	}
	return all
}

// policyText and scopesText are what is deployed.
func policyText() string { return string(retentiontest.File()) }

func scopesText() string { return string(scopetest.File()) }

// projectFolder returns a folder with the policy file of the tests in infra.
func projectFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "infra"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "infra", names.RetentionFile), retentiontest.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func clock() time.Time { return at }

func TestRefusedPersonLearnsWhichPolicyHelps(t *testing.T) {
	s := &session{opened: &stack{Operator: &operator.Operator{Where: "the stack"}}}
	for _, code := range []string{"AccessDeniedException", "AccessDenied"} { // the second is S3's
		got := s.advised(fmt.Errorf("adding a tool: %w", &smithy.GenericAPIError{Code: code})).Error()
		if !strings.Contains(got, "\nyou lack a right on the stack: infra/DEPLOY.md") {
			t.Errorf("%s: %s", code, got)
		}
	}
}
