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
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/retention"
)

// How many shards of a run delete at the same time: at first, and of those that
// DynamoDB throttled.
const (
	shardsAtOnce     = 16
	slowShardsAtOnce = 4
)

// purges are two state machines per class, the purge and the audit, and the
// dead-letter queue of the schedules.
type purges struct {
	machines, audits []machine
	missed           awssqs.Queue
}

// steps are the functions that every purge is made of.
type steps struct {
	plan, delete, verify awslambda.Function
}

func (s stack) purges(k keys, t tables, b buckets, e events) purges {
	steps := steps{
		plan:   s.purgePlan(k, t, b),
		delete: s.purgeDelete(k, t, b),
		verify: s.purgeVerify(k, t, b, e),
	}
	s.logGroup("machine-logs", s.Prefix.MachineLogs())
	role := s.machineRole("purge-role", steps.plan, steps.delete, steps.verify)
	p := purges{missed: s.deadLetters("purge-missed")}
	for _, class := range s.Policy.Classes {
		m := s.purgeMachine(class, steps, role)
		s.schedule("schedule-"+class.Name, s.Prefix.Purge(class.Name), class.Schedule, class.Zone, m,
			awsscheduler.ScheduleTargetInput_FromObject(map[string]any{
				"scheduledTime": awsscheduler.ContextAttribute_ScheduledTime(),
			}), p.missed)
		p.machines = append(p.machines, machine{class.Name, m})
	}
	p.audits = s.audits(k, t, b, steps.verify, p.missed)
	return p
}

func (s stack) purgePlan(k keys, t tables, b buckets) awslambda.Function {
	executions := s.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("states"),
		Resource:     jsii.String("execution"),
		ResourceName: jsii.String(s.Prefix.Purge("*") + ":*"),
		ArnFormat:    awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
	return s.function(function{
		name:      names.PurgePlan,
		memory:    512,
		timeout:   minutes(15),
		variables: map[string]*string{names.VarManifestBucket: b.manifests.BucketName()},
		may: []awsiam.PolicyStatement{
			allow(dueIndexes(t), "dynamodb:Query"),
			// BatchGetItem looks whether what is due is held.
			allow(arns(t.records()...), "dynamodb:DescribeTable", "dynamodb:BatchGetItem"),
			allow(arns(t.holds), "dynamodb:BatchGetItem"), // also the turns on the fences
			allow(arns(t.slots), "dynamodb:BatchGetItem"), // whether the objects of what is due keep it
			s.readsRecords(k),
			allow(arns(t.runs), "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"),
			raisesFences(t),
			allow([]*string{b.manifests.ArnForObjects(jsii.String(names.ManifestPages + "*"))}, "s3:PutObject"),
			allow([]*string{executions}, "states:DescribeExecution"),
		},
	})
}

// raisesFences lets a function change the fences, and no hold.
func raisesFences(t tables) awsiam.PolicyStatement {
	return ofPartitions([]string{names.FencePrefix + "*"}, t.holds, "dynamodb:UpdateItem")
}

// dueIndexes are the indexes in which the purge finds due records.
func dueIndexes(t tables) []*string {
	return append(indexArns(names.IndexDue, t.records()...), indexArns(names.IndexWithdrawn, t.records()...)...)
}

func (s stack) purgeDelete(k keys, t tables, b buckets) awslambda.Function {
	return s.function(function{
		name:      names.PurgeDelete,
		memory:    512,
		timeout:   minutes(15),
		variables: map[string]*string{names.VarManifestBucket: b.manifests.BucketName()},
		may: append([]awsiam.PolicyStatement{
			// UpdateItem claims a record whose objects are deleted first.
			allow(arns(t.records()...), "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"),
			allow(dueIndexes(t), "dynamodb:Query"),
			s.writesRecords(k),
			allow(arns(t.holds), "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:ConditionCheckItem"),
			allow(arns(t.slots), "dynamodb:BatchGetItem", "dynamodb:DeleteItem"), // which objects are a record's; they go with the record
			allow(arns(t.runs), "dynamodb:GetItem"),
			allow([]*string{b.manifests.ArnForObjects(jsii.String(names.ManifestPages + "*"))}, "s3:PutObject"),
		}, s.deletesObjects()...),
	})
}

