package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"stille/shared/environment"
	"stille/shared/names"
)

// toolsStage is the id of the stage of the tools' API.
const toolsStage = "tools-stage"

// toolsAPI is the API of the marketing tools. Its handlers know the tools by
// their keys; the gateway lets everybody through.
func (s stack) toolsAPI(k keys, t tables, w outage, unread awssqs.Queue, links published) published {
	api := s.httpAPI("tools-api", s.Settings.ToolsAPITags)
	// The emulator has no domains: minted links lead to the links' API itself.
	linkBase := map[string]*string{}
	if s.Settings.Gateway != "" {
		linkBase[names.VarLinkBase] = s.Settings.address(links.api)
	}
	if other := s.LinkDomains(); len(other) > 0 {
		linkBase[names.VarLinkDomains] = s.ToJsonString(other, nil)
	}
	reads := allow(arns(t.suppressions), "dynamodb:GetItem")
	records := append(s.mayUpdateRecords(k, t), reads, t.mayAskHolds())
	stage := s.stage(toolsStage, api)
	throttles := map[string]any{}
	for _, r := range []struct {
		path, function string
		variables      map[string]*string
		may            []awsiam.PolicyStatement
	}{
		{names.RouteCheck, names.Check, nil, s.mayCheck(k, t)},
		{names.RouteLinks, names.Mint, linkBase, []awsiam.PolicyStatement{mayRead(k.link), reads, allow(arns(t.replies), "dynamodb:GetItem")}},
		{names.RouteSuppressions, names.Suppress, nil, t.mayChangeList()},
		{names.RouteRelease, names.Release, nil, t.mayChangeList()},
		{names.RouteRecords, names.Record, nil, slices.Concat(records, t.mayClaimSlots())},
		{names.RouteRecordsEnded, names.End, nil, slices.Concat(records, []awsiam.PolicyStatement{allow(indexArns(names.IndexSubject, t.records()...), "dynamodb:Query")})},
	} {
		for _, route := range route(api, awsapigatewayv2.HttpMethod_POST, r.path, s.apiFunction(r.function, k, t, r.variables, r.may...)) {
			stage.Node().AddDependency(route) // a stage can throttle the routes that exist
		}
		// Each route has a throttle to itself: an objection never waits behind checks.
		throttles["POST "+r.path] = settings(s.Throttles[r.path])
	}
	for _, route := range s.hooks(api, k, t, w, unread) {
		stage.Node().AddDependency(route)
	}
	for _, method := range []string{"POST ", "GET "} {
		throttles[method+names.RouteHook] = settings(s.Throttles[names.HookRoutes])
	}
	stage.SetRouteSettings(throttles)
	return published{api, stage}
}

// mayCheck lets a function read the list, and the messaging records that contacts
// have.
func (s stack) mayCheck(k keys, t tables) []awsiam.PolicyStatement {
	may := []awsiam.PolicyStatement{allow(arns(t.suppressions), "dynamodb:GetItem", "dynamodb:BatchGetItem")}
	messaging := t.records(names.Messaging)
	if len(messaging) == 0 {
		return may
	}
	return append(may, allow(arns(append(messaging, t.slots)...), "dynamodb:BatchGetItem"), s.readsRecords(k))
}

// hooks adds the function to which other systems report opt-outs. The function
// knows a system by the proof that comes with the call. What a system reports and
// nobody can read waits in the queue for an operator.
func (s stack) hooks(api awsapigatewayv2.HttpApi, k keys, t tables, w outage, unread awssqs.Queue) []awsapigatewayv2.HttpRoute {
	f := s.function(function{
		name:      names.Hook,
		memory:    512,
		timeout:   seconds(29),
		variables: map[string]*string{names.VarOutageQueue: w.queue.QueueUrl(), names.VarParkedQueue: unread.QueueUrl()},
		may: append(t.mayChangeList(), mayRead(k.contact, k.hooks), w.mayWait(), allow(arns(t.replies), "dynamodb:PutItem"),
			allow([]*string{unread.QueueArn()}, "sqs:SendMessage")),
	})
	return append(route(api, awsapigatewayv2.HttpMethod_POST, names.RouteHook, f),
		route(api, awsapigatewayv2.HttpMethod_GET, names.RouteHook, f)...)
}

// settings are a throttle as CloudFormation takes it.
func settings(t environment.Throttle) map[string]any {
	return map[string]any{"ThrottlingRateLimit": t.Rate, "ThrottlingBurstLimit": t.Burst}
}

// apiFunction adds a function that answers tools: it knows the tools by their keys
// and the contacts by theirs. The time limit is just under the gateway's 30 seconds.
func (s stack) apiFunction(name string, k keys, t tables, variables map[string]*string, may ...awsiam.PolicyStatement) awslambda.Function {
	return s.function(function{
		name:      name,
		memory:    512,
		timeout:   seconds(29),
		variables: variables,
		may: append(may,
			mayRead(k.contact),
			allow(arns(t.tools), "dynamodb:GetItem"),
		),
	})
}
