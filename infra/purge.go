package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
	"stille/shared/retention"
)

// shardsAtOnce is how many of a run's shards delete at the same time.
const shardsAtOnce = 16

// purges are one state machine per class, another for its audits, and what the
// scheduler could not start.
type purges struct {
	machines []machine
	audits   []machine
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
	p := purges{missed: s.deadLetters("purge-missed")}
	for _, class := range s.Policy.Classes {
		m := s.machine(class, steps, role)
		s.schedule(class, m, p.missed)
		p.machines = append(p.machines, machine{class.Name, m})
	}
	p.audits = s.audits(k, t, b, steps.verify, p.missed)
	return p
}

func (s stack) purgePlan(k keys, t tables) awslambda.Function {
	return s.function(function{
		name:    names.PurgePlan,
		memory:  512,
		timeout: awscdk.Duration_Minutes(jsii.Number(15)),
		may: []awsiam.PolicyStatement{
			allow(dueIndexes(t), "dynamodb:Query"),
			allow(arns(t.records()...), "dynamodb:DescribeTable"),
			s.readsRecords(k),
			allow(arns(t.runs), "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"),
			allow([]*string{s.FormatArn(&awscdk.ArnComponents{
				Service:      jsii.String("states"),
				Resource:     jsii.String("execution"),
				ResourceName: jsii.String(s.Name.Purge("*") + ":*"),
				ArnFormat:    awscdk.ArnFormat_COLON_RESOURCE_NAME,
			})}, "states:DescribeExecution"),
		},
	})
}

// dueIndexes are the indexes in which the purge finds what is due.
func dueIndexes(t tables) []*string {
	return append(indexArns(names.IndexDue, t.records()...), indexArns(names.IndexWithdrawn, t.records()...)...)
}

func (s stack) purgeDelete(k keys, t tables, b buckets) awslambda.Function {
	return s.function(function{
		name:      names.PurgeDelete,
		memory:    512,
		timeout:   awscdk.Duration_Minutes(jsii.Number(15)),
		variables: map[string]*string{names.VarManifestBucket: b.manifests.BucketName()},
		may: append([]awsiam.PolicyStatement{
			// UpdateItem marks the records whose objects go before them.
			allow(arns(t.records()...), "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"),
			allow(dueIndexes(t), "dynamodb:Query"),
			s.writesRecords(k),
			allow(arns(t.holds), "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:ConditionCheckItem"),
			allow(arns(t.runs), "dynamodb:GetItem"),
			allow([]*string{b.manifests.ArnForObjects(jsii.String(names.ManifestPages + "*"))}, "s3:PutObject"),
		}, s.deletesObjects()...),
	})
}

// deletesObjects lets a function delete what lies in the buckets that the
// policy's classes name, which others own, and nothing elsewhere.
func (s stack) deletesObjects() []awsiam.PolicyStatement {
	var named []string
	for _, class := range s.Policy.Classes {
		named = append(named, class.Buckets...)
	}
	named = slices.Compact(slices.Sorted(slices.Values(named)))
	if len(named) == 0 {
		return nil
	}
	buckets, contents := make([]*string, len(named)), make([]*string, len(named))
	for i, name := range named {
		bucket := awss3.Bucket_FromBucketName(s.Stack, jsii.String("objects-"+name), jsii.String(name))
		buckets[i], contents[i] = bucket.BucketArn(), bucket.ArnForObjects(jsii.String("*"))
	}
	return []awsiam.PolicyStatement{
		allow(buckets, "s3:ListBucketVersions"),
		allow(contents, "s3:DeleteObject", "s3:DeleteObjectVersion"),
	}
}

