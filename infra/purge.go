package main

import (
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/retention"
	"stille/shared/schema"
)

// shardsAtOnce is how many of a run's shards delete at the same time.
const shardsAtOnce = 16

// purges are one state machine per class, and what the scheduler could not
// start.
type purges struct {
	machines []machine
	missed   awssqs.Queue
}

type machine struct {
	class string
	awsstepfunctions.StateMachine
}

// steps are the functions that every class's purge is made of.
type steps struct {
	plan, delete, verify awslambda.Function
}

func (s stack) purges(k keys, t tables, b buckets, e events) purges {
	steps := steps{
		plan:   s.purgePlan(k, t),
		delete: s.purgeDelete(k, t, b),
		verify: s.purgeVerify(k, t, b, e),
	}
	role := s.role("purge-role", "states.amazonaws.com", []awsiam.PolicyStatement{
		allow([]*string{steps.plan.FunctionArn(), steps.delete.FunctionArn(), steps.verify.FunctionArn()}, "lambda:InvokeFunction"),
	})
	p := purges{missed: s.queue("purge-missed")}
	for _, class := range s.Policy.Classes {
		m := s.machine(class, steps, role)
		s.schedule(class, m, p.missed)
		p.machines = append(p.machines, machine{class.Name, m})
	}
	return p
}

func (s stack) purgePlan(k keys, t tables) awslambda.Function {
	return s.function(function{
		name:    schema.PurgePlan,
		memory:  512,
		timeout: awscdk.Duration_Minutes(jsii.Number(15)),
		may: []awsiam.PolicyStatement{
			allow(dueIndexes(t), "dynamodb:Query"),
			s.readsRecords(k),
			allow(arns(t.runs), "dynamodb:GetItem", "dynamodb:PutItem"),
		},
	})
}

// dueIndexes are the indexes in which the purge finds what is due.
func dueIndexes(t tables) []*string {
	return append(indexArns(schema.IndexDue, t.records()...), indexArns(schema.IndexWithdrawn, t.records()...)...)
}

func (s stack) purgeDelete(k keys, t tables, b buckets) awslambda.Function {
	return s.function(function{
		name:      schema.PurgeDelete,
		memory:    512,
		timeout:   awscdk.Duration_Minutes(jsii.Number(15)),
		variables: map[string]*string{schema.VarManifestBucket: b.manifests.BucketName()},
		may: []awsiam.PolicyStatement{
			allow(arns(t.records()...), "dynamodb:BatchGetItem", "dynamodb:DeleteItem"),
			allow(dueIndexes(t), "dynamodb:Query"),
			s.writesRecords(k),
			allow(arns(t.holds), "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem"),
			allow(objects(b.manifests), "s3:PutObject"),
		},
	})
}

func (s stack) purgeVerify(k keys, t tables, b buckets, e events) awslambda.Function {
	return s.function(function{
		name:    schema.PurgeVerify,
		memory:  512,
		timeout: awscdk.Duration_Minutes(jsii.Number(15)),
		variables: map[string]*string{
			schema.VarManifestBucket: b.manifests.BucketName(),
			schema.VarEvidenceBucket: b.evidence.BucketName(),
		},
		may: []awsiam.PolicyStatement{
			allow(arns(t.records()...), "dynamodb:BatchGetItem"),
			allow(dueIndexes(t), "dynamodb:Query"),
			s.readsRecords(k),
			allow(arns(t.runs), "dynamodb:GetItem", "dynamodb:PutItem"),
			// Without ListBucket a missing object is 403, not 404.
			allow([]*string{b.manifests.BucketArn(), b.evidence.BucketArn()}, "s3:ListBucket"),
			allow(objects(b.manifests), "s3:GetObject"),
			allow(objects(b.evidence), "s3:GetObject", "s3:PutObject"),
			allow([]*string{k.signing.KeyArn()}, "kms:Sign", "kms:GetPublicKey"),
			mayRead(k.proof),
			allow([]*string{e.bus.EventBusArn()}, "events:PutEvents"),
		},
	})
}

// machine adds the purge of one class: plan, delete in every shard, verify. It
// ends in a certificate, also when a step or a shard fails.
func (s stack) machine(class retention.Class, f steps, role awsiam.IRole) awsstepfunctions.StateMachine {
	scope := constructs.NewConstruct(s.Stack, jsii.String("purge-"+class.Name))
	invoke := func(id string, f awslambda.Function, payload map[string]any) awsstepfunctionstasks.LambdaInvoke {
		return invoke(scope, id, f, payload)
	}
	run := map[string]any{
		"class":     class.Name,
		"run":       at("$$.Execution.Name"),
		"startedAt": at("$$.Execution.StartTime"),
	}

	certify := invoke("Certify the failure", f.verify, with(run, map[string]any{
		"failed": true,
		"error":  at("$.Error"),
	}))
	again(certify)
	failed := awsstepfunctions.NewFail(scope, jsii.String("Failed"), &awsstepfunctions.FailProps{
		Error: jsii.String(schema.PurgeFailed),
		Cause: jsii.String("A step or a shard failed; the certificate of this run says what it did."),
	})
	certify.Next(failed)
	failure := &awsstepfunctions.CatchProps{Errors: jsii.Strings("States.ALL")}

	plan := invoke("Plan", f.plan, with(run, map[string]any{
		"input": awsstepfunctions.JsonPath_ObjectAt(jsii.String("$$.Execution.Input")),
	}))
	plan.AddCatch(certify, failure)

	remove := awsstepfunctions.NewMap(scope, jsii.String("Delete"), &awsstepfunctions.MapProps{
		ItemsPath:      jsii.String("$.shards"),
		MaxConcurrency: jsii.Number(shardsAtOnce),
		ResultPath:     jsii.String("$.worked"),
	})
	remove.ItemProcessor(shard(scope, invoke("Delete pages", f.delete, nil)), nil)
	remove.AddCatch(certify, failure)

	verify := invoke("Verify", f.verify, with(run, map[string]any{
		"worked": awsstepfunctions.JsonPath_ObjectAt(jsii.String("$.worked")),
	}))
	again(verify)
	verify.AddCatch(certify, failure)
	completed := awsstepfunctions.Condition_StringEquals(jsii.String("$.outcome"), jsii.String(schema.Completed))
	outcome := awsstepfunctions.NewChoice(scope, jsii.String("Completed?"), nil).
		When(completed, awsstepfunctions.NewSucceed(scope, jsii.String("Completed"), nil), nil).
		Otherwise(failed)

	return awsstepfunctions.NewStateMachine(scope, jsii.String("machine"), &awsstepfunctions.StateMachineProps{
		StateMachineName: jsii.String(s.Name.Purge(class.Name)),
		DefinitionBody:   awsstepfunctions.DefinitionBody_FromChainable(plan.Next(remove).Next(verify).Next(outcome)),
		Role:             role,
		// Done long before the next night's run.
		Timeout: awscdk.Duration_Hours(jsii.Number(20)),
	})
}

