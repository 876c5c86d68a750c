package lambdafn

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

func environment(variables map[string]string) *Reader {
	return NewReader(func(name string) (string, bool) {
		value, set := variables[name]
		return value, set
	})
}

func TestTheSDKGetsCredentialsAndRegion(t *testing.T) {
	cfg := fromEnvironment(environment(map[string]string{
		"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	}))
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: "session", Source: got.Source}
	if diff := cmp.Diff(want, got); diff != "" || cfg.Region != "eu-north-1" || cfg.BaseEndpoint != nil {
		t.Errorf("region %q, base endpoint %v, credentials (-want +got):\n%s", cfg.Region, cfg.BaseEndpoint, diff)
	}
}

func TestTheLocalStackSaysWhereTheServicesAre(t *testing.T) {
	for _, test := range []struct {
		name       string
		variables  map[string]string
		table, sqs string
	}{
		{"one address for all", map[string]string{"AWS_ENDPOINT_URL": "http://all"}, "http://all", "http://all"},
		{"a service's own wins", map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SQS": "http://sqs"}, "http://all", "http://sqs"},
		{"only a service's own", map[string]string{"AWS_ENDPOINT_URL_SQS": "http://sqs"}, "", "http://sqs"},
		{"none, as on AWS", nil, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.variables {
				t.Setenv(name, value) // the clients read the environment, too
			}
			cfg := fromEnvironment(environment(test.variables))
			table, queue := dynamodb.NewFromConfig(cfg).Options(), sqs.NewFromConfig(cfg).Options()
			if got := aws.ToString(table.BaseEndpoint); got != test.table {
				t.Errorf("DynamoDB at %q, want %q", got, test.table)
			}
			if got := aws.ToString(queue.BaseEndpoint); got != test.sqs {
				t.Errorf("SQS at %q, want %q", got, test.sqs)
			}
		})
	}
}

func TestAServiceOfSeveralWordsIsFound(t *testing.T) {
	const name = "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2"
	got, found, err := addresses{environment(map[string]string{name: "http://sms"})}.GetServiceBaseEndpoint(t.Context(), "Pinpoint SMS Voice V2")
	if got != "http://sms" || !found || err != nil {
		t.Errorf("%q, %v, %v", got, found, err)
	}
}
