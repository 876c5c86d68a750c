//go:build infra

package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// people returns what each policy for people allows, by the policy's name.
func (t template) people() map[string][]string {
	may := map[string][]string{}
	for name, statements := range t.named("AWS::IAM::ManagedPolicy", "Properties", "PolicyDocument", "Statement") {
		may[name] = fold(t.lines(statements))
	}
	return may
}

// onEach is a line for every action on every resource.
func onEach(resources []string, actions ...string) []string {
	var lines []string
	for _, action := range actions {
		for _, resource := range resources {
			lines = append(lines, action+" "+resource)
		}
	}
	return lines
}

func TestPeopleHaveTheirRightsAndNoOthers(t *testing.T) {
	const (
		viaDynamoDB = ` recordskey if map[StringEquals:map[kms:ViaService:dynamodb.eu-north-1.amazonaws.com]]`
		here        = ":eu-north-1:AWS::AccountId:"
		secrets     = "arn:AWS::Partition:secretsmanager" + here + "secret:stille/"
		functions   = "arn:AWS::Partition:lambda" + here + "function:stille-"
		queues      = "arn:AWS::Partition:sqs" + here + "stille-*"
		ofStack     = " if map[StringEquals:map[aws:ResourceTag/stille:stack:stille]]"
		notes       = " stille-replies if map[ForAllValues:StringLike:map[dynamodb:LeadingKeys:[domain/*]]]"
	)
	tables := []string{"stille-suppressions", "stille-ledger", "stille-holds", "stille-hold-history", "stille-runs", "stille-tools", "stille-replies",
		"stille-slots", "stille-slots/index/*", "stille-records-**"}
	want := map[string][]string{
		"maylook": slices.Concat(
			onEach(tables, "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:DescribeTable"),
			[]string{"kms:Decrypt" + viaDynamoDB, "kms:DescribeKey" + viaDynamoDB, "kms:DescribeKey recordskey", "kms:DescribeKey signingkey"},
			onEach([]string{secrets + "contact-keys-??????", secrets + "proof-keys-??????"}, "secretsmanager:GetSecretValue"),
			onEach([]string{functions + "list-keys"}, "lambda:InvokeFunction"),
			onEach([]string{functions + "rotate-keys", functions + "mint"}, "lambda:GetFunctionConfiguration"),
			onEach([]string{functions + "unsubscribe-email", functions + "unsubscribe-sms"}, "lambda:GetFunctionConcurrency"),
			onEach([]string{"evidence"}, "s3:ListBucket", "s3:ListBucketVersions"),
			onEach([]string{"evidence/*"}, "s3:GetObject", "s3:GetObjectVersion"),
			onEach([]string{queues}, "sqs:ListQueueTags"),
			onEach([]string{queues + ofStack}, "sqs:GetQueueAttributes"),
			onEach([]string{"arn:AWS::Partition:cloudformation" + here + "stack/stille/*", "arn:AWS::Partition:cloudformation" + here + "stack/CDKToolkit/*"}, "cloudformation:DescribeStacks"),
			[]string{
				"states:DescribeExecution arn:AWS::Partition:states" + here + "execution:stille-purge-*:*",
				"ses:GetConfigurationSet arn:AWS::Partition:ses" + here + "configuration-set/stille",
				"sns:ListSubscriptionsByTopic arn:AWS::Partition:sns" + here + "stille-alarms",
			},
			onEach([]string{"*"}, "lambda:GetAccountSettings", "lambda:ListEventSourceMappings", "sqs:ListQueues", "sns:ListTopics",
				"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "sms-voice:DescribePhoneNumbers"),
		),
		"mayoperate": slices.Concat(
			onEach([]string{"stille-suppressions", "stille-tools"}, "dynamodb:PutItem", "dynamodb:UpdateItem"),
			onEach([]string{"stille-ledger", "stille-hold-history", "stille-slots"}, "dynamodb:PutItem"),
			onEach([]string{"stille-holds", "stille-records-*"}, "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"),
			[]string{
				"dynamodb:DeleteItem stille-slots", "dynamodb:PutItem" + notes, "dynamodb:DeleteItem" + notes,
				"dynamodb:UpdateItem stille-runs if map[ForAllValues:StringLike:map[dynamodb:LeadingKeys:[communication messaging contact service]]]",
			},
			[]string{
				"kms:Decrypt" + viaDynamoDB, "kms:DescribeKey" + viaDynamoDB, "kms:Encrypt" + viaDynamoDB,
				"kms:GenerateDataKey" + viaDynamoDB, "kms:ReEncryptFrom" + viaDynamoDB, "kms:ReEncryptTo" + viaDynamoDB,
			},
			onEach([]string{functions + "rotate-keys", functions + "deliver"}, "lambda:InvokeFunction"),
			onEach([]string{secrets + "hooks-??????", secrets + "webhooks-??????"}, "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
			onEach([]string{queues + ofStack}, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:SendMessage"),
			[]string{"events:PutEvents stille"},
			onEach([]string{"arn:AWS::Partition:states" + here + "stateMachine:stille-purge-*"}, "states:StartExecution"),
			onEach([]string{"arn:AWS::Partition:scheduler" + here + "schedule/default/stille-purge-*"}, "scheduler:GetSchedule", "scheduler:CreateSchedule"),
			[]string{"iam:PassRole arn:AWS::Partition:iam::AWS::AccountId:role/stille-SchedulerRole* if map[StringEquals:map[iam:PassedToService:scheduler.amazonaws.com]]"},
		),
		"mayapprove": {"dynamodb:PutItem stille-runs if map[ForAllValues:StringLike:map[dynamodb:LeadingKeys:[approval#*]]]"},
	}
	inBoth(t, func(t *testing.T, made template) {
		got := made.people()
		for policy, lines := range want {
			if diff := cmp.Diff(slices.Sorted(slices.Values(lines)), got[policy]); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", policy, diff)
			}
		}
		if len(got) != len(want) {
			t.Errorf("there are %d policies", len(got))
		}
		for policy, literal := range made.named("AWS::IAM::ManagedPolicy", "Properties", "ManagedPolicyName") {
			if literal != nil {
				t.Errorf("%s has a literal name", policy)
			}
		}
	})
}

// changing finds the actions that change something.
var changing = regexp.MustCompile(`:(Put|Update|Delete|Create|Send|Receive|Start|Stop|Pass|BatchWrite|Transact|PartiQL|Sign|Encrypt)`)

func TestPeopleWhoLookChangeNothing(t *testing.T) {
	for _, line := range production().people()["maylook"] {
		if changing.MatchString(line) || strings.HasPrefix(line, "lambda:Invoke") && !strings.HasSuffix(line, "-list-keys") {
			t.Error(line)
		}
	}
}

// mostPolicy is how many characters AWS lets a managed policy have.
const mostPolicy = 6144

func TestPoliciesForPeopleFitIntoIAM(t *testing.T) {
	for name, document := range production().named("AWS::IAM::ManagedPolicy", "Properties", "PolicyDocument") {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > mostPolicy {
			t.Errorf("%s has %d characters", name, len(text))
		}
	}
}
