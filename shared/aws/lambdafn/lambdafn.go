// Package lambdafn starts a function: it reads the function's configuration and
// then serves requests from Lambda. It promises that a function serves only
// with a complete configuration, and that one error names everything that is
// missing or wrong.
package lambdafn

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

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
