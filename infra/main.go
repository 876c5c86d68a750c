// Command infra is the CDK app: it turns two policy files into one
// CloudFormation stack, the same stack for the emulator and for AWS. It refuses
// a policy file with a mistake before it makes a template, and it decides
// nothing at run time: all physical names come from package names.
//
// The CDK CLI passes its context: environment (local or production), version
// (what is deployed, for the certificates) and policy (the folder of the two
// policy files; infra where it is left out). For the local environment also
// gateway (where the emulator listens) and sms (where SMS are sent instead of to
// AWS). stack (the stack's name) and region have defaults.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// defaultRegion is in the European Union, as the people are whose data it is.
const defaultRegion = "eu-north-1"

// builtFunctions is the folder into which scripts/build puts the functions.
const builtFunctions = "../dist"

func main() {
	err := synth()
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// synth writes the cloud assembly to the folder that the CDK CLI names.
func synth() error {
	app := newApp(nil)
	files, err := readPolicyFiles(cmp.Or(given(app, "policy"), "."))
	if err != nil {
		return err
	}
	if err := files.areBuiltInto(builtFunctions); err != nil {
		return err
	}
	config, err := readConfig(app)
	if err != nil {
		return err
	}
	config.Policy, config.Scopes = files.policy, files.scopes
	NewStacks(app, config)
	app.Synth(nil)
	return nil
}

// newApp returns an app that writes to outdir; nil is the CDK CLI's choice.
func newApp(outdir *string) awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		Outdir:             outdir,
	})
}

// given returns a value of the app's context (-c NAME=VALUE), or "".
func given(app awscdk.App, name string) string {
	value, _ := app.Node().TryGetContext(jsii.String(name)).(string)
	return value
}

// readConfig reads all but the policy from the app's context.
func readConfig(app awscdk.App) (Config, error) {
	settings, err := settingsFor(given(app, "environment"), given(app, "gateway"), given(app, "sms"))
	config := Config{
		Name:     names.Stack(cmp.Or(given(app, "stack"), string(names.DefaultStack))),
		Region:   cmp.Or(given(app, "region"), defaultRegion),
		Version:  given(app, "version"),
		Dist:     builtFunctions,
		Settings: settings,
	}
	if config.Version == "" {
		err = errors.Join(err, errors.New("certificates name the code that deleted: say -c version=…"))
	}
	return config, err
}
