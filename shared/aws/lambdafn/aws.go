package lambdafn

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// fromEnvironment reads the SDK's configuration from the environment: the
// region and the role's credentials, and for the local stack the services'
// addresses. The SDK's loader would look for many other sources, which no
// function has, and slow down the start of a function.
func fromEnvironment(reader *Reader) aws.Config {
	cfg := aws.Config{
		Region: reader.Required("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			reader.Optional("AWS_ACCESS_KEY_ID"), reader.Optional("AWS_SECRET_ACCESS_KEY"), reader.Optional("AWS_SESSION_TOKEN")),
		HTTPClient:    awshttp.NewBuildableClient(),
		ConfigSources: []any{addresses{reader}},
	}
	if all := reader.Optional("AWS_ENDPOINT_URL"); all != "" {
		cfg.BaseEndpoint = &all
	}
	return cfg
}

// addresses gives the SDK's clients the address of a service.
type addresses struct{ *Reader }

// GetServiceBaseEndpoint is called by the SDK with the service's name.
func (a addresses) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	address := a.Optional("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_")))
	return address, address != "", nil
}