// shard deletes page after page until its function says that it is done. One
// that fails ends too, and leaves the others to their work: were they cut off
// or certified while they still run, the certificate would lack what they
// deleted. Of either end it says no more than which, so that the state stays
// small.
func shard(scope constructs.Construct, pages awsstepfunctionstasks.LambdaInvoke) awsstepfunctions.IChainable {
	again(pages)
	pages.AddCatch(ends(scope, "Shard failed", "failed"), &awsstepfunctions.CatchProps{Errors: jsii.Strings("States.ALL")})
	done := awsstepfunctions.Condition_BooleanEquals(jsii.String("$.done"), jsii.Bool(true))
	return pages.Next(awsstepfunctions.NewChoice(scope, jsii.String("Shard done?"), nil).
		When(done, ends(scope, "Shard done", "done"), nil).
		Otherwise(pages))
}

// ends is the end of a shard, whose result is only how it came to it.
func ends(scope constructs.Construct, id, how string) awsstepfunctions.Pass {
	return awsstepfunctions.NewPass(scope, jsii.String(id), &awsstepfunctions.PassProps{
		Result: awsstepfunctions.Result_FromObject(&map[string]any{how: true}),
	})
}

// invoke is a task that gives a function the payload, or else its own input,
// and becomes what the function answers. What AWS lost, it tries again.
func invoke(scope constructs.Construct, id string, f awslambda.Function, payload map[string]any) awsstepfunctionstasks.LambdaInvoke {
	props := &awsstepfunctionstasks.LambdaInvokeProps{
		LambdaFunction:           f,
		PayloadResponseOnly:      jsii.Bool(true),
		RetryOnServiceExceptions: jsii.Bool(false),
	}
	if payload != nil {
		props.Payload = awsstepfunctions.TaskInput_FromObject(&payload)
	}
	task := awsstepfunctionstasks.NewLambdaInvoke(scope, jsii.String(id), props)
	task.AddRetry(&awsstepfunctions.RetryProps{
		Errors: jsii.Strings("Lambda.ServiceException", "Lambda.AWSLambdaException",
			"Lambda.SdkClientException", "Lambda.TooManyRequestsException"),
		Interval:       awscdk.Duration_Seconds(jsii.Number(2)),
		MaxAttempts:    jsii.Number(6),
		BackoffRate:    jsii.Number(2),
		JitterStrategy: awsstepfunctions.JitterType_FULL,
	})
	return task
}

// again runs a step anew that failed by itself: delete and verify come to the
// same result when they run twice.
func again(task awsstepfunctionstasks.LambdaInvoke) {
	task.AddRetry(&awsstepfunctions.RetryProps{
		Errors:      jsii.Strings("States.TaskFailed"),
		Interval:    awscdk.Duration_Seconds(jsii.Number(5)),
		MaxAttempts: jsii.Number(2),
		BackoffRate: jsii.Number(4),
	})
}

// with is both maps in one.
func with(a, b map[string]any) map[string]any {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// at is what a path in the state or its context leads to.
func at(path string) *string { return awsstepfunctions.JsonPath_StringAt(jsii.String(path)) }

// schedule starts the purge of one class when its policy says, by the clock of
// its zone.
func (s stack) schedule(class retention.Class, machine awsstepfunctions.StateMachine, missed awssqs.Queue) {
	awsscheduler.NewSchedule(s.Stack, jsii.String("schedule-"+class.Name), &awsscheduler.ScheduleProps{
		ScheduleName: jsii.String(s.Name.Purge(class.Name)),
		Schedule: awsscheduler.ScheduleExpression_Expression(
			jsii.String(class.Schedule), awscdk.TimeZone_Of(jsii.String(class.Zone))),
		Target: awsschedulertargets.NewStepFunctionsStartExecution(machine, &awsschedulertargets.ScheduleTargetBaseProps{
			Input: awsscheduler.ScheduleTargetInput_FromObject(map[string]any{
				"scheduledTime": awsscheduler.ContextAttribute_ScheduledTime(),
			}),
			DeadLetterQueue: missed,
			MaxEventAge:     awscdk.Duration_Hours(jsii.Number(6)),
		}),
	})
}
