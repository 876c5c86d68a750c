package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/environment"
	"stille/shared/names"
)

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
