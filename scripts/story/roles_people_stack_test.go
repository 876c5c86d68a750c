//go:build stack

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/deployment"
	"stille/shared/aws/dynamo"
	"stille/shared/names"
	"stille/shared/purge"
)

// The people who type `stille`, by what they may do beside looking.
const (
	mayLook    = "looker"
	mayOperate = "operator"
	mayApprove = "approver"
)

// people returns the credentials of three people: a stack of the test gives each a role
// with the policies that the deployed stack names.
func people(t *testing.T) map[string]aws.Config {
	t.Helper()
	client := cloudformation.NewFromConfig(deployed.stack.Config())
	policies, err := deployment.NewOutputs(client, names.DefaultStack)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resources := map[string]any{}
	for person, besides := range map[string]string{mayLook: "", mayOperate: names.OutputOperate, mayApprove: names.OutputApprove} {
		attached := []string{policies[names.OutputLook]}
		if besides != "" {
			attached = append(attached, policies[besides])
		}
		resources[person] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"RoleName":          "trial-" + person,
			"ManagedPolicyArns": attached,
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole",
			}}},
		}}
	}
	template, err := json.Marshal(map[string]any{"Resources": resources})
	if err != nil {
		t.Fatal(err)
	}
	stack := aws.String("people")
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: stack, TemplateBody: aws.String(string(template)), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteStack(context.WithoutCancel(t.Context()), &cloudformation.DeleteStackInput{StackName: stack}); err != nil {
			t.Error(err)
		}
	})
	if err := cloudformation.NewStackCreateCompleteWaiter(client).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: stack}, time.Minute); err != nil {
		t.Fatal(err)
	}
	all := map[string]aws.Config{}
	for person := range resources {
		all[person] = assume(t, "arn:aws:iam::000000000000:role/trial-"+person, person)
	}
	return all
}

// changes are the actions on each table that operators have beside looking.
func changes() map[string][]string {
	return map[string][]string{
		"suppressions": {"PutItem", "UpdateItem"},
		"tools":        {"PutItem", "UpdateItem"},
		"ledger":       {"PutItem"},
		"holdHistory":  {"PutItem"},
		"holds":        {"UpdateItem", "ConditionCheckItem"},
		"records":      {"UpdateItem", "ConditionCheckItem"},
		"slots":        {"PutItem", "DeleteItem"},
		"replies":      {"PutItem", "DeleteItem"}, // on AWS, of notes about domains only: the stack does not look at the condition
		"runs":         {"UpdateItem"},            // on AWS, of runs only
	}
}

func TestPeopleInTables(t *testing.T) {
	all := people(t)
	looking := []string{"GetItem", "BatchGetItem", "Query", "Scan"}
	may := func(table, action string) []string {
		switch {
		case slices.Contains(looking, action):
			return []string{mayLook, mayOperate, mayApprove}
		case slices.Contains(changes()[table], action):
			return []string{mayOperate}
		case table == "runs" && action == "PutItem": // on AWS, of approvals only
			return []string{mayApprove}
		}
		return nil
	}
	for table, r := range rows() {
		var deeds []deed
		for _, action := range slices.Sorted(maps.Keys(singleCalls(r))) {
			deeds = append(deeds, deed{action + " in " + table, onTables(singleCalls(r)[action]), may(table, action)})
		}
		for _, action := range slices.Sorted(maps.Keys(transactionParts(r))) {
			deeds = append(deeds, deed{action + " in " + table + " in a transaction", transact(transactionParts(r)[action]), may(table, action)})
		}
		judgeAll(t, all, append(deeds, deed{"a statement on " + table, statement("SELECT * FROM %q", r), nil}))
		if err := onTables(singleCalls(r)["DeleteItem"])(t.Context(), deployed.stack.Config()); err != nil {
			t.Error(err)
		}
	}
}

