package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const acknowledgedFile = `findings:
  - rule: AwsSolutions-SQS3
    at: [service/…-dead/Resource]
    reason: This is a dead-letter queue itself.
  - rule: AwsSolutions-IAM5[Resource::*]
    at: [service/stamp-role/Resource]
    reason: The action names no table at all.
  - rule: W3005
    at: [service/Resources/…]
    reason: The CDK writes some dependencies twice.
`

const nagFile = `{
  "/quiet": [{"type": "aws:cdk:logicalId", "data": "x"}],
  "/quiet/feedback-dead/Resource": [{"type": "aws:cdk:error", "data": "AwsSolutions-SQS3: The queue has no queue.\n"}],
  "/quiet/stamp-role/Resource": [{"type": "aws:cdk:warning", "data": "AwsSolutions-IAM5[Resource::*]: A wildcard."}]
}`

const cfnLintFile = `[{"Rule": {"Id": "W3005"}, "Message": "twice", "Location": {"Path": ["Resources", "check", "DependsOn", 0]}}]`

// newLinter is a linter of one environment, production with placeholders, whose
// programs write these answers.
func newLinter(t *testing.T, findings, nag, cfnLint string) (l linter, out *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	write := func(path, content string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(root, findingsFile), findings)
	write(filepath.Join(root, "infra/environments.yaml"), "environments:\n  live: {account: \"111122223333\", region: eu-west-3, prefix: quiet, production: true}\n")
	out = &bytes.Buffer{}
	return linter{
		root: root,
		run: func(_ context.Context, _ string, environment []string, _ string, _ ...string) error {
			for _, variable := range environment {
				if at, ok := strings.CutPrefix(variable, "CDK_OUTDIR="); ok {
					write(filepath.Join(at, "quiet.metadata.json"), nag)
					write(filepath.Join(at, "quiet-data.metadata.json"), "{}")
				}
			}
			return nil
		},
		output: func(_ context.Context, _ string, arguments ...string) ([]byte, error) {
			if filepath.Base(arguments[0]) == "quiet-data.template.json" {
				return []byte("[]"), nil
			}
			return []byte(cfnLint), errors.New("exit status 4")
		},
		out: out,
	}, out
}

func TestAcknowledgedFindingsPass(t *testing.T) {
	l, out := newLinter(t, acknowledgedFile, nagFile, cfnLintFile)
	if err := l.lint(t.Context()); err != nil {
		t.Error(err)
	}
	if got, want := out.String(), "live: 3 findings, 0 of them not acknowledged\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFindingOfASettingMayBeAbsent(t *testing.T) {
	l, _ := newLinter(t, strings.ReplaceAll(acknowledgedFile, "    reason: The CDK", "    varies: true\n    reason: The CDK"), nagFile, "[]")
	if err := l.lint(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEveryOtherFindingFails(t *testing.T) {
	elsewhere := strings.ReplaceAll(nagFile, "/quiet/feedback-dead", "/quiet/feedback-queue")
	narrower := strings.ReplaceAll(nagFile, "Resource::*", "Resource::arn:*")
	for name, test := range map[string]struct{ findings, nag, cfnLint, says string }{
		"at another place":    {acknowledgedFile, elsewhere, cfnLintFile, "live: AwsSolutions-SQS3 at service/feedback-queue/Resource: The queue has no queue."},
		"of another right":    {acknowledgedFile, narrower, cfnLintFile, "AwsSolutions-IAM5[Resource::arn:*]"},
		"of cfn-lint":         {acknowledgedFile, nagFile, strings.ReplaceAll(cfnLintFile, "W3005", "E3001"), "E3001 at service/Resources/check/DependsOn/0: twice"},
		"without an answer":   {acknowledgedFile, nagFile, "", "cfn-lint gave no answer"},
		"not needed any more": {acknowledgedFile, nagFile, "[]", findingsFile + ":8: nothing finds W3005 at service/Resources/… any more"},
		"without a reason":    {strings.ReplaceAll(acknowledgedFile, "This is a dead-letter queue itself.", "fine"), nagFile, cfnLintFile, findingsFile + ":4: reason"},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLinter(t, test.findings, test.nag, test.cfnLint)
			if err := l.lint(t.Context()); err == nil || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("want %q in: %v", test.says, err)
			}
		})
	}
}
