package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/schema"
)

// Requests a second that the tools may make together, each with up to a
// thousand contacts. Beyond that the gateway answers 429.
const (
	toolsRate  = 100
	toolsBurst = 200
)

// toolsAPI is the API of the marketing tools. Its handlers know the tools by
// their keys; the gateway lets everybody through.
func (s stack) toolsAPI(k keys, t tables, links awsapigatewayv2.HttpApi) awsapigatewayv2.HttpApi {
	api := s.httpAPI("tools-api", s.Settings.ToolsAPITags)
	post := func(path string, f awslambda.Function) {
		route(api, awsapigatewayv2.HttpMethod_POST, path, f)
	}
	post(schema.RouteCheck, s.check(k, t))
	post(schema.RouteLinks, s.mint(k, t, links))
	post(schema.RouteSuppressions, s.changesList(schema.Suppress, k, t))
	post(schema.RouteRelease, s.changesList(schema.Release, k, t))
	post(schema.RouteRecords, s.changesRecords(schema.Record, k, t, t.mayClaimSlots()...))
	post(schema.RouteRecordsEnded, s.changesRecords(schema.End, k, t,
		allow(indexArns(schema.IndexSubject, t.records()...), "dynamodb:Query")))

	s.stage("tools-stage", api, &awsapigatewayv2.CfnStage_RouteSettingsProperty{
		ThrottlingRateLimit:  jsii.Number(toolsRate),
		ThrottlingBurstLimit: jsii.Number(toolsBurst),
	})
	return api
}

// apiTimeout is just under the 30 seconds after which the gateway gives up.
func apiTimeout() awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(29)) }

func (s stack) check(k keys, t tables) awslambda.Function {
	return s.function(function{
		name:    schema.Check,
		memory:  512,
		timeout: apiTimeout(),
		may: []awsiam.PolicyStatement{
			mayRead(k.contact),
			allow(arns(t.tools), "dynamodb:GetItem"),
			allow(arns(t.suppressions), "dynamodb:GetItem", "dynamodb:BatchGetItem"),
		},
	})
}

func (s stack) mint(k keys, t tables, links awsapigatewayv2.HttpApi) awslambda.Function {
	variables := map[string]*string{}
	if s.Settings.Gateway != "" {
		variables[schema.VarLinkBase] = s.Settings.address(links)
	}
	return s.function(function{
		name:      schema.Mint,
		memory:    512,
		timeout:   apiTimeout(),
		variables: variables,
		may: []awsiam.PolicyStatement{
			mayRead(k.contact, k.link),
			allow(arns(t.tools), "dynamodb:GetItem"),
			allow(arns(t.suppressions), "dynamodb:GetItem"),
		},
	})
}

// changesList is a function that reads and writes the list and its ledger.
func (s stack) changesList(name string, k keys, t tables) awslambda.Function {
	return s.function(function{
		name:    name,
		memory:  512,
		timeout: apiTimeout(),
		may: append(t.mayChangeList(),
			mayRead(k.contact),
			allow(arns(t.tools), "dynamodb:GetItem"),
		),
	})
}

// changesRecords is a function that reads and writes class tables, and may do
// the rest as well.
func (s stack) changesRecords(name string, k keys, t tables, rest ...awsiam.PolicyStatement) awslambda.Function {
	return s.function(function{
		name:    name,
		memory:  512,
		timeout: apiTimeout(),
		may: append(s.mayUpdateRecords(k, t), append(rest,
			mayRead(k.contact),
			allow(arns(t.tools), "dynamodb:GetItem"),
			allow(arns(t.suppressions), "dynamodb:GetItem"),
		)...),
	})
}
