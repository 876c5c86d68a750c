// Package lambdafn starts a function: it reads the function's configuration and
// then serves requests from Lambda. It promises that a function serves only
// with a complete configuration, and that one error names everything that is
// missing or wrong.
package lambdafn

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Container is what a function is built from, once for each container. A
// mistake in the configuration is noted in Env, and the function does not
// serve.
type Container struct {
	Env   *Reader
	AWS   aws.Config
	Log   *slog.Logger
	Stack names.Deployed
}

// Scopes reads scopes.yaml.
func (c *Container) Scopes() *scope.Registry {
	scopes, err := scope.Load(c.Env.File(names.ScopesFile))
	c.Env.Wrong(names.ScopesFile, err)
	var domains map[scope.Scope]string
	c.Env.JSON(names.VarLinkDomains, &domains)
	if scopes == nil {
		return nil
	}
	return scopes.At(domains)
}

// Policy reads retention.yaml.
func (c *Container) Policy() *retention.Policy {
	policy, err := retention.LoadPolicy(c.Env.File(names.RetentionFile))
	c.Env.Wrong(names.RetentionFile, err)
	return policy
}

// Lambda serves the handler that build returns, of any type that aws-lambda-go
// takes. It returns only if the function cannot start, with the exit code.
func Lambda(function string, build func(*Container) any) int {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	handler, err := assemble(build, log)
	if err != nil {
		log.Error("the function does not start", "function", function, "error", err)
		return 1
	}
	lambda.Start(handler)
	return 0
}

func assemble(build func(*Container) any, log *slog.Logger) (any, error) {
	reader := NewReader(os.LookupEnv)
	stack := reader.Required(names.VarStack)
	c := &Container{Env: reader, AWS: fromEnvironment(reader), Log: log.With(names.MetricStack, stack), Stack: names.Deployed{Stack: names.Stack(stack)}}
	reader.JSON(names.VarRestored, &c.Stack.Restored)
	handler := build(c)
	return handler, reader.Err()
}

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