// deletesObjects lets a function delete the contents of the buckets that the
// policy's classes name, and nothing elsewhere. Others own these buckets.
func (s stack) deletesObjects() []awsiam.PolicyStatement {
	whole := map[string]bool{} // bucket -> a class names objects under any key
	for _, class := range s.Policy.Classes {
		for _, name := range class.Buckets {
			whole[name] = whole[name] || class.BucketPrefix == ""
		}
	}
	if len(whole) == 0 {
		return nil
	}
	var buckets, contents []*string
	for _, name := range slices.Sorted(maps.Keys(whole)) {
		bucket := awss3.Bucket_FromBucketName(s.Stack, jsii.String("objects-"+name), jsii.String(name))
		buckets = append(buckets, bucket.BucketArn())
		if whole[name] {
			contents = append(contents, objects(bucket)...)
			continue
		}
		for _, entry := range s.Scopes.All() {
			if entry.Scope.Brand() == entry.Scope { // a topic's prefix lies below its brand's
				contents = append(contents, bucket.ArnForObjects(jsii.String(string(entry.Scope)+"/*")))
			}
		}
	}
	return []awsiam.PolicyStatement{
		allow(buckets, "s3:ListBucketVersions"),
		allow(contents, "s3:DeleteObject", "s3:DeleteObjectVersion"),
	}
}

func (s stack) purgeVerify(k keys, t tables, b buckets, e events) awslambda.Function {
	return s.function(function{
		name:    names.PurgeVerify,
		memory:  3008, // for its processors: `make bench` measures the memory
		timeout: minutes(15),
		variables: map[string]*string{
			names.VarManifestBucket: b.manifests.BucketName(),
			names.VarEvidenceBucket: b.evidence.BucketName(),
			names.VarVersion:        jsii.String(s.Version), // here alone: a deploy changes what a commit changed
		},
		may: []awsiam.PolicyStatement{
			// It scans for records that lost their place, which no index shows.
			allow(arns(t.records()...), "dynamodb:BatchGetItem", "dynamodb:Scan", "dynamodb:DescribeTable"),
			allow(append(dueIndexes(t), indexArns(names.IndexRunning, t.records()...)...), "dynamodb:Query"),
			s.readsRecords(k),
			allow(arns(t.holds, t.slots), "dynamodb:BatchGetItem"), // a held record is not overdue; objects may keep another
			raisesFences(t),
			allow(arns(t.runs), "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"),
			// A delete marker hides no certificate: the version below it is read.
			allow([]*string{b.evidence.BucketArn()}, "s3:ListBucketVersions"),
			allow(objects(b.evidence), "s3:GetObjectVersion"),
			// Without ListBucket a missing object is 403, not 404.
			allow([]*string{b.manifests.BucketArn(), b.evidence.BucketArn()}, "s3:ListBucket"),
			allow(objects(b.manifests), "s3:GetObject"),
			allow([]*string{b.manifests.ArnForObjects(jsii.String(names.ManifestPages + "*"))}, "s3:DeleteObject"),
			allow(objects(b.evidence), "s3:GetObject", "s3:PutObject"),
			allow([]*string{k.signing}, "kms:Sign", "kms:GetPublicKey"),
			mayRead(k.proof),
			allow([]*string{e.bus.EventBusArn()}, "events:PutEvents"),
		},
	})
}

