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
	post(schema.RouteSuppressions, s.suppress(k, t))
	post(schema.RouteRecords, s.record(k, t))

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

func (s stack) suppress(k keys, t tables) awslambda.Function {
	return s.function(function{
		name:    schema.Suppress,
		memory:  512,
		timeout: apiTimeout(),
		may: []awsiam.PolicyStatement{
			mayRead(k.contact),
			allow(arns(t.tools), "dynamodb:GetItem"),
			allow(arns(t.suppressions), "dynamodb:GetItem", "dynamodb:PutItem"),
			allow(arns(t.ledger), "dynamodb:PutItem", "dynamodb:Query"), // Query: where the list was restored to an older state
		},
	})
}

func (s stack) record(k keys, t tables) awslambda.Function {
	return s.function(function{
		name:    schema.Record,
		memory:  512,
		timeout: apiTimeout(),
		may: []awsiam.PolicyStatement{
			mayRead(k.contact),
			allow(arns(t.tools), "dynamodb:GetItem"),
			allow(arns(t.suppressions), "dynamodb:GetItem"),
			allow(arns(t.records()...), "dynamodb:GetItem", "dynamodb:UpdateItem"),
			s.writesRecords(k),
		},
	})
}
