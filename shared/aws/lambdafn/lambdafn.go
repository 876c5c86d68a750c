// Package lambdafn starts a function: it reads the function's configuration and
// then serves requests from Lambda. It promises that a function serves only
// with a complete configuration, and that one error names everything that is
// missing or wrong.
package lambdafn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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

// ErrConfiguration is wrapped by the error of Reader.Err.
var ErrConfiguration = errors.New("bad configuration")

// Reader reads the configuration of a function, environment variables and files
// of its zip, and collects the mistakes. It never repeats a value.
type Reader struct {
	lookup func(name string) (string, bool)
	faults []fault
}

type fault struct{ name, text string }

// NewReader reads variables with lookup, which is os.LookupEnv outside tests.
func NewReader(lookup func(name string) (string, bool)) *Reader {
	return &Reader{lookup: lookup}
}

// Required returns the variable, and notes a mistake if it is absent or blank.
func (r *Reader) Required(name string) string {
	value := r.Optional(name)
	if value == "" {
		r.faults = append(r.faults, fault{name, name + " is missing"})
	}
	return value
}

// Optional returns the variable, empty if it is absent or blank.
func (r *Reader) Optional(name string) string {
	value, _ := r.lookup(name)
	return strings.TrimSpace(value)
}

// JSON decodes the variable, and leaves into as it is where the variable is absent.
func (r *Reader) JSON(name string, into any) {
	if value := r.Optional(name); value != "" && json.Unmarshal([]byte(value), into) != nil {
		r.faults = append(r.faults, fault{name, name + " is no JSON of the right form"})
	}
}

// File returns a file of the function's zip; outside Lambda, a file of the
// working directory.
func (r *Reader) File(name string) []byte {
	content, err := os.ReadFile(filepath.Join(r.Optional(names.VarTaskRoot), name))
	if err != nil {
		r.Wrong(name, err)
	}
	return content
}

// Wrong notes a mistake in the variable or file of this name. It notes nothing if
// err is nil or if the variable or file is already known to be missing.
func (r *Reader) Wrong(name string, err error) {
	known := slices.ContainsFunc(r.faults, func(f fault) bool { return f.name == name })
	if err != nil && !known {
		r.faults = append(r.faults, fault{name, fmt.Sprintf("%s: %v", name, err)})
	}
}

// Err returns nil, or one error that names every mistake found so far and wraps
// ErrConfiguration.
func (r *Reader) Err() error {
	if len(r.faults) == 0 {
		return nil
	}
	texts := make([]string, len(r.faults))
	for i, f := range r.faults {
		texts[i] = f.text
	}
	return fmt.Errorf("%w: %s", ErrConfiguration, strings.Join(texts, "; "))
}
