//go:build infra

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
)

// template is what CloudFormation gets for the two stacks of an environment.
type template struct {
	resources  map[string]map[string]any // of both stacks
	data       map[string]map[string]any // of the data stack alone
	outputs    map[string]any
	parameters map[string]any // of the service stack: what the data stack hands to it
}

// gateway is where the emulator would listen.
const gateway = "http://127.0.0.1:4566"

// smsGateway is where SMS would be sent to in its place.
const smsGateway = "http://127.0.0.1:4567"

// Making a template takes seconds, so all tests share one an environment.
var (
	production = sync.OnceValue(func() template { return synthesise(onAWS(), awsSettings(), nil) })
	local      = sync.OnceValue(func() template {
		return synthesise(localEnvironment("eu-north-1"), localSettings(gateway, smsGateway), nil)
	})
)

// accountOfTests is the account of the tests' environment on AWS.
const accountOfTests = "210987654321"

// onAWS is an environment with an address for alarms, and without other settings.
func onAWS() environment.Environment {
	e := environment.WithDefaults()
	e.Name, e.Account, e.Region, e.Prefix = "production", accountOfTests, "eu-north-1", "stille"
	e.Alarms = []string{"ops@acme.no"}
	return e
}

// inBoth runs a test on the templates of both environments.
func inBoth(t *testing.T, test func(*testing.T, template)) {
	t.Helper()
	t.Run("production", func(t *testing.T) { test(t, production()) })
	t.Run("local", func(t *testing.T) { test(t, local()) })
}

// synthesise makes the template of an environment, from the policy of the tests
// with more classes added to it. It panics where there is none, as the CDK
// does.
func synthesise(e environment.Environment, settings Settings, more []string) template {
	return synthesiseCommit(e, settings, more, "v1", "")
}

// synthesiseCommit makes the template of a commit. The commit may have changed the code
// of one function.
func synthesiseCommit(e environment.Environment, settings Settings, more []string, version, changed string) template {
	dist, err := os.MkdirTemp("", "dist")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dist)
	for _, function := range functionNames() {
		if err := os.Mkdir(filepath.Join(dist, function), 0o755); err != nil {
			panic(err)
		}
	}
	if changed != "" {
		if err := os.WriteFile(filepath.Join(dist, changed, "bootstrap"), []byte(version), 0o600); err != nil {
			panic(err)
		}
	}
	scopes, err := scope.Load(scopetest.File())
	if err != nil {
		panic(err)
	}
	policy, err := retention.LoadPolicy([]byte(string(retentiontest.File()) + strings.Join(more, "")))
	if err != nil {
		panic(err)
	}
	out := filepath.Join(dist, "cdk.out")
	stored, service := NewStacks(newApp(&out), Config{
		Environment: e, Version: version, Dist: dist, Policy: policy, Scopes: scopes.At(e.LinkDomains()), Settings: settings,
		Streams: map[string]string{"ledger": streamOfTests(e.Tables["ledger"]), "records-contact": streamOfTests(e.Tables["records-contact"])},
	})
	content := *assertions.Template_FromStack(service, nil).ToJSON()
	data := *assertions.Template_FromStack(stored, nil).ToJSON()
	t := template{
		resources: resourcesOf(content), data: resourcesOf(data),
		outputs: content["Outputs"].(map[string]any), parameters: content["Parameters"].(map[string]any),
	}
	for id, resource := range t.data {
		if t.resources[id] != nil {
			panic("both stacks have " + id)
		}
		t.resources[id] = resource
	}
	return t
}

// streamOfTests is the ARN of a restored table's stream.
func streamOfTests(table string) string { return "arn:stream-of-" + table }

func resourcesOf(content map[string]any) map[string]map[string]any {
	resources := map[string]map[string]any{}
	for id, resource := range content["Resources"].(map[string]any) {
		resources[id] = resource.(map[string]any)
	}
	return resources
}

func functionNames() []string {
	return []string{
		names.UnsubscribeEmail, names.UnsubscribeSMS, names.Drain, names.Check, names.Mint, names.Suppress, names.Release, names.Record, names.End,
		names.Feedback, names.SMSReply, names.Hook,
		names.Propagate, names.Deliver, names.Stamp, names.PurgePlan, names.PurgeDelete, names.PurgeVerify, names.PurgeAudit, names.RotateKeys, names.ListKeys,
	}
}

// named returns what all resources of a type hold at a path of theirs, by their
// own name.
func (t template) named(kind string, path ...string) map[string]any {
	found := map[string]any{}
	for id, resource := range t.resources {
		if resource["Type"] == kind {
			found[t.name(id)] = dig(resource, path...)
		}
	}
	return found
}

// dig follows a path through maps and lists of one, and returns nil where it
// ends.
func dig(in any, path ...string) any {
	for _, part := range path {
		if list, ok := in.([]any); ok && len(list) == 1 {
			in = list[0]
		}
		m, ok := in.(map[string]any)
		if !ok {
			return nil
		}
		in = m[part]
	}
	return in
}

// name is a resource's own name, or for a resource that CloudFormation names its
// logical id without the CDK's hash.
func (t template) name(id string) string {
	resource := t.resources[id]
	for _, property := range []string{"TableName", "FunctionName", "StateMachineName", "AlarmName", "Name", "TopicName", "LogGroupName", "QueueName", "BucketName", "RoleName"} {
		if name, ok := dig(resource, "Properties", property).(string); ok {
			return name
		}
	}
	return unnamed(id)
}

// unnamed is a logical id without the CDK's hash.
func unnamed(id string) string {
	if len(id) > 8 && strings.Trim(id[len(id)-8:], "0123456789ABCDEF") == "" {
		return id[:len(id)-8]
	}
	return id
}

// text is a value of the template with references replaced by names.
func (t template) text(value any) string {
	switch v := value.(type) {
	case string:
		return strings.ReplaceAll(v, accountOfTests, "AWS::AccountId")
	case []any:
		parts := make([]string, len(v))
		for i, part := range v {
			parts[i] = t.text(part)
		}
		return strings.Join(parts, "")
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			if stored := dig(t.parameters, ref, "Default"); stored != nil {
				return t.text(t.named("AWS::SSM::Parameter", "Properties", "Value")[stored.(string)])
			}
			return t.name(ref)
		}
		if get, ok := v["Fn::GetAtt"].([]any); ok {
			return t.name(get[0].(string))
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			return ownName.ReplaceAllString(t.text(join[1]), "$1")
		}
	}
	return fmt.Sprint(value)
}

// ownName finds the name in the ARN of a table, a log group or a bucket.
var ownName = regexp.MustCompile(`^arn:AWS::Partition:(?:dynamodb:.*?:table/|logs:.*?:log-group:|s3:::)(.*?)(?::\*)?$`)

// same is a map that says the same of every key.
func same(value any, keys ...string) map[string]any {
	m := map[string]any{}
	for _, key := range keys {
		m[key] = value
	}
	return m
}

// both is two maps in one.
func both(a, b map[string]any) map[string]any {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

func classNames() []string { return []string{"communication", "contact", "messaging", "service"} }

// perClass puts every class's name into a pattern.
func perClass(pattern string) []string {
	var names []string
	for _, class := range classNames() {
		names = append(names, fmt.Sprintf(pattern, class))
	}
	return names
}

func promiseTables() []string {
	return []string{"stille-suppressions", "stille-ledger", "stille-holds", "stille-hold-history", "stille-runs", "stille-tools", "stille-replies"}
}

func allTables() []string {
	return slices.Concat(promiseTables(), perClass("stille-records-%s"), []string{"stille-slots"})
}

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}
