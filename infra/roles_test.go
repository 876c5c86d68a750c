//go:build infra

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rights returns what every role may do, a line for each action on each
// resource, by the role's name. What a role may do on all class tables alike
// is one line for records-*.
func (t template) rights() map[string][]string {
	rights := map[string][]string{}
	add := func(role string, statements any) { rights[role] = append(rights[role], t.lines(statements)...) }
	for id, resource := range t.resources {
		switch resource["Type"] {
		case "AWS::IAM::Role":
			for _, policy := range listOf(dig(resource, "Properties", "Policies")) {
				add(t.name(id), dig(policy, "PolicyDocument", "Statement"))
			}
		case "AWS::IAM::Policy":
			for _, role := range listOf(dig(resource, "Properties", "Roles")) {
				add(t.text(role), dig(resource, "Properties", "PolicyDocument", "Statement"))
			}
		}
	}
	for role, lines := range rights {
		rights[role] = fold(lines)
	}
	return rights
}

// lines are what statements allow, a line for each action on each resource.
func (t template) lines(statements any) []string {
	var lines []string
	for _, statement := range listOf(statements) {
		for _, action := range listOf(dig(statement, "Action")) {
			for _, resource := range listOf(dig(statement, "Resource")) {
				line := fmt.Sprint(action, " ", t.text(resource))
				if condition := dig(statement, "Condition"); condition != nil {
					line += fmt.Sprint(" if ", t.text(condition))
				}
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func listOf(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	if value == nil {
		return nil
	}
	return []any{value}
}

// fold makes one line of those that differ in the class only, where there is
// one for every class, and sorts them.
func fold(lines []string) []string {
	classes := map[string][]string{}
	for _, line := range lines {
		for _, class := range classNames() {
			if strings.Contains(line, "stille-records-"+class) {
				one := strings.Replace(line, "stille-records-"+class, "stille-records-*", 1)
				classes[one] = append(classes[one], line)
			}
		}
	}
	for one, each := range classes {
		if len(each) == len(classNames()) {
			lines = slices.DeleteFunc(lines, func(line string) bool { return slices.Contains(each, line) })
			lines = append(lines, one)
		}
	}
	slices.Sort(lines)
	return lines
}

func TestFunctionsHaveTheirRightsAndNoOthers(t *testing.T) {
	const (
		viaDynamoDB = ` recordskey if map[StringEquals:map[kms:ViaService:dynamodb.eu-north-1.amazonaws.com]]`
		secret      = "secretsmanager:GetSecretValue arn:AWS::Partition:secretsmanager:eu-north-1:AWS::AccountId:secret:stille/"
		put         = "secretsmanager:PutSecretValue arn:AWS::Partition:secretsmanager:eu-north-1:AWS::AccountId:secret:stille/"
	)
	readsRecords := []string{"kms:Decrypt" + viaDynamoDB, "kms:DescribeKey" + viaDynamoDB}
	writesRecords := slices.Concat(readsRecords, []string{
		"kms:Encrypt" + viaDynamoDB, "kms:GenerateDataKey" + viaDynamoDB,
		"kms:ReEncryptFrom" + viaDynamoDB, "kms:ReEncryptTo" + viaDynamoDB,
	})
	due := []string{"dynamodb:Query stille-records-*/index/due", "dynamodb:Query stille-records-*/index/withdrawn"}
	claimsSlots := []string{
		"dynamodb:GetItem stille-slots", "dynamodb:BatchGetItem stille-slots", "dynamodb:PutItem stille-slots", "dynamodb:DeleteItem stille-slots",
		"dynamodb:ConditionCheckItem stille-records-*",
	}
	mayChangeList := []string{
		secret + "contact-keys-??????",
		"dynamodb:GetItem stille-suppressions", "dynamodb:PutItem stille-suppressions", "dynamodb:UpdateItem stille-suppressions",
		"dynamodb:Query stille-ledger", "dynamodb:PutItem stille-ledger",
	}
	link := slices.Concat(mayChangeList, []string{secret + "link-keys-??????", secret + "webhooks-??????", "sqs:SendMessage waiting", "sqs:SendMessage webhooks"})
	changesList := slices.Concat(mayChangeList, []string{"dynamodb:GetItem stille-tools"})
	want := map[string][]string{
		"unsubscribe-email": link,
		"unsubscribe-sms":   link,
		"drain": slices.Concat(mayChangeList, []string{
			secret + "link-keys-??????", "sqs:ReceiveMessage waiting", "sqs:DeleteMessage waiting", "sqs:GetQueueAttributes waiting", "sqs:SendMessage waiting",
		}),
		"check": slices.Concat(readsRecords, []string{
			secret + "contact-keys-??????",
			"dynamodb:GetItem stille-tools",
			"dynamodb:GetItem stille-suppressions", "dynamodb:BatchGetItem stille-suppressions",
			"dynamodb:BatchGetItem stille-slots", "dynamodb:BatchGetItem stille-records-messaging",
		}),
		"mint": {
			secret + "contact-keys-??????", secret + "link-keys-??????",
			"dynamodb:GetItem stille-tools",
			"dynamodb:GetItem stille-suppressions",
			"dynamodb:GetItem stille-replies",
		},
		"suppress": changesList,
		"release":  changesList,
		"feedback": slices.Concat(mayChangeList, []string{
			"sqs:ReceiveMessage feedbackqueue", "sqs:DeleteMessage feedbackqueue", "sqs:GetQueueAttributes feedbackqueue", "sqs:SendMessage waiting",
		}),
		"hook": slices.Concat(mayChangeList, []string{
			secret + "hooks-??????", "sqs:SendMessage waiting", "sqs:SendMessage hookdead", "dynamodb:PutItem stille-replies",
		}),
		"sms-reply": slices.Concat(mayChangeList, []string{
			"sqs:ReceiveMessage smsreplyqueue", "sqs:DeleteMessage smsreplyqueue", "sqs:GetQueueAttributes smsreplyqueue", "sqs:SendMessage waiting",
			"dynamodb:PutItem stille-replies", "dynamodb:DeleteItem stille-replies",
			"sms-voice:SendTextMessage arn:AWS::Partition:sms-voice:eu-north-1:AWS::AccountId:phone-number/*",
		}),
		"store-records": slices.Concat(writesRecords, []string{
			secret + "contact-keys-??????",
			"dynamodb:GetItem stille-tools",
			"dynamodb:GetItem stille-suppressions",
			"dynamodb:BatchGetItem stille-holds", "dynamodb:ConditionCheckItem stille-holds",
			"dynamodb:GetItem stille-records-*", "dynamodb:UpdateItem stille-records-*",
		}, claimsSlots),
		"end-records": slices.Concat(writesRecords, []string{
			secret + "contact-keys-??????",
			"dynamodb:GetItem stille-tools",
			"dynamodb:GetItem stille-suppressions",
			"dynamodb:BatchGetItem stille-holds", "dynamodb:ConditionCheckItem stille-holds",
			"dynamodb:GetItem stille-records-*", "dynamodb:UpdateItem stille-records-*",
			"dynamodb:Query stille-records-*/index/subject",
		}),
		"propagate": slices.Concat(writesRecords, []string{
			"dynamodb:DescribeStream stille-ledger", "dynamodb:GetRecords stille-ledger", "dynamodb:GetShardIterator stille-ledger",
			"dynamodb:ListStreams *",
			"dynamodb:GetItem stille-suppressions",
			"dynamodb:GetItem stille-records-*", "dynamodb:UpdateItem stille-records-*",
			"dynamodb:Query stille-records-*/index/subject",
			"events:PutEvents stille",
			"sqs:SendMessage propagateparked", "sqs:SendMessage webhooks",
		}),
		"deliver": {
			secret + "webhooks-??????", secret + "link-keys-??????",
			"sqs:ReceiveMessage webhooks", "sqs:DeleteMessage webhooks", "sqs:GetQueueAttributes webhooks", "sqs:SendMessage webhooks",
			"sqs:SendMessage webhooksdead", "dynamodb:PutItem stille-replies",
		},
		"stamp": slices.Concat(writesRecords, []string{
			"dynamodb:DescribeStream stille-records-*", "dynamodb:GetRecords stille-records-*", "dynamodb:GetShardIterator stille-records-*",
			"dynamodb:ListStreams *",
			"dynamodb:GetItem stille-records-*", "dynamodb:UpdateItem stille-records-*",
			"dynamodb:GetItem stille-suppressions", "dynamodb:BatchGetItem stille-holds",
			"dynamodb:Query stille-slots/index/record",
			"sqs:SendMessage stampparked",
		}, claimsSlots),
		"purge-plan": slices.Concat(readsRecords, due, []string{
			"dynamodb:DescribeTable stille-records-*", "dynamodb:BatchGetItem stille-records-*", "dynamodb:BatchGetItem stille-holds",
			"dynamodb:BatchGetItem stille-slots",
			"dynamodb:GetItem stille-runs", "dynamodb:PutItem stille-runs", "dynamodb:UpdateItem stille-runs",
			"dynamodb:DeleteItem stille-runs", "dynamodb:Query stille-runs",
			"dynamodb:UpdateItem stille-holds if map[ForAllValues:StringLike:map[dynamodb:LeadingKeys:[fence#*]]]",
			"s3:PutObject manifests/purges/*",
			"states:DescribeExecution arn:AWS::Partition:states:eu-north-1:AWS::AccountId:execution:stille-purge-*:*",
		}),
		"purge-delete": slices.Concat(writesRecords, due, []string{
			"dynamodb:BatchGetItem stille-records-*", "dynamodb:DeleteItem stille-records-*", "dynamodb:UpdateItem stille-records-*",
			"dynamodb:GetItem stille-holds", "dynamodb:Scan stille-holds", "dynamodb:ConditionCheckItem stille-holds",
			"dynamodb:BatchGetItem stille-slots", "dynamodb:DeleteItem stille-slots",
			"dynamodb:GetItem stille-runs",
			"s3:PutObject manifests/purges/*",
		}),
		"purge-verify": slices.Concat(readsRecords, due, []string{
			"dynamodb:Query stille-records-*/index/running",
			"dynamodb:BatchGetItem stille-records-*", "dynamodb:BatchGetItem stille-holds", "dynamodb:BatchGetItem stille-slots",
			"dynamodb:Scan stille-records-*", "dynamodb:DescribeTable stille-records-*",
			"dynamodb:GetItem stille-runs", "dynamodb:PutItem stille-runs", "dynamodb:UpdateItem stille-runs", "dynamodb:Query stille-runs",
			"dynamodb:UpdateItem stille-holds if map[ForAllValues:StringLike:map[dynamodb:LeadingKeys:[fence#*]]]",
			"s3:ListBucket manifests", "s3:GetObject manifests/*", "s3:DeleteObject manifests/purges/*",
			"s3:ListBucket evidence", "s3:GetObject evidence/*", "s3:PutObject evidence/*",
			"s3:ListBucketVersions evidence", "s3:GetObjectVersion evidence/*",
			"kms:Sign signingkey", "kms:GetPublicKey signingkey",
			secret + "proof-keys-??????",
			"events:PutEvents stille",
		}),
		"purge-audit": slices.Concat(readsRecords, []string{
			"dynamodb:Scan stille-records-*", "dynamodb:BatchGetItem stille-records-*",
			"dynamodb:GetItem stille-suppressions", "dynamodb:BatchGetItem stille-suppressions",
			"dynamodb:BatchGetItem stille-holds",
			"s3:PutObject manifests/audits/*",
		}),
		"list-keys": {secret + "contact-keys-??????", secret + "link-keys-??????", secret + "proof-keys-??????"},
		"rotate-keys": slices.Concat(readsRecords, []string{
			secret + "contact-keys-??????", secret + "link-keys-??????", secret + "proof-keys-??????",
			put + "contact-keys-??????", put + "link-keys-??????", put + "proof-keys-??????",
			"dynamodb:GetItem stille-suppressions", "dynamodb:PutItem stille-suppressions",
			"dynamodb:UpdateItem stille-suppressions", "dynamodb:Scan stille-suppressions",
			"dynamodb:Scan stille-holds", "dynamodb:Scan stille-records-*",
			"sqs:SendMessage rotationmissed", "sqs:GetQueueAttributes waiting", "sqs:GetQueueAttributes waitingdead",
		}),
	}
	inBoth(t, func(t *testing.T, made template) {
		rights := made.rights()
		for function, lines := range want {
			logs := "/aws/lambda/stille-" + function
			lines := slices.Sorted(slices.Values(slices.Concat(lines, []string{"logs:CreateLogStream " + logs, "logs:PutLogEvents " + logs})))
			if diff := cmp.Diff(lines, rights[strings.ReplaceAll(function, "-", "")+"role"]); diff != "" {
				t.Errorf("%s: %s", function, diff)
			}
		}
	})
}

func TestEveryFunctionHasARoleOfItsOwn(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		for name, role := range made.named("AWS::Lambda::Function", "Properties", "Role") {
			want := strings.ReplaceAll(strings.TrimPrefix(name, "stille-"), "-", "") + "role"
			if got := made.text(role); got != want {
				t.Errorf("%s works as %s", name, got)
			}
		}
		for name, managed := range made.named("AWS::IAM::Role", "Properties", "ManagedPolicyArns") {
			if managed != nil {
				t.Errorf("%s has a policy of AWS's making: %v", name, managed)
			}
		}
	})
}

// machineRights is what a machine may do beside invoking functions: deliver its logs.
func machineRights(invokes ...string) []string {
	var lines []string
	for _, function := range invokes {
		lines = append(lines, "lambda:InvokeFunction stille-"+function)
	}
	for _, action := range []string{
		"CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies",
		"GetLogDelivery", "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery",
	} {
		lines = append(lines, "logs:"+action+" *")
	}
	return lines
}

// deliversLogs are the roles and their actions that AWS ties to no resource.
func deliversLogs() []string {
	var lines []string
	for _, role := range []string{"purgerole ", "auditrole "} {
		for _, right := range machineRights() {
			lines = append(lines, role+strings.TrimSuffix(right, " *"))
		}
	}
	return lines
}

// These hold whatever functions there will be.
func TestNoRoleCan(t *testing.T) {
	rules := []struct {
		rule    string
		refuses func(role, action, resource string) bool
	}{
		{"do everything of a kind", func(_, action, _ string) bool { return strings.Contains(action, "*") }},
		{"do a thing to everything, except list streams and deliver a machine's logs", func(role, action, resource string) bool {
			return resource == "*" && action != "dynamodb:ListStreams" && !slices.Contains(deliversLogs(), role+" "+action)
		}},
		{"delete, except purge-delete records, a claim with its record, a purge its halted plan and its manifest, a queue reader its message", func(role, action, resource string) bool {
			return strings.Contains(action, "Delete") && action != "logs:DeleteLogDelivery" && !slices.Contains([]string{
				"purgedeleterole dynamodb:DeleteItem stille-records-*",
				"stamprole dynamodb:DeleteItem stille-slots",
				"storerecordsrole dynamodb:DeleteItem stille-slots",
				"purgedeleterole dynamodb:DeleteItem stille-slots",
				"purgeplanrole dynamodb:DeleteItem stille-runs",
				"purgeverifyrole s3:DeleteObject manifests/purges/*",
				"drainrole sqs:DeleteMessage waiting",
				"deliverrole sqs:DeleteMessage webhooks",
				"feedbackrole sqs:DeleteMessage feedbackqueue",
				"smsreplyrole sqs:DeleteMessage smsreplyqueue",
				"smsreplyrole dynamodb:DeleteItem stille-replies",
			}, role+" "+action+" "+resource)
		}},
		{"reach suppressions or ledger from a purge, except that an audit reads suppressions", func(role, action, resource string) bool {
			reached := strings.HasPrefix(resource, "stille-suppressions") || strings.HasPrefix(resource, "stille-ledger")
			return strings.HasPrefix(role, "purge") && reached && !slices.Contains([]string{
				"purgeauditrole dynamodb:GetItem stille-suppressions",
				"purgeauditrole dynamodb:BatchGetItem stille-suppressions",
			}, role+" "+action+" "+resource)
		}},
		{"go around conditions with PartiQL", func(_, action, _ string) bool { return strings.HasPrefix(action, "dynamodb:PartiQL") }},
		{"change evidence or lift its lock", func(_, action, resource string) bool {
			return strings.HasPrefix(resource, "evidence") && !slices.Contains([]string{"s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:GetObjectVersion", "s3:ListBucketVersions"}, action)
		}},
		{"sign, except purge-verify", func(role, action, _ string) bool { return action == "kms:Sign" && role != "purgeverifyrole" }},
	}
	inBoth(t, func(t *testing.T, made template) {
		rights := made.rights()
		for _, role := range slices.Sorted(maps.Keys(rights)) {
			for _, line := range rights[role] {
				action, rest, _ := strings.Cut(line, " ")
				resource, _, _ := strings.Cut(rest, " if ")
				for _, r := range rules {
					if r.refuses(role, action, resource) {
						t.Errorf("no role can %s, but %s: %s", r.rule, role, line)
					}
				}
			}
		}
	})
}
