//go:build infra

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/regioninfo"
	"github.com/google/go-cmp/cmp"

	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/scope"
)

// other is another environment, with every setting another than its default.
func other() environment.Environment {
	e := environment.WithDefaults()
	e.Name, e.Account, e.Region, e.Prefix = "other", "210987654322", "ap-southeast-2", "hush"
	e.Architecture = "amd64"
	e.Alarms = []string{"night@globex.no", "https://events.globex.no/alarm"}
	e.LinksConcurrency = 0
	e.Throttles[names.RouteCheck] = environment.Throttle{Rate: 700, Burst: 900}
	e.LogDays = 14
	e.Tracing = true
	e.CustomerKeys = true
	e.FeedbackAccounts = []string{"210987654329"}
	e.EvidenceReplica = environment.Replica{Bucket: "proof-elsewhere", Account: "210987654323", Key: "arn:aws:kms:ap-southeast-1:210987654323:key/7d"}
	e.BackupVault = "arn:aws:backup:ap-southeast-1:210987654323:backup-vault:hush"
	e.Domains = map[scope.Scope]environment.Domain{
		"acme":   {Name: "links.hush.no", Zone: "Z0123456789ABC"},
		"globex": {Certificate: "arn:aws:acm:ap-southeast-2:210987654322:certificate/4b1c"},
	}
	e.ToolsDomain = environment.Domain{Name: "api.hush.no", Zone: "Z0123456789ABC", Certificate: "arn:aws:acm:ap-southeast-2:210987654322:certificate/5c2d"}
	e.Tables = map[string]string{"ledger": "hush-ledger-may", "records-contact": "hush-contact-may", "holds": "hush-holds-may"}
	return e
}

func TestRegionsAreThoseThatTheCDKKnows(t *testing.T) {
	var known []string
	for _, region := range *regioninfo.RegionInfo_Regions() {
		if partition := *region.Partition(); partition == "aws" || partition == "aws-us-gov" {
			known = append(known, *region.Name())
		}
	}
	slices.Sort(known)
	if diff := cmp.Diff(known, environment.Regions()); diff != "" {
		t.Errorf("(-CDK +ours)\n%s", diff)
	}
}

var elsewhere = sync.OnceValue(func() template { return synthesise(other(), awsSettings(), nil) })

func TestEnvironmentsShareNothing(t *testing.T) {
	for _, pair := range []struct {
		made    template
		foreign []string
	}{
		{production(), []string{"210987654322", "ap-southeast-2", "hush", "globex"}},
		{elsewhere(), []string{accountOfTests, "eu-north-1", "acme.no", "stille-"}},
	} {
		content, err := json.Marshal([]any{pair.made.resources, pair.made.outputs, pair.made.parameters})
		if err != nil {
			t.Fatal(err)
		}
		for _, literal := range pair.foreign {
			// The policy of the tests is both environments'.
			if text := strings.ReplaceAll(string(content), `"3":"globex"`, ""); strings.Contains(text, literal) {
				at := strings.Index(text, literal)
				t.Errorf("%s is in the other's template: %s", literal, text[max(0, at-80):min(len(text), at+40)])
			}
		}
		for name, output := range pair.made.outputs {
			if dig(output, "Export") != nil {
				t.Errorf("%s is exported", name)
			}
		}
	}
	here, there := production().metrics(), elsewhere().metrics()
	for _, metric := range here {
		if slices.Contains(there, metric) {
			t.Errorf("both environments have the metric %s", metric)
		}
	}
}

// metrics are the alarms' metrics, each with namespace, name and dimensions. A
// reference to something in the template is another thing in every stack.
func (t template) metrics() []string {
	var all []string
	for _, alarm := range t.named("AWS::CloudWatch::Alarm", "Properties") {
		var dimensions []string
		for _, d := range listOf(dig(map[string]any{"all": dig(alarm, "Dimensions")}, "all")) {
			dimension := d.(map[string]any)
			value, literal := dimension["Value"].(string)
			if !literal {
				value = fmt.Sprintf("%p of this stack", t.resources)
			}
			dimensions = append(dimensions, dimension["Name"].(string)+"="+value)
		}
		all = append(all, fmt.Sprint(dig(alarm, "Namespace"), " ", dig(alarm, "MetricName"), " ", dimensions))
	}
	return all
}