func TestPeopleElsewhere(t *testing.T) {
	everyone := []string{mayLook, mayOperate, mayApprove}
	secret := func(name string) call {
		return func(ctx context.Context, cfg aws.Config) error {
			_, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
			return err
		}
	}
	invoke := func(function, order string) call {
		return func(ctx context.Context, cfg aws.Config) error {
			_, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{
				FunctionName: aws.String(names.DefaultStack.Function(function)), Payload: []byte(order),
			})
			return err
		}
	}
	told := tellNew(t, io.Discard)
	start := func(ctx context.Context, cfg aws.Config) error {
		by := *told
		by.sfn = sfn.NewFromConfig(cfg)
		_, err := by.execute(ctx, "service", `{}`) // until its end: the next test may purge the class too
		return err
	}
	// The queue of another stack, whose name begins like this stack's.
	other, err := sqs.NewFromConfig(deployed.stack.Config()).CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("stille-test-queue"), Tags: map[string]string{names.TagStack: "stille-test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	receive := func(ctx context.Context, cfg aws.Config) error {
		_, err := sqs.NewFromConfig(cfg).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: other.QueueUrl})
		return err
	}
	evidence := deployed.stack.Buckets["evidence"]
	const certificate = "certificates/no-class/people/certificate.json"
	judgeAll(t, people(t), []deed{
		{"list keys", invoke(names.ListKeys, `{"list":true}`), everyone},
		{"ask the function that changes keys", invoke(names.RotateKeys, `{"list":true}`), []string{mayOperate}},
		{"start a purge", start, []string{mayOperate}},
		{"read the contact keys", secret(names.DefaultStack.ContactKeys()), everyone},
		{"read the link keys", secret(names.DefaultStack.LinkKeys()), nil},
		{"write a certificate", put(evidence, certificate), nil},
		{"read a certificate", get(evidence, certificate), everyone},
		{"hide a certificate", remove(evidence, certificate), nil},
		{"read the messages of another stack", receive, nil},
	})
}

func TestPeopleTypeWhatTheyMay(t *testing.T) {
	s, all := tellNew(t, os.Stderr), people(t)
	runs := dynamo.NewRuns(dynamo.NewClient(deployed.stack.Config()), names.DefaultStack)
	plan := purge.HaltedPlan{
		Class: "accounting", Run: "people", PlanHash: strings.Repeat("ab", 32), PolicyHash: "another", Shards: []int{1},
		Cutoff: time.Now(), HaltedAt: time.Now(), Reasons: []string{"a trial"},
	}
	if err := runs.Halt(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := runs.Forget(t.Context(), plan.Class); err != nil {
			t.Error(err)
		}
	}()
	add := "add email trial@example.no --scope " + string(deployed.stack.Scope)
	for _, typed := range []struct {
		by, command string
		done        bool
		says        string
	}{
		{mayLook, "keys list", true, "contact"},
		{mayLook, "status", false, "stille purge approve " + plan.PlanHash}, // a halted purge is something to do
		{mayLook, "tool list", true, ""},
		{mayLook, "history email ola@example.no", true, ""},
		{mayLook, "keys rotate link", false, "AccessDenied"},
		{mayLook, add, false, "AccessDenied"},
		{mayLook, "purge run service", false, "may not start"},
		{mayOperate, add, true, ""},
		{mayOperate, "purge approve " + plan.PlanHash, false, "AccessDenied"},
		{mayApprove, "keys rotate link", false, "AccessDenied"},
		{mayApprove, "purge run service", false, "may not start"},
		{mayApprove, "purge approve " + plan.PlanHash, true, "somebody who may start a purge"},
	} {
		said, err := typedBy(t, s, all[typed.by], strings.Fields(typed.command)...)
		if (err == nil) != typed.done || !strings.Contains(said, typed.says) {
			t.Errorf("the %s types `stille %s`: %v, %s", typed.by, typed.command, err, said)
		}
	}
}

// typedBy runs the operator's CLI with a person's credentials and returns all it says.
func typedBy(t *testing.T, s *story, person aws.Config, args ...string) (string, error) {
	t.Helper()
	who, err := person.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), s.cli, append(args, "--stack-file", s.file)...) //nolint:gosec // our own CLI, our own arguments
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+who.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+who.SecretAccessKey, "AWS_SESSION_TOKEN="+who.SessionToken)
	said, err := command.CombinedOutput()
	if err != nil {
		return string(said), fmt.Errorf("stille %s: %w", args[0], err)
	}
	return string(said), nil
}
