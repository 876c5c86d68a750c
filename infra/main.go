// Command infra is the CDK app: it turns the files of a deployer (two policy files
// and the environments) into two CloudFormation stacks, the same for the emulator
// and for AWS. It refuses a file with a mistake before it makes a template, and it
// decides nothing at run time: all physical names come from package names.
//
// The CDK CLI passes its context: environment (a name in environments.yaml, or
// local), version (what is deployed, for the certificates) and policy (the folder of
// the files; infra where it is left out). For the local environment also region,
// gateway (where the emulator listens), sms (where SMS are sent instead of to
// AWS) and tables (JSON of the restored tables' names). The deploy of a restored table
// passes streams (JSON of the ARNs of the restored tables' streams). `make
// lint-template` passes nag: cdk-nag judges the templates, and placeholders are no
// mistake.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"stille/shared/environment"
	"stille/shared/names"
)

// builtFunctions is the folder into which scripts/build puts the functions.
const builtFunctions = "../dist"

func main() {
	err := synth()
	// jsii waits for Node twice, and would report the wait that comes second.
	stderr := os.Stderr
	os.Stderr = nil
	jsii.Close()
	if err != nil {
		fmt.Fprintln(stderr, err)
		os.Exit(1)
	}
}

// synth writes the cloud assembly to the folder that the CDK CLI names.
func synth() error {
	app := newApp(nil)
	config, err := readConfig(app, builtFunctions)
	if err != nil {
		return err
	}
	NewStacks(app, config)
	if given(app, "nag") != "" {
		judge(app)
	}
	app.Synth(nil)
	return nil
}

// judge has cdk-nag look at every resource. What it finds stands in the metadata of
// the assembly; `make lint-template` reads it there.
func judge(app awscdk.App) {
	props := &cdknag.NagPackProps{Reports: jsii.Bool(false)}
	for _, rules := range []awscdk.IAspect{cdknag.NewAwsSolutionsChecks(props), cdknag.NewServerlessChecks(props)} {
		awscdk.Aspects_Of(app).Add(rules, nil)
	}
}

// newApp returns an app that writes to outdir; nil is the CDK CLI's choice.
func newApp(outdir *string) awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		// Without it the CDK lets S3 write access logs by an ACL, which no bucket here takes.
		Context: &map[string]any{"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": true},
		Outdir:  outdir,
	})
}

// given returns a value of the app's context (-c NAME=VALUE), or "".
func given(app awscdk.App, name string) string {
	value, _ := app.Node().TryGetContext(jsii.String(name)).(string)
	return value
}

// readConfig reads the app's context and the files that the context names. The
// functions in dist must be built with the same files.
func readConfig(app awscdk.App, dist string) (Config, error) {
	name, folder := given(app, "environment"), cmp.Or(given(app, "policy"), ".")
	// Nobody must deploy production by leaving something out.
	if name == "" {
		return Config{}, errors.New("an environment is needed: say -c environment=NAME")
	}
	config := Config{Version: given(app, "version"), Dist: dist, Settings: awsSettings()}
	if config.Version == "" {
		return Config{}, errors.New("certificates name the code that deleted: say -c version=…")
	}
	shown := path.Join("infra", folder)
	read := environment.Read
	if given(app, "nag") != "" {
		read = environment.ReadDraft
	}
	files, err := read(folder, shown, name)
	if err != nil {
		return Config{}, err
	}
	config.Environment, config.Policy, config.Scopes = files.Environment, files.Policy, files.Scopes
	if name == environment.Local {
		gateway := given(app, "gateway")
		if gateway == "" {
			return Config{}, errors.New("the emulator's address is needed: say -c gateway=http://127.0.0.1:4566")
		}
		config.Environment = localEnvironment(given(app, "region"))
		if err := decode(app, "tables", &config.Tables); err != nil {
			return Config{}, err
		}
		config.Settings = localSettings(gateway, given(app, "sms"))
	}
	if err := decode(app, "streams", &config.Streams); err != nil {
		return Config{}, err
	}
	return config, areBuiltInto(dist, shown, files)
}

// decode reads a JSON value of the app's context, where it is given.
func decode(app awscdk.App, name string, into any) error {
	text := given(app, name)
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("-c %s=…: %w", name, err)
	}
	return nil
}

// localEnvironment is that of the emulator. The binaries are this machine's: the
// emulator runs them directly. Somebody hears the alarms, as in every environment
// that is well; the emulator sends no mail.
func localEnvironment(region string) environment.Environment {
	e := environment.WithDefaults()
	e.Name, e.Region, e.Prefix, e.Architecture = environment.Local, region, names.DefaultStack, runtime.GOARCH
	e.Alarms = []string{"operator@example.com"}
	return e
}
