//go:build stack

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/names"
	"stille/shared/purge"
)

// verb is a command, and those who must not type it: IAM refuses them. Everybody else
// may, whatever the command answers.
type verb struct {
	typed   string // RUN, DIR, FILE, RECEIPT and SCOPE stand for those of the test
	refused []string
}

// verbs are all commands that ask a stack, in an order in which each finds what it needs.
func verbs() []verb {
	changers := []string{mayLook, mayApprove} // who must not change anything
	return []verb{
		{"status", nil},
		{"doctor", nil},
		{"report --month 2026-11 --out DIR/month.html", nil},
		{"check email verbs@example.no", nil},
		{"add email verbs@example.no --scope SCOPE", changers},
		{"release email verbs@example.no --scope SCOPE --consented-at 2020-01-01T00:00:00Z --evidence e", nil}, // older than the opt-out
		{"history email verbs@example.no", nil},
		{"replay", nil},
		{"mend accounting", nil}, // nothing lost its place
		{"import FILE --scope SCOPE", changers},
		{"export DIR/list.csv", nil},
		{"scrub FILE", nil},
		{"purge plan service", nil},
		{"purge run service", changers},
		{"purge run service --at 2031-01-01T00:00:00Z", changers},
		{"purge show", nil},
		{"purge show RUN", nil},
		{"purge stop verbs", changers},
		{"purge approve " + strings.Repeat("cd", 32), nil}, // no run is halted by this plan
		{"hold set --case verbs --reason r --contact email verbs@example.no", changers},
		{"hold list", nil},
		{"hold history --case verbs", nil},
		{"hold lift --case verbs", changers},
		{"hold restore", changers},
		{"subject export email verbs@example.no --out DIR", nil},
		{"subject restrict email verbs@example.no --case verbs-2 --reason r --out DIR", changers},
		{"subject unrestrict email verbs@example.no --out DIR", changers},
		{"subject erase email verbs@example.no --out DIR/erased", changers},
		{"subject proof RECEIPT", nil},
		{"certificate get RUN --out DIR/proof", nil},
		{"certificate verify DIR/proof", nil},
		{"proof service verbs", nil},
		{"keys list", nil},
		{"keys rotate link", changers},
		{"keys destroy contact 00000000", changers},
		{"tool list", nil},
		{"tool add verbs --rights check --scopes SCOPE", changers},
		{"tool revoke verbs", changers},
		{"queues list", nil},
		{"queues retry verbs", nil}, // there is none: a queue without messages refuses nobody
		{"hook list", changers},     // the secret of a hook stands beside its name
		{"hook add mailchimp SCOPE", changers},
		{"hook test mailchimp SCOPE", changers},
		{"hook remove mailchimp SCOPE", changers},
		{"webhook list", changers},
		{"webhook add https://verbs.example.com/x --scope SCOPE", nil}, // a test has no public address: the host is refused before the secret is read
		{"webhook test https://verbs.example.com/x", changers},
		{"webhook remove https://verbs.example.com/x", changers},
	}
}

func TestEveryVerbIsForThoseWhoMay(t *testing.T) {
	s, all := tellNew(t, io.Discard), people(t)
	ended, err := s.execute(t.Context(), "service", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	arn := aws.ToString(ended.ExecutionArn)
	db := dynamo.NewClient(deployed.stack.Config())
	runs := dynamo.NewRuns(db, names.DefaultStack)
	if _, err := runs.Start(t.Context(), purge.Run{Class: "service", ID: "verbs", StartedAt: time.Now(), Cutoff: time.Now(), Next: purge.NextYield}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.DeleteItem(context.WithoutCancel(t.Context()), &dynamodb.DeleteItemInput{TableName: aws.String(names.DefaultStack.Table(names.TableRuns)), Key: item{
			names.AttrClass: &types.AttributeValueMemberS{Value: "service"}, names.AttrRun: &types.AttributeValueMemberS{Value: "verbs"},
		}}); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	file := filepath.Join(dir, "verbs.csv")
	if err := os.WriteFile(file, []byte("email\nverbs-2@example.no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range verbs() {
		for _, person := range []string{mayLook, mayApprove, mayOperate} { // who may change something is the last
			receipt := "none"
			if found, _ := filepath.Glob(filepath.Join(dir, "erased", "*.json")); len(found) > 0 {
				receipt = found[0]
			}
			typed := strings.NewReplacer("RUN", arn[strings.LastIndexByte(arn, ':')+1:], "DIR", dir, "FILE", file, "RECEIPT", receipt, "SCOPE", string(deployed.stack.Scope)).Replace(v.typed)
			said, err := typedBy(t, s, all[person], strings.Fields(typed)...)
			// Where AWS asks for the right to get a function's reserve, the emulator asks for the right to set it.
			refused := strings.Contains(strings.ReplaceAll(said, "GetFunctionConcurrency, https response error StatusCode: 403, RequestID: , api error AccessDeniedException", ""), "AccessDenied")
			if refused != slices.Contains(v.refused, person) || refused && err == nil {
				t.Errorf("the %s types `stille %s`: refused: %v, %v, %s", person, v.typed, refused, err, said)
			}
		}
	}
}

// Completion knows every command.
func TestNoVerbIsMissing(t *testing.T) {
	s := tellNew(t, io.Discard)
	next := func(words ...string) []string {
		said, err := exec.CommandContext(t.Context(), s.cli, append(append([]string{"complete", "--"}, words...), "")...).Output() //nolint:gosec // our own CLI
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(said))
	}
	offline := []string{"due", "normalise", "sms-reply", "policy", "completion", "drill"} // drill: on a local stack alone
	var want, got []string
	for _, command := range next() {
		if slices.Contains(offline, command) {
			continue
		}
		subcommands := slices.DeleteFunc(next(command), func(word string) bool { return word == "email" || word == "sms" })
		if len(subcommands) == 0 {
			want = append(want, command)
		}
		for _, subcommand := range subcommands {
			want = append(want, command+" "+subcommand)
		}
	}
	for _, v := range verbs() {
		words := strings.Fields(v.typed)
		name := words[0]
		if len(words) > 1 && !slices.Contains(want, name) {
			name = fmt.Sprint(name, " ", words[1])
		}
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Error(diff)
	}
}