func TestEverySettingHasAnEffect(t *testing.T) {
	made := elsewhere()
	t.Run("the functions' architecture", func(t *testing.T) {
		for name, got := range made.named("AWS::Lambda::Function", "Properties", "Architectures") {
			if diff := cmp.Diff([]any{"x86_64"}, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
	t.Run("no reserve", func(t *testing.T) {
		for name, got := range made.named("AWS::Lambda::Function", "Properties", "ReservedConcurrentExecutions") {
			if got != nil {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
	t.Run("a route's throttle", func(t *testing.T) {
		throttles := made.named("AWS::ApiGatewayV2::Stage", "Properties", "RouteSettings")["toolsstage"].(map[string]any)
		for route, want := range map[string]map[string]any{
			"POST /v1/check":        {"ThrottlingRateLimit": 700.0, "ThrottlingBurstLimit": 900.0},
			"POST /v1/suppressions": {"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 200.0},
		} {
			if diff := cmp.Diff(want, throttles[route]); diff != "" {
				t.Errorf("%s: %s", route, diff)
			}
		}
	})
	t.Run("the days of logs", func(t *testing.T) {
		for name, got := range made.named("AWS::Logs::LogGroup", "Properties", "RetentionInDays") {
			if got != 14.0 {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
	t.Run("one key for all that is stored", func(t *testing.T) {
		encrypted := func(kind string, except string, path ...string) {
			t.Helper()
			found := made.named(kind, path...)
			for name, key := range found {
				if got := made.text(key); got != "customerkey" && !strings.HasPrefix(name, except) {
					t.Errorf("%s is encrypted with %s", name, got)
				}
			}
			if len(found) == 0 {
				t.Errorf("no %s", kind)
			}
		}
		encrypted("AWS::DynamoDB::GlobalTable", "hush-records-", "Properties", "Replicas", "SSESpecification", "KMSMasterKeyId")
		encrypted("AWS::SQS::Queue", "-", "Properties", "KmsMasterKeyId")
		encrypted("AWS::S3::Bucket", "accesslogs", "Properties", "BucketEncryption", "ServerSideEncryptionConfiguration", "ServerSideEncryptionByDefault", "KMSMasterKeyID")
		encrypted("AWS::SecretsManager::Secret", "-", "Properties", "KmsKeyId")
		encrypted("AWS::Logs::LogGroup", "-", "Properties", "KmsKeyId")
		for name, managed := range made.named("AWS::SQS::Queue", "Properties", "SqsManagedSseEnabled") {
			if managed != false {
				t.Errorf("%s is encrypted by SQS, too", name)
			}
		}
		for name, key := range production().named("AWS::SQS::Queue", "Properties", "KmsMasterKeyId") {
			if key != nil {
				t.Errorf("without the setting, %s has %v", name, key)
			}
		}
		var uses []string
		for _, statement := range listOf(made.named("AWS::KMS::Key", "Properties", "KeyPolicy", "Statement")["customerkey"]) {
			uses = append(uses, fmt.Sprint(made.text(dig(statement, "Principal", "Service")), " if ", dig(statement, "Condition")))
			for _, action := range listOf(dig(statement, "Action")) {
				if dig(statement, "Condition") != nil && strings.Contains(fmt.Sprint(action), "*") {
					t.Errorf("the key allows %v", action)
				}
			}
		}
		want := []string{
			"<nil> if <nil>", // the account's administrators
			"<nil> if map[StringEquals:map[kms:CallerAccount:210987654322 kms:ViaService:[dynamodb.ap-southeast-2.amazonaws.com sqs.ap-southeast-2.amazonaws.com s3.ap-southeast-2.amazonaws.com secretsmanager.ap-southeast-2.amazonaws.com]]]",
			"sns.amazonaws.com if map[StringEquals:map[aws:SourceAccount:210987654322]]",
			"logs.ap-southeast-2.amazonaws.com if map[ArnLike:map[kms:EncryptionContext:aws:logs:arn:map[Fn::Join:[ [arn: map[Ref:AWS::Partition] :logs:ap-southeast-2:210987654322:log-group:*]]]]]",
		}
		if diff := cmp.Diff(want, uses); diff != "" {
			t.Errorf("who uses the key (-want +got)\n%s", diff)
		}
	})
	t.Run("tracing", func(t *testing.T) {
		for name, got := range made.named("AWS::Lambda::Function", "Properties", "TracingConfig", "Mode") {
			if got != "Active" || !slices.Contains(made.rights()[strings.ReplaceAll(strings.TrimPrefix(name, "hush-"), "-", "")+"role"], "xray:PutTraceSegments *") {
				t.Errorf("%s: %v", name, got)
			}
		}
		for name, got := range made.named("AWS::StepFunctions::StateMachine", "Properties", "TracingConfiguration", "Enabled") {
			if got != true {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
	t.Run("who may publish", func(t *testing.T) {
		publishers := map[string]int{}
		for _, policy := range made.named("AWS::SNS::TopicPolicy", "Properties", "PolicyDocument", "Statement") {
			for _, statement := range listOf(policy) {
				if dig(statement, "Effect") == "Allow" {
					accounts := listOf(dig(map[string]any{"all": dig(statement, "Condition", "StringEquals", "AWS:SourceAccount")}, "all"))
					publishers[made.text(dig(statement, "Resource"))] += len(accounts)
				}
			}
		}
		if diff := cmp.Diff(map[string]int{"hush-feedback": 2, "hush-sms-reply": 2, "hush-alarms": 1}, publishers); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRestoredTableStandsInTheFirstOnesPlace(t *testing.T) {
	made := elsewhere()
	tables := made.named("AWS::DynamoDB::GlobalTable")
	for id, restored := range other().Tables {
		if _, kept := tables["hush-"+id]; kept {
			t.Errorf("the stack still keeps hush-%s", id)
		}
		if _, there := tables[restored]; there {
			t.Errorf("the stack would make %s, which is there", restored)
		}
	}
	if len(tables) != len(allTables())-len(other().Tables) {
		t.Errorf("%d tables", len(tables))
	}
	rights := made.rights()
	for role, want := range map[string][]string{
		"storerecordsrole": {"dynamodb:UpdateItem hush-contact-may", "dynamodb:BatchGetItem hush-holds-may"},
		"suppressrole":     {"dynamodb:PutItem hush-ledger-may", "dynamodb:PutItem hush-suppressions"},
		"stamprole":        {"dynamodb:GetRecords " + streamOfTests("hush-contact-may")},
	} {
		for _, right := range want {
			if !slices.Contains(rights[role], right) {
				t.Errorf("%s lacks %q: %q", role, right, rights[role])
			}
		}
	}
	for name, variable := range made.named("AWS::Lambda::Function", "Properties", "Environment", "Variables", names.VarRestored) {
		if variable != `{"holds":"hush-holds-may","ledger":"hush-ledger-may","records-contact":"hush-contact-may"}` {
			t.Errorf("%s knows %v", name, variable)
		}
	}
	var sources []string
	for _, source := range made.named("AWS::Lambda::EventSourceMapping", "Properties", "EventSourceArn") {
		sources = append(sources, made.text(source))
	}
	for _, want := range []string{"hush-contact-may", "hush-ledger-may"} {
		if !slices.Contains(sources, streamOfTests(want)) {
			t.Errorf("nothing reads the stream of %s: %q", want, sources)
		}
	}
	for name, variable := range production().named("AWS::Lambda::Function", "Properties", "Environment", "Variables", names.VarRestored) {
		if variable != nil {
			t.Errorf("without a restore, %s knows %v", name, variable)
		}
	}
}

func TestEveryDomainLeadsToItsAPI(t *testing.T) {
	made := elsewhere()
	var mappings []string
	for _, mapping := range made.named("AWS::ApiGatewayV2::ApiMapping", "Properties") {
		domain := made.text(dig(mapping, "DomainName"))
		properties := made.named("AWS::ApiGatewayV2::DomainName", "Properties")[domain]
		if dig(properties, "DomainNameConfigurations", "EndpointType") != "REGIONAL" || dig(properties, "DomainNameConfigurations", "SecurityPolicy") != "TLS_1_2" {
			t.Errorf("%s is %v", domain, properties)
		}
		mappings = append(mappings, fmt.Sprintf("%v: %s %s, certificate %s", dig(properties, "DomainName"), made.text(dig(mapping, "ApiId")), made.text(dig(mapping, "Stage")),
			made.text(dig(properties, "DomainNameConfigurations", "CertificateArn"))))
	}
	slices.Sort(mappings)
	if diff := cmp.Diff([]string{
		"api.hush.no: hush-tools-api toolsstage, certificate arn:aws:acm:ap-southeast-2:210987654322:certificate/5c2d",
		"links.globex.example: hush-links-api linksstage, certificate arn:aws:acm:ap-southeast-2:210987654322:certificate/4b1c",
		"links.hush.no: hush-links-api linksstage, certificate certificatelinkshushno",
	}, mappings); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, properties := range made.named("AWS::CertificateManager::Certificate", "Properties") {
		want := map[string]any{"DomainName": "links.hush.no", "ValidationMethod": "DNS",
			"DomainValidationOptions": []any{map[string]any{"DomainName": "links.hush.no", "HostedZoneId": "Z0123456789ABC"}}}
		if diff := cmp.Diff(want, properties); diff != "" {
			t.Error(diff)
		}
	}
	var records []string
	for _, record := range made.named("AWS::Route53::RecordSet", "Properties") {
		records = append(records, fmt.Sprintf("%v %v in %v: %s", dig(record, "Name"), dig(record, "Type"), dig(record, "HostedZoneId"), made.text(dig(record, "AliasTarget", "DNSName"))))
	}
	slices.Sort(records)
	if diff := cmp.Diff([]string{
		"api.hush.no A in Z0123456789ABC: domainapihushno",
		"links.hush.no A in Z0123456789ABC: domainlinkshushno",
	}, records); diff != "" {
		t.Errorf("records (-want +got)\n%s", diff)
	}
	if got := made.text(dig(made.outputs["RecordlinksDotglobexDotexample"], "Value")); got != "links.globex.example CNAME domainlinksglobexexample" {
		t.Errorf("nobody learns the record to make: %s", got)
	}
	if got := dig(made.outputs[names.OutputAPI], "Value"); got != "https://api.hush.no" {
		t.Errorf("the tools' API is at %v", got)
	}
	if got := made.named("AWS::Lambda::Function", "Properties", "Environment", "Variables", names.VarLinkDomains)["hush-mint"]; got != `{"acme":"links.hush.no"}` {
		t.Errorf("mint links to %v", got)
	}
	if got := production().named("AWS::ApiGatewayV2::DomainName"); len(got) > 0 {
		t.Errorf("without settings there are domains: %v", got)
	}
}

func TestAlarmsAreHeard(t *testing.T) {
	heard := func(made template, topic string) []string {
		var by []string
		for _, subscription := range made.named("AWS::SNS::Subscription", "Properties") {
			if made.text(dig(subscription, "TopicArn")) == topic {
				by = append(by, dig(subscription, "Protocol").(string)+" "+dig(subscription, "Endpoint").(string))
			}
		}
		return slices.Sorted(slices.Values(by))
	}
	if diff := cmp.Diff([]string{"email ops@acme.no"}, heard(production(), "stille-alarms")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"email night@globex.no", "https https://events.globex.no/alarm"}, heard(elsewhere(), "hush-alarms")); diff != "" {
		t.Error(diff)
	}
	for name, alarm := range production().named("AWS::CloudWatch::Alarm", "Properties") {
		if diff := cmp.Diff(dig(alarm, "AlarmActions"), dig(alarm, "OKActions")); diff != "" {
			t.Errorf("%s does not say that it is over: %s", name, diff)
		}
	}
	if diff := cmp.Diff([]string{"email operator@example.com"}, heard(local(), "stille-alarms")); diff != "" {
		t.Error(diff)
	}
}
