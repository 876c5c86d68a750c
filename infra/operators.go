package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// operators adds the policies of the people who type `stille`: everyone looks, some
// change things besides, and others approve halted purges. Where a person has both of the
// latter, the domain still refuses an approval by the person who started the run.
func (s stack) operators(k keys, t tables, b buckets, e events) {
	s.managedPolicy(names.OutputLook, "may-look", "stille: may look at everything and change nothing",
		append(s.looksAtTables(k, t), s.looksAtParts(k, b)...))
	s.managedPolicy(names.OutputOperate, "may-operate", "stille, beside looking: may change everything except approvals",
		append(s.changesTables(k, t), s.changesParts(k, e)...))
	s.managedPolicy(names.OutputApprove, "may-approve", "stille, beside looking: may approve a halted purge and start none",
		[]awsiam.PolicyStatement{ofPartitions([]string{names.ApprovalPrefix + "*"}, t.runs, "dynamodb:PutItem")})
}

// managedPolicy adds a policy that CloudFormation names, and an output with its ARN.
func (s stack) managedPolicy(output, id, description string, may []awsiam.PolicyStatement) {
	made := awsiam.NewManagedPolicy(s.Stack, jsii.String(id), &awsiam.ManagedPolicyProps{
		Description: jsii.String(description), Statements: &may,
	})
	s.output(output, made.ManagedPolicyArn())
}

// here is the ARN of a part of this account and region.
func (s stack) here(service, part string) *string {
	return jsii.String("arn:" + *s.Partition() + ":" + service + ":" + *s.Stack.Region() + ":" + *s.Account() + ":" + part)
}

// called is the ARN of one of our functions.
func (s stack) called(function string) *string {
	return s.here("lambda", "function:"+s.Prefix.Function(function))
}

// ofPartitions allows actions on the partitions of these names alone.
func ofPartitions(patterns []string, in table, actions ...string) awsiam.PolicyStatement {
	statement := allow(arns(in), actions...)
	statement.AddCondition(jsii.String("ForAllValues:StringLike"), map[string]any{"dynamodb:LeadingKeys": patterns})
	return statement
}

// ofQueues allows actions on the queues of this stack alone: the names of another
// stack's queues may begin with this stack's prefix.
func (s stack) ofQueues(actions ...string) awsiam.PolicyStatement {
	statement := allow([]*string{s.here("sqs", string(s.Prefix)+"-*")}, actions...)
	statement.AddCondition(jsii.String("StringEquals"), map[string]any{"aws:ResourceTag/" + names.TagStack: string(s.Prefix)})
	return statement
}

// looksAtTables lets a person read all tables, and find a contact by its keys.
func (s stack) looksAtTables(k keys, t tables) []awsiam.PolicyStatement {
	readable := append(arns(t.suppressions, t.ledger, t.holds, t.holdHistory, t.runs, t.tools, t.replies, t.slots), indexArns("*", t.slots)...)
	for _, class := range t.records() {
		readable = append(readable, jsii.String(class.arn+"*")) // with its indexes: a policy has room for few characters a class
	}
	return []awsiam.PolicyStatement{
		allow(readable, "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:DescribeTable"),
		s.readsRecords(k),
		mayRead(k.contact, k.proof),
	}
}

// looksAtParts lets a person see what `stille status`, `doctor` and `certificate` show.
func (s stack) looksAtParts(k keys, b buckets) []awsiam.PolicyStatement {
	prefix := string(s.Prefix)
	described := []*string{k.signing, k.records}
	if s.customer != nil {
		described = append(described, s.customer.arn)
	}
	return []awsiam.PolicyStatement{
		allow([]*string{s.called(names.ListKeys)}, "lambda:InvokeFunction"),
		allow([]*string{s.called(names.RotateKeys), s.called(names.Mint)}, "lambda:GetFunctionConfiguration"),
		allow([]*string{s.called(names.UnsubscribeEmail), s.called(names.UnsubscribeSMS)}, "lambda:GetFunctionConcurrency"),
		allow([]*string{b.evidence.BucketArn()}, "s3:ListBucket", "s3:ListBucketVersions"),
		allow(objects(b.evidence), "s3:GetObject", "s3:GetObjectVersion"),
		allow(described, "kms:DescribeKey"),
		allow([]*string{s.here("states", "execution:"+s.Prefix.Purge("*")+":*")}, "states:DescribeExecution"),
		allow([]*string{s.here("sqs", prefix+"-*")}, "sqs:ListQueueTags"), // the tags tell whose queue it is
		s.ofQueues("sqs:GetQueueAttributes"),
		allow([]*string{s.here("cloudformation", "stack/"+prefix+"/*"), s.here("cloudformation", "stack/CDKToolkit/*")}, "cloudformation:DescribeStacks"),
		allow([]*string{s.here("ses", "configuration-set/"+s.Prefix.ConfigurationSet())}, "ses:GetConfigurationSet"),
		allow([]*string{s.here("sns", s.Prefix.AlarmTopic())}, "sns:ListSubscriptionsByTopic"),
		// AWS knows no narrower resource for these.
		allow([]*string{jsii.String("*")}, "lambda:GetAccountSettings", "lambda:ListEventSourceMappings", "sqs:ListQueues", "sns:ListTopics",
			"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "sms-voice:DescribePhoneNumbers"),
	}
}

// changesTables lets a person change what the commands change. Of a run, that is the
// wish to stop it; of the replies, what the doctor notes about domains.
func (s stack) changesTables(k keys, t tables) []awsiam.PolicyStatement {
	var classes []string
	for _, class := range s.Policy.Classes {
		classes = append(classes, class.Name)
	}
	return []awsiam.PolicyStatement{
		allow(arns(t.suppressions, t.tools), "dynamodb:PutItem", "dynamodb:UpdateItem"),
		allow(arns(t.ledger, t.holdHistory), "dynamodb:PutItem"),
		allow(arns(t.holds), "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"),
		allow(arns(t.records()...), "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"),
		allow(arns(t.slots), "dynamodb:PutItem", "dynamodb:DeleteItem"),
		ofPartitions(classes, t.runs, "dynamodb:UpdateItem"),
		ofPartitions([]string{names.DomainPrefix + "*"}, t.replies, "dynamodb:PutItem", "dynamodb:DeleteItem"),
		s.writesRecords(k),
	}
}

// changesParts lets a person rotate keys, add hooks and webhooks, retry dead letters, and
// start or schedule purges.
func (s stack) changesParts(k keys, e events) []awsiam.PolicyStatement {
	// The role of the nightly schedule starts a scheduled purge. CloudFormation names it.
	passes := allow([]*string{jsii.String("arn:" + *s.Partition() + ":iam::" + *s.Account() + ":role/" + string(s.Prefix) + "-SchedulerRole*")}, "iam:PassRole")
	passes.AddCondition(jsii.String("StringEquals"), map[string]any{"iam:PassedToService": "scheduler.amazonaws.com"})
	return []awsiam.PolicyStatement{
		allow([]*string{s.called(names.RotateKeys), s.called(names.Deliver)}, "lambda:InvokeFunction"),
		allow([]*string{k.hooks, k.webhooks}, "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
		s.ofQueues("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:SendMessage"),
		allow([]*string{e.bus.EventBusArn()}, "events:PutEvents"),
		allow([]*string{s.here("states", "stateMachine:"+s.Prefix.Purge("*"))}, "states:StartExecution"),
		allow([]*string{s.here("scheduler", "schedule/default/"+s.Prefix.Purge("*"))}, "scheduler:GetSchedule", "scheduler:CreateSchedule"),
		passes,
	}
}
