package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/retention"
)

const (
	// auditSchedule is every Sunday, in the class's zone, after the night's purges.
	auditSchedule = "cron(0 5 ? * SUN *)"

	// An audit reads a class table in scanSegments parts, segmentsAtOnce parts at
	// the same time: the tables serve others, too.
	scanSegments   = 64
	segmentsAtOnce = 8
)

// audits add a state machine per class that reads every record of the class once
// a week. An audit takes no lock, and its success does not stand for a purge's.
func (s stack) audits(k keys, t tables, b buckets, verify awslambda.Function, missed awssqs.Queue) []machine {
	audit := s.purgeAudit(k, t, b)
	role := s.machineRole("audit-role", audit, verify)
	var machines []machine
	for _, class := range s.Policy.Classes {
		m := s.auditMachine(class, audit, verify, role)
		s.schedule("audit-schedule-"+class.Name, s.Prefix.Audit(class.Name), auditSchedule, class.Zone, m, nil, missed)
		machines = append(machines, machine{class.Name, m})
	}
	return machines
}

// purgeAudit is the function that reads a segment. It reads the suppression list,
// and it can change nothing but its own notes.
func (s stack) purgeAudit(k keys, t tables, b buckets) awslambda.Function {
	return s.function(function{
		name:      names.PurgeAudit,
		memory:    512,
		timeout:   minutes(15),
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

// auditMachine adds the audit of one class, which ends in a certificate whatever
// happens:
//
//	Divide --> Read, by segment --> Certify --> Completed? --> Completed | Failed
//
//	An error in any state --> Certify the failure --> Failed
func (s stack) auditMachine(class retention.Class, audit, verify awslambda.Function, role awsiam.IRole) awsstepfunctions.StateMachine {
	scope := constructs.NewConstruct(s.Stack, jsii.String("audit-"+class.Name))
	run := map[string]any{
		"class":     class.Name,
		"run":       jsonPath("$$.Execution.Name"),
		"startedAt": jsonPath("$$.Execution.StartTime"),
		"audit":     true,
	}
	failed := failState(scope, names.AuditFailed, "Failed", "Not every record was read, or not by one policy.")
	certifyFailure := retryTwice(task(scope, "Certify the failure", verify, merged(run, map[string]any{
		"failed": true, "error": jsonPath("$.Error"),
	})))
	certifyFailure.Next(failed)

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
			"run":     jsonPath("$$.Execution.Name"),
			"segment": awsstepfunctions.JsonPath_NumberAt(jsii.String("$$.Map.Item.Value")),
			"of":      scanSegments,
		},
		ResultPath: jsii.String("$.worked"),
	})
	read.ItemProcessor(loop(scope, "Segment", task(scope, "Read pages", audit, nil), "", "done"), nil)
	read.AddCatch(certifyFailure, anyError())

	certify := retryTwice(task(scope, "Certify", verify, merged(run, map[string]any{
		"worked": awsstepfunctions.JsonPath_ObjectAt(jsii.String("$.worked")),
	})))
	certify.AddCatch(certifyFailure, anyError())
	certify.Next(awsstepfunctions.NewChoice(scope, jsii.String("Completed?"), nil).
		When(equals("$.outcome", string(certificate.Completed)), awsstepfunctions.NewSucceed(scope, jsii.String("Completed"), nil), nil).
		Otherwise(failed))
	return s.stateMachine(scope, s.Prefix.Audit(class.Name), divide.Next(read).Next(certify), role)
}

// auditFaults is the metric that purge-verify logs at the end of every audit.
func (s stack) auditFaults(class string) awscloudwatch.Metric {
	return s.classMetric(names.MetricAuditFaults, class, minutes(5), "Sum")
}
