package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
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

const (
	// auditSchedule is the first of the month, after every night's purge of the
	// sample policy, in the class's zone.
	auditSchedule = "cron(0 5 1 * ? *)"

	// scanSegments is into how many parts a class table is divided to be read,
	// and segmentsAtOnce how many of them are read at the same time: the tables
	// serve others, too.
	scanSegments   = 64
	segmentsAtOnce = 8
)

// audits add a state machine per class that reads every record of it once a
// month. It is apart from the purge's: it takes no lock, and neither does its
// success stand for a purge's.
func (s stack) audits(k keys, t tables, b buckets, verify awslambda.Function, missed awssqs.Queue) []machine {
	audit := s.purgeAudit(k, t, b)
	role := s.role("audit-role", "states.amazonaws.com", []awsiam.PolicyStatement{
		allow([]*string{audit.FunctionArn(), verify.FunctionArn()}, "lambda:InvokeFunction"),
	})
	var machines []machine
	for _, class := range s.Policy.Classes {
		m := s.auditMachine(class, audit, verify, role)
		awsscheduler.NewSchedule(s.Stack, jsii.String("audit-schedule-"+class.Name), &awsscheduler.ScheduleProps{
			ScheduleName: jsii.String(s.Name.Audit(class.Name)),
			Schedule: awsscheduler.ScheduleExpression_Expression(
				jsii.String(auditSchedule), awscdk.TimeZone_Of(jsii.String(class.Zone))),
			Target: awsschedulertargets.NewStepFunctionsStartExecution(m, &awsschedulertargets.ScheduleTargetBaseProps{
				DeadLetterQueue: missed,
				MaxEventAge:     awscdk.Duration_Hours(jsii.Number(6)),
			}),
		})
		machines = append(machines, machine{class.Name, m})
	}
	return machines
}

// purgeAudit is the function that reads a segment. It is the only one of the
// purge's that sees the suppression list, and it can change nothing but its own
// notes.
func (s stack) purgeAudit(k keys, t tables, b buckets) awslambda.Function {
	return s.function(function{
		name:      names.PurgeAudit,
		memory:    512,
		timeout:   awscdk.Duration_Minutes(jsii.Number(15)),
		variables: map[string]*string{names.VarManifestBucket: b.manifests.BucketName()},
		may: []awsiam.PolicyStatement{
			allow(arns(t.records()...), "dynamodb:Scan", "dynamodb:BatchGetItem"),
			s.readsRecords(k),
			allow(arns(t.suppressions), "dynamodb:GetItem", "dynamodb:BatchGetItem"),
			allow(arns(t.holds), "dynamodb:BatchGetItem"),
			allow([]*string{b.manifests.ArnForObjects(jsii.String(names.AuditParts + "*"))}, "s3:PutObject"),
		},
	})
}

// auditMachine reads every segment of one class, and certifies what that
// found. It ends in a certificate, also when a segment fails.
func (s stack) auditMachine(class retention.Class, audit, verify awslambda.Function, role awsiam.IRole) awsstepfunctions.StateMachine {
	scope := constructs.NewConstruct(s.Stack, jsii.String("audit-"+class.Name))
	run := map[string]any{
		"class":     class.Name,
		"run":       at("$$.Execution.Name"),
		"startedAt": at("$$.Execution.StartTime"),
		"audit":     true,
	}

	failed := ended(scope, "Failed", names.AuditFailed, "Not every record was read, or not by one policy.")
	failure := &awsstepfunctions.CatchProps{Errors: jsii.Strings("States.ALL")}
	giveUp := invoke(scope, "Certify the failure", verify, with(run, map[string]any{"failed": true, "error": at("$.Error")}))
	again(giveUp)
	giveUp.Next(failed)

	segments := make([]any, scanSegments)
	for n := range segments {
		segments[n] = n
	}
	divide := awsstepfunctions.NewPass(scope, jsii.String("Divide"), &awsstepfunctions.PassProps{
		Result: awsstepfunctions.Result_FromObject(&map[string]any{"segments": segments}),
	})
	read := awsstepfunctions.NewMap(scope, jsii.String("Read"), &awsstepfunctions.MapProps{
		ItemsPath:      jsii.String("$.segments"),
		MaxConcurrency: jsii.Number(segmentsAtOnce),
		ItemSelector: &map[string]any{
			"class":   class.Name,
			"run":     at("$$.Execution.Name"),
			"segment": awsstepfunctions.JsonPath_NumberAt(jsii.String("$$.Map.Item.Value")),
			"of":      scanSegments,
		},
		ResultPath: jsii.String("$.worked"),
	})
	read.ItemProcessor(segment(scope, invoke(scope, "Read pages", audit, nil)), nil)
	read.AddCatch(giveUp, failure)

	certify := invoke(scope, "Certify", verify, with(run, map[string]any{
		"worked": awsstepfunctions.JsonPath_ObjectAt(jsii.String("$.worked")),
	}))
	again(certify)
	certify.AddCatch(giveUp, failure)
	certify.Next(awsstepfunctions.NewChoice(scope, jsii.String("Completed?"), nil).
		When(awsstepfunctions.Condition_StringEquals(jsii.String("$.outcome"), jsii.String(names.Completed)),
			awsstepfunctions.NewSucceed(scope, jsii.String("Completed"), nil), nil).
		Otherwise(failed))

	return awsstepfunctions.NewStateMachine(scope, jsii.String("machine"), &awsstepfunctions.StateMachineProps{
		StateMachineName: jsii.String(s.Name.Audit(class.Name)),
		DefinitionBody:   awsstepfunctions.DefinitionBody_FromChainable(divide.Next(read).Next(certify)),
		Role:             role,
		// Shorter than what counts as overdue: what is, was due when it began.
		Timeout: awscdk.Duration_Hours(jsii.Number(20)),
	})
}

// segment reads page after page until its function says that it is done. Of
// how it ends it says no more than that, so that the state stays small.
func segment(scope constructs.Construct, pages awsstepfunctionstasks.LambdaInvoke) awsstepfunctions.IChainable {
	again(pages)
	pages.AddCatch(ends(scope, "Segment failed", "failed"), &awsstepfunctions.CatchProps{Errors: jsii.Strings("States.ALL")})
	return pages.Next(awsstepfunctions.NewChoice(scope, jsii.String("Segment done?"), nil).
		When(awsstepfunctions.Condition_BooleanEquals(jsii.String("$.done"), jsii.Bool(true)), ends(scope, "Segment done", "done"), nil).
		Otherwise(pages))
}

// auditFaults is the metric that purge-verify's log line makes.
func auditFaults(class string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(names.Source),
		MetricName:    jsii.String(names.MetricAuditFaults),
		DimensionsMap: &map[string]*string{names.AttrClass: jsii.String(class)},
		Period:        awscdk.Duration_Minutes(jsii.Number(5)),
		Statistic:     jsii.String("Sum"),
	})
}
