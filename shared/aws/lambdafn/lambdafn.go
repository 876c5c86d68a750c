// Package lambdafn is how a function comes up: it reads what the function is
// configured with, refuses to serve where anything is missing or wrong and
// then names all of it, and hands over to Lambda. It promises that a function
// which serves has everything it said it needs.
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

// Container is what a function is built from, once for each container. What
// is missing or wrong is noted in Env, and the function is then not served.
type Container struct {
	Env   *Reader
	AWS   aws.Config
	Log   *slog.Logger
	Stack names.Stack
}

// Scopes reads scopes.yaml.
func (c *Container) Scopes() *scope.Registry {
	scopes, err := scope.Load(c.Env.File(names.ScopesFile))
	c.Env.Wrong(names.ScopesFile, err)
	return scopes
}

// Policy reads retention.yaml.
func (c *Container) Policy() *retention.Policy {
	policy, err := retention.LoadPolicy(c.Env.File(names.RetentionFile))
	c.Env.Wrong(names.RetentionFile, err)
	return policy
}

// Lambda serves the handler that build returns, any that aws-lambda-go takes.
// It returns only where the function cannot start, with the exit code.
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
	c := &Container{Env: reader, AWS: fromEnvironment(reader), Log: log, Stack: names.Stack(reader.Required(names.VarStack))}
	handler := build(c)
	return handler, reader.Err()
}
