package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
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
	post(names.RouteCheck, s.check(k, t))
	post(names.RouteLinks, s.mint(k, t, links))
	post(names.RouteSuppressions, s.changesList(names.Suppress, k, t))
	post(names.RouteRelease, s.changesList(names.Release, k, t))
	post(names.RouteRecords, s.changesRecords(names.Record, k, t, t.mayClaimSlots()...))
	post(names.RouteRecordsEnded, s.changesRecords(names.End, k, t,
		allow(indexArns(names.IndexSubject, t.records()...), "dynamodb:Query")))

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
		name:    names.Check,
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
		variables[names.VarLinkBase] = s.Settings.address(links)
	}
	return s.function(function{
		name:      names.Mint,
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
