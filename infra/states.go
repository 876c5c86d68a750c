package main

import (
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// machine is the state machine of one class: its purge or its audit.
type machine struct {
	class string
	awsstepfunctions.StateMachine
}

// stateMachine adds a machine that starts at the first state. The time limit is
// shorter than the 24 hours to the next night's run, and shorter than what counts
// as overdue: a record that an audit finds overdue was due when the audit began.
func (s stack) stateMachine(scope constructs.Construct, name string, first awsstepfunctions.IChainable, role awsiam.IRole) awsstepfunctions.StateMachine {
	logs := awslogs.LogGroup_FromLogGroupName(scope, jsii.String("logs"), jsii.String(s.Prefix.MachineLogs()))
	return awsstepfunctions.NewStateMachine(scope, jsii.String("machine"), &awsstepfunctions.StateMachineProps{
		StateMachineName: jsii.String(name),
		DefinitionBody:   awsstepfunctions.DefinitionBody_FromChainable(first),
		Role:             role,
		TracingEnabled:   jsii.Bool(s.Tracing),
		Logs: &awsstepfunctions.LogOptions{
			Destination: logs, Level: awsstepfunctions.LogLevel_ALL, IncludeExecutionData: jsii.Bool(false),
		},
		Timeout: hours(20),
	})
}

// machineRole adds a role for state machines, which invoke functions and log their
// steps. AWS knows no narrower resource for the delivery of logs.
func (s stack) machineRole(id string, invokes ...awslambda.Function) awsiam.IRole {
	var arns []*string
	for _, f := range invokes {
		arns = append(arns, f.FunctionArn())
	}
	return s.role(id, "states.amazonaws.com", []awsiam.PolicyStatement{
		allow(arns, "lambda:InvokeFunction"),
		allow([]*string{jsii.String("*")}, "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery",
			"logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
	})
}

// schedule starts a machine by the clock of a zone. An execution that cannot be
// started within six hours is put into the queue.
func (s stack) schedule(id, name, cron, zone string, m awsstepfunctions.StateMachine, input awsscheduler.ScheduleTargetInput, missed awssqs.Queue) {
	awsscheduler.NewSchedule(s.Stack, jsii.String(id), &awsscheduler.ScheduleProps{
		ScheduleName: jsii.String(name),
		Schedule:     awsscheduler.ScheduleExpression_Expression(jsii.String(cron), awscdk.TimeZone_Of(jsii.String(zone))),
		Target: awsschedulertargets.NewStepFunctionsStartExecution(m, &awsschedulertargets.ScheduleTargetBaseProps{
			Input:           input,
			DeadLetterQueue: missed,
			MaxEventAge:     hours(6),
		}),
	})
}

// task is a state that invokes a function with the payload (nil: the state's own
// input) and whose output is the function's answer. Calls that AWS lost are
// retried.
func task(scope constructs.Construct, id string, f awslambda.Function, payload map[string]any) awsstepfunctionstasks.LambdaInvoke {
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
		Interval:       seconds(2),
		MaxAttempts:    jsii.Number(6),
		BackoffRate:    jsii.Number(2),
		JitterStrategy: awsstepfunctions.JitterType_FULL,
	})
	return task
}

// retryTwice retries a task whose function failed. The function must have the
// same result when it runs twice.
func retryTwice(task awsstepfunctionstasks.LambdaInvoke) awsstepfunctionstasks.LambdaInvoke {
	task.AddRetry(&awsstepfunctions.RetryProps{
		Errors:      jsii.Strings("States.TaskFailed"),
		Interval:    seconds(5),
		MaxAttempts: jsii.Number(2),
		BackoffRate: jsii.Number(4),
	})
	return task
}

// anyError is what leads every error of a state to another state.
func anyError() *awsstepfunctions.CatchProps {
	return &awsstepfunctions.CatchProps{Errors: jsii.Strings("States.ALL")}
}

// failState ends an execution as failed, by the name of an event.
func failState(scope constructs.Construct, event, id, cause string) awsstepfunctions.Fail {
	return awsstepfunctions.NewFail(scope, jsii.String(id), &awsstepfunctions.FailProps{
		Error: jsii.String(event), Cause: jsii.String(cause),
	})
}

// loop runs a task of one part (a shard, a segment) again and again until an
// answer has one of the flags. A part that fails ends too, and the other parts go
// on: a certificate over parts that still run would lack what they delete. The
// output of a part is only the flag, so that the execution's state stays small;
// with the flag handOn ("" for none) it is the answer, for another loop.
func loop(scope constructs.Construct, part string, pages awsstepfunctionstasks.LambdaInvoke, handOn string, flags ...string) awsstepfunctions.IChainable {
	end := func(flag string) awsstepfunctions.Pass {
		return awsstepfunctions.NewPass(scope, jsii.String(part+" "+flag), &awsstepfunctions.PassProps{
			Result: awsstepfunctions.Result_FromObject(&map[string]any{flag: true}),
		})
	}
	retryTwice(pages).AddCatch(end("failed"), anyError())
	ended := awsstepfunctions.NewChoice(scope, jsii.String(part+" done?"), nil)
	for _, flag := range flags {
		ended = ended.When(isTrue(flag), end(flag), nil)
	}
	if handOn != "" {
		ended = ended.When(isTrue(handOn), awsstepfunctions.NewPass(scope, jsii.String(part+" "+handOn), nil), nil)
	}
	return pages.Next(ended.Otherwise(pages))
}

// isTrue is the condition that a flag is set.
func isTrue(flag string) awsstepfunctions.Condition {
	return awsstepfunctions.Condition_BooleanEquals(jsii.String("$."+flag), jsii.Bool(true))
}

// equals is the condition that a path holds a value.
func equals(path, value string) awsstepfunctions.Condition {
	return awsstepfunctions.Condition_StringEquals(jsii.String(path), jsii.String(value))
}

// jsonPath is the text at a path of the state or of the context.
func jsonPath(path string) *string { return awsstepfunctions.JsonPath_StringAt(jsii.String(path)) }

// merged returns a map with the entries of both.
func merged(a, b map[string]any) map[string]any {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}
