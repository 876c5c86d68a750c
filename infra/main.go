// Command infra is the CDK app: it turns the policy files beside it into one
// CloudFormation stack, the same one for the emulator and for AWS. It refuses
// a retention.yaml or scopes.yaml with a mistake in it before it makes any
// template, and it decides nothing at run time: all it names comes from
// package schema.
//
// It takes its context from the CDK CLI: environment (local or production) and
// version (what is deployed, for the certificates); gateway (where the emulator
// listens) and sms (where SMS are sent to, if anywhere) for the local one;
// stack (its name) and region where they are not the defaults.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// defaultRegion is in the European Union, as the people are whose data it is.
const defaultRegion = "eu-north-1"

// lockFile remembers every scope that was ever deployed.
const lockFile = "scopes.lock"

func main() {
	err := synth()
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// synth writes the cloud assembly to where the CDK CLI wants it.
func synth() error {
	policy, policyErr := loadPolicy()
	lock, scopesErr := lockScopes()
	if err := errors.Join(policyErr, scopesErr); err != nil {
		return err
	}

	app := newApp(nil)
	config, err := readConfig(app, policy)
	if err != nil {
		return err
	}
	NewStack(app, config)
	app.Synth(nil)

	// The new scopes are remembered only once they made it into a template.
	return lock()
}

// newApp is an app that writes to outdir, or where the CDK CLI says if nil.
func newApp(outdir *string) awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		Outdir:             outdir,
	})
}

// readConfig reads the app's context, as given by -c NAME=VALUE.
func readConfig(app awscdk.App, policy *retention.Policy) (Config, error) {
	given := func(name string) string {
		value, _ := app.Node().TryGetContext(jsii.String(name)).(string)
		return value
	}
	settings, err := settingsFor(given("environment"), given("gateway"), given("sms"))
	config := Config{
		Name:     names.Stack(cmp.Or(given("stack"), string(names.DefaultStack))),
		Region:   cmp.Or(given("region"), defaultRegion),
		Version:  given("version"),
		Dist:     "../dist",
		Policy:   policy,
		Settings: settings,
	}
	if config.Version == "" {
		err = errors.Join(err, errors.New("certificates name the code that deleted: say -c version=…"))
	}
	return config, err
}

// loadPolicy reads retention.yaml; its error names file and lines.
func loadPolicy() (*retention.Policy, error) {
	data, err := os.ReadFile(names.RetentionFile)
	if err != nil {
		return nil, err
	}
	policy, err := retention.LoadPolicy(data)
	if err != nil {
		return nil, fmt.Errorf("infra/%s: %w", names.RetentionFile, err)
	}
	return policy, nil
}

// lockScopes checks scopes.yaml against the scopes that were deployed before,
// and returns what adds the new ones to them. It writes nothing itself.
func lockScopes() (save func() error, err error) {
	data, err := os.ReadFile(names.ScopesFile)
	if err != nil {
		return nil, err
	}
	// A lost lock would let ids be used again, so it is not simply made anew.
	before, err := os.ReadFile(lockFile)
	if err != nil {
		return nil, err
	}
	registry, err := scope.Load(data)
	if err != nil {
		return nil, fmt.Errorf("infra/%s: %w", names.ScopesFile, err)
	}
	after, err := scope.CheckLock(before, registry)
	if err != nil {
		return nil, fmt.Errorf("infra/%s: %w", lockFile, err)
	}
	return func() error {
		if bytes.Equal(before, after) {
			return nil
		}
		return os.WriteFile(lockFile, after, 0o600) //nolint:gosec // the path is a constant
	}, nil
}