// purgeMachine adds the purge of one class, which ends in a certificate whatever
// happens:
//
//	Plan --> What next? --delete-----> Delete, by shard --> Delete with fewer shards --> Verify --> Completed?
//	                    --finish-----> Finish the run before --> Plan
//	                    --otherwise--> Certify the plan -------------> Completed?
//
//	Completed? --> Completed | Halted | Stopped | Failed
//
//	An error in any state --> Certify the failure --> Failed
func (s stack) purgeMachine(class retention.Class, f steps, role awsiam.IRole) awsstepfunctions.StateMachine {
	scope := constructs.NewConstruct(s.Stack, jsii.String("purge-"+class.Name))
	run := map[string]any{
		"class":     class.Name,
		"run":       jsonPath("$$.Execution.Name"),
		"startedAt": jsonPath("$$.Execution.StartTime"),
	}
	failed := failState(scope, names.PurgeFailed, "Failed", "A step or a shard failed; the certificate of this run says what it did.")
	certifyFailure := retryTwice(task(scope, "Certify the failure", f.verify, merged(run, map[string]any{
		"failed": true,
		"error":  jsonPath("$.Error"),
	})))
	certifyFailure.Next(failed)

	plan := task(scope, "Plan", f.plan, merged(run, map[string]any{
		"machine": jsonPath("$$.StateMachine.Id"),
		"input":   awsstepfunctions.JsonPath_ObjectAt(jsii.String("$$.Execution.Input")),
	}))
	// A run of the class that was killed is certified before this run plans.
	finish := retryTwice(task(scope, "Finish the run before", f.verify, map[string]any{
		"class":     class.Name,
		"run":       jsonPath("$.unfinished"),
		"startedAt": jsonPath("$.startedAt"),
		"failed":    true,
		"error":     "Killed",
	}))
	shards := awsstepfunctions.NewMap(scope, jsii.String("Delete"), &awsstepfunctions.MapProps{
		ItemsPath:      jsii.String("$.shards"),
		MaxConcurrency: jsii.Number(shardsAtOnce),
		ResultPath:     jsii.String("$.worked"),
	})
	flags := []string{"stopped", "late", "done"}
	shards.ItemProcessor(loop(scope, "Shard", task(scope, "Delete pages", f.delete, nil), "throttled", flags...), nil)
	shards.AddCatch(certifyFailure, anyError())
	// A shard that is done has only its flag, and no work.
	slowShards := awsstepfunctions.NewMap(scope, jsii.String("Delete with fewer shards"), &awsstepfunctions.MapProps{
		ItemsPath:      jsii.String("$.worked"),
		MaxConcurrency: jsii.Number(slowShardsAtOnce),
		ResultPath:     jsii.String("$.worked"),
	})
	slowShards.ItemProcessor(awsstepfunctions.NewChoice(scope, jsii.String("Throttled?"), nil).
		When(awsstepfunctions.Condition_IsPresent(jsii.String("$.shard")),
			loop(scope, "Slow shard", task(scope, "Delete pages slowly", f.delete, nil), "", flags...), nil).
		Otherwise(awsstepfunctions.NewPass(scope, jsii.String("Shard ended"), nil)), nil)
	slowShards.AddCatch(certifyFailure, anyError())
	verify := retryTwice(task(scope, "Verify", f.verify, merged(run, map[string]any{
		"worked": awsstepfunctions.JsonPath_ObjectAt(jsii.String("$.worked")),
	})))
	certifyPlan := retryTwice(task(scope, "Certify the plan", f.verify, run))
	for _, step := range []interface {
		AddCatch(awsstepfunctions.IChainable, *awsstepfunctions.CatchProps) awsstepfunctions.TaskStateBase
	}{plan, finish, verify, certifyPlan} {
		step.AddCatch(certifyFailure, anyError())
	}

	plan.Next(awsstepfunctions.NewChoice(scope, jsii.String("What next?"), nil).
		When(equals("$.next", "delete"), shards.Next(slowShards).Next(verify), nil).
		When(equals("$.next", "finish"), finish.Next(plan), nil).
		Otherwise(certifyPlan))
	outcome := awsstepfunctions.NewChoice(scope, jsii.String("Completed?"), nil).
		When(equals("$.outcome", string(certificate.Completed)), awsstepfunctions.NewSucceed(scope, jsii.String("Completed"), nil), nil).
		When(equals("$.outcome", string(certificate.Halted)), failState(scope, names.PurgeHalted, "Halted", "The brake held the run; nothing was deleted, but for withdrawn records. An operator approves its plan."), nil).
		When(equals("$.outcome", string(certificate.Stopped)), failState(scope, names.PurgeStopped, "Stopped", "The run was stopped, or another run of the class was on."), nil).
		Otherwise(failed)
	verify.Next(outcome)
	certifyPlan.Next(outcome)
	return s.stateMachine(scope, s.Prefix.Purge(class.Name), plan, role)
}

// overdue is the metric that purge-verify logs at the end of every run. Its period
// is a day, so that the alarm stands until the next night's run.
func (s stack) overdue(class string) awscloudwatch.Metric {
	return s.classMetric(names.MetricOverdue, class, days(1), "Maximum")
}

// classMetric is a metric of one class that a function logs.
func (s stack) classMetric(name, class string, period awscdk.Duration, statistic string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(names.Source),
		MetricName:    jsii.String(name),
		DimensionsMap: &map[string]*string{names.MetricStack: jsii.String(string(s.Prefix)), names.AttrClass: jsii.String(class)},
		Period:        period,
		Statistic:     jsii.String(statistic),
	})
}
