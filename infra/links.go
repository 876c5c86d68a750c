package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/environment"
	"stille/shared/names"
)

// published is an API with the stage that answers for it.
type published struct {
	api   awsapigatewayv2.HttpApi
	stage awsapigatewayv2.CfnStage
}

// linksAPI adds the public API behind the links in messages.
func (s stack) linksAPI(k keys, t tables, w outage, told webhooks) published {
	api := s.httpAPI("links-api", s.Settings.LinksAPITags)
	// The default is enough for about a thousand opt-outs a second at any load of the
	// tools, and for a hundred a second while the store hangs (outage.Patience).
	var reserved *float64
	if s.LinksConcurrency > 0 {
		reserved = jsii.Number(float64(s.LinksConcurrency))
	}
	variables := s.outageVariables(w)
	variables[names.VarWebhookQueue] = told.queue.QueueUrl()
	for _, door := range []struct{ function, route string }{
		{names.UnsubscribeEmail, names.RouteEmailLink},
		{names.UnsubscribeSMS, names.RouteSMSLink},
	} {
		f := s.function(function{
			name:        door.function,
			memory:      256,
			timeout:     seconds(10),
			concurrency: reserved,
			variables:   variables,
			may:         append(t.mayChangeList(), mayRead(k.contact, k.link, k.webhooks), w.mayWait(), told.mayTell()),
		})
		// Every method reaches the function, which has an answer for each.
		route(api, awsapigatewayv2.HttpMethod_ANY, door.route, f)
		if door.function == names.UnsubscribeEmail {
			s.unknownPaths(api, f)
		}
	}
	// No throttle: an opt-out is never refused.
	return published{api, s.stage("links-stage", api)}
}

// unknownPaths leads every other path to a function, whose page is calmer than
// the gateway's JSON.
func (s stack) unknownPaths(api awsapigatewayv2.HttpApi, f awslambda.Function) {
	awsapigatewayv2.NewHttpRoute(s.Stack, jsii.String("links-default"), &awsapigatewayv2.HttpRouteProps{
		HttpApi:     api,
		RouteKey:    awsapigatewayv2.HttpRouteKey_DEFAULT(),
		Integration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("links-default"), f, nil),
	})
}

// httpAPI adds an HTTP API without a stage.
func (s stack) httpAPI(id string, tags map[string]string) awsapigatewayv2.HttpApi {
	api := awsapigatewayv2.NewHttpApi(s.Stack, jsii.String(id), &awsapigatewayv2.HttpApiProps{
		ApiName:            jsii.String(string(s.Prefix) + "-" + id),
		CreateDefaultStage: jsii.Bool(false),
	})
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		awscdk.Tags_Of(api).Add(jsii.String(key), jsii.String(tags[key]), nil)
	}
	return api
}

// route leads one method and path to a function.
func route(api awsapigatewayv2.HttpApi, method awsapigatewayv2.HttpMethod, path string, f awslambda.Function) []awsapigatewayv2.HttpRoute {
	return *api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
		Path:        jsii.String(path),
		Methods:     &[]awsapigatewayv2.HttpMethod{method},
		Integration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String(path), f, nil),
	})
}

// accessLog names the route, never the path or the caller: the path of a link is a
// token, and a token identifies a person.
// It names the stack, which is a dimension of the metric that is made of the log.
const accessLog = `{"stackName":"%s","requestId":"$context.requestId","time":"$context.requestTime","route":"$context.routeKey","status":"$context.status","milliseconds":"$context.responseLatency","bytes":"$context.responseLength"}`

// stage publishes an API at its root, with an access log.
func (s stack) stage(id string, api awsapigatewayv2.HttpApi) awsapigatewayv2.CfnStage {
	logs := s.logGroup(id+"-logs", s.Prefix.AccessLogs(id))
	return awsapigatewayv2.NewCfnStage(s.Stack, jsii.String(id), &awsapigatewayv2.CfnStageProps{
		ApiId:      api.ApiId(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: logs.LogGroupArn(),
			Format:         jsii.Sprintf(accessLog, s.Prefix),
		},
	})
}

// domains put the environment's domains before the APIs: that of each brand's links,
// which is the brand's LinkDomain, and that of the tools' API.
func (s stack) domains(links, tools published) {
	made := map[string]bool{}
	for _, brand := range slices.Sorted(maps.Keys(s.Domains)) {
		entry, _ := s.Scopes.Lookup(brand)
		if !made[entry.LinkDomain] { // brands can share a domain
			s.domain(entry.LinkDomain, s.Domains[brand], links)
		}
		made[entry.LinkDomain] = true
	}
	if s.ToolsDomain.Name != "" {
		s.domain(s.ToolsDomain.Name, s.ToolsDomain, tools)
	}
}

// domain makes one domain. With a zone, the stack makes also the record and, where
// none is given, the certificate, which waits until ACM has seen its proof in the zone.
func (s stack) domain(name string, d environment.Domain, of published) {
	certificate := jsii.String(d.Certificate)
	if d.Certificate == "" {
		certificate = awscertificatemanager.NewCfnCertificate(s.Stack, jsii.String("certificate-"+name), &awscertificatemanager.CfnCertificateProps{
			DomainName:       jsii.String(name),
			ValidationMethod: jsii.String("DNS"),
			DomainValidationOptions: []any{awscertificatemanager.CfnCertificate_DomainValidationOptionProperty{
				DomainName: jsii.String(name), HostedZoneId: jsii.String(d.Zone),
			}},
		}).Ref()
	}
	domain := awsapigatewayv2.NewCfnDomainName(s.Stack, jsii.String("domain-"+name), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: jsii.String(name),
		DomainNameConfigurations: []any{awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{
			CertificateArn: certificate, EndpointType: jsii.String("REGIONAL"), SecurityPolicy: jsii.String("TLS_1_2"),
		}},
	})
	mapping := awsapigatewayv2.NewCfnApiMapping(s.Stack, jsii.String("mapping-"+name), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: of.api.ApiId(), DomainName: domain.Ref(), Stage: of.stage.Ref(),
	})
	if d.Zone == "" {
		s.output(names.OutputRecord(name), jsii.String(strings.Join([]string{name, "CNAME", *domain.AttrRegionalDomainName()}, " ")))
		return
	}
	record := awsroute53.NewCfnRecordSet(s.Stack, jsii.String("record-"+name), &awsroute53.CfnRecordSetProps{
		HostedZoneId: jsii.String(d.Zone), Name: jsii.String(name), Type: jsii.String("A"),
		AliasTarget: awsroute53.CfnRecordSet_AliasTargetProperty{
			DnsName: domain.AttrRegionalDomainName(), HostedZoneId: domain.AttrRegionalHostedZoneId(),
		},
	})
	record.Node().AddDependency(mapping) // nobody must be led to a domain without an API
}