func (s stack) purgeVerify(k keys, t tables, b buckets, e events) awslambda.Function {
	return s.function(function{
		name:    names.PurgeVerify,
		memory:  3008, // it holds the list of a run's deletions: `make bench` says how much a million take
		timeout: awscdk.Duration_Minutes(jsii.Number(15)),
		variables: map[string]*string{
			names.VarManifestBucket: b.manifests.BucketName(),
			names.VarEvidenceBucket: b.evidence.BucketName(),
		},
		may: []awsiam.PolicyStatement{
			allow(arns(t.records()...), "dynamodb:BatchGetItem"),
			allow(append(dueIndexes(t), indexArns(names.IndexRunning, t.records()...)...), "dynamodb:Query"),
			s.readsRecords(k),
			allow(arns(t.holds), "dynamodb:BatchGetItem"), // what a hold keeps is not overdue
			allow(arns(t.runs), "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"),
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

	failed := ended(scope, "Failed", names.PurgeFailed, "A step or a shard failed; the certificate of this run says what it did.")
	certify := invoke("Certify the failure", f.verify, with(run, map[string]any{
		"failed": true,
		"error":  at("$.Error"),
	}))
	again(certify)
	certify.Next(failed)
	failure := &awsstepfunctions.CatchProps{Errors: jsii.Strings("States.ALL")}

	plan := invoke("Plan", f.plan, with(run, map[string]any{
		"machine": at("$$.StateMachine.Id"),
		"input":   awsstepfunctions.JsonPath_ObjectAt(jsii.String("$$.Execution.Input")),
	}))
	plan.AddCatch(certify, failure)

	// A run of the class that was killed gets its certificate first.
	finish := invoke("Finish the run before", f.verify, map[string]any{
		"class":     class.Name,
		"run":       at("$.unfinished"),
		"startedAt": at("$.startedAt"),
		"failed":    true,
		"error":     "Killed",
	})
	again(finish)
	finish.AddCatch(certify, failure)
	finish.Next(plan)

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
	refused := invoke("Certify the plan", f.verify, run)
	again(refused)
	refused.AddCatch(certify, failure)

	is := func(path, value string) awsstepfunctions.Condition {
		return awsstepfunctions.Condition_StringEquals(jsii.String(path), jsii.String(value))
	}
	plan.Next(awsstepfunctions.NewChoice(scope, jsii.String("What next?"), nil).
		When(is("$.next", "delete"), remove.Next(verify), nil).
		When(is("$.next", "finish"), finish, nil).
		Otherwise(refused))
	outcome := awsstepfunctions.NewChoice(scope, jsii.String("Completed?"), nil).
		When(is("$.outcome", names.Completed), awsstepfunctions.NewSucceed(scope, jsii.String("Completed"), nil), nil).
		When(is("$.outcome", names.Halted), ended(scope, "Halted", names.PurgeHalted, "The brake held the run; nothing was deleted. An operator approves its plan."), nil).
		When(is("$.outcome", names.Stopped), ended(scope, "Stopped", names.PurgeStopped, "The run was stopped, or another run of the class was on."), nil).
		Otherwise(failed)
	verify.Next(outcome)
	refused.Next(outcome)

	return awsstepfunctions.NewStateMachine(scope, jsii.String("machine"), &awsstepfunctions.StateMachineProps{
		StateMachineName: jsii.String(s.Name.Purge(class.Name)),
		DefinitionBody:   awsstepfunctions.DefinitionBody_FromChainable(plan),
		Role:             role,
		// Done long before the next night's run.
		Timeout: awscdk.Duration_Hours(jsii.Number(20)),
	})
}

// ended is an end other than the good one: the execution fails by the name of
// its event.
func ended(scope constructs.Construct, id, name, cause string) awsstepfunctions.Fail {
	return awsstepfunctions.NewFail(scope, jsii.String(id), &awsstepfunctions.FailProps{
		Error: jsii.String(name), Cause: jsii.String(cause),
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
	is := func(path string) awsstepfunctions.Condition {
		return awsstepfunctions.Condition_BooleanEquals(jsii.String(path), jsii.Bool(true))
	}
	return pages.Next(awsstepfunctions.NewChoice(scope, jsii.String("Shard done?"), nil).
		When(is("$.stopped"), ends(scope, "Shard stopped", "stopped"), nil).
		When(is("$.done"), ends(scope, "Shard done", "done"), nil).
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

// overdue is the metric that purge-verify's log line makes at the end of every
// run. Over a day, so that the alarm stands until the next night's run.
func overdue(class string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(names.Source),
		MetricName:    jsii.String(names.MetricOverdue),
		DimensionsMap: &map[string]*string{names.AttrClass: jsii.String(class)},
		Period:        awscdk.Duration_Days(jsii.Number(1)),
		Statistic:     jsii.String("Maximum"),
	})
}
