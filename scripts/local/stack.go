package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"stille/scripts/stackfile"
	"stille/shared/aws/deployment"
	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Up starts the stack of a place, or updates a running stack, and writes its
// stack file. It expects the functions in dist/ and reports its steps on out.
func Up(ctx context.Context, place Place, out io.Writer) (stackfile.Stack, error) {
	settings, err := readSettings(place.Root)
	if err != nil {
		return stackfile.Stack{}, err
	}
	if err := place.startEmulator(ctx); err != nil {
		return stackfile.Stack{}, err
	}
	fmt.Fprintf(out, "MiniStack   %s\n", place.endpoint())
	if place.Tables == nil {
		// A table that a drill restored keeps its name.
		deployed, err := deployment.NewDeployed(ctx, lambda.NewFromConfig(place.config()), names.DefaultStack)
		if err != nil {
			return stackfile.Stack{}, err
		}
		place.Tables = deployed.Restored
	}
	sms, err := place.startPhone(ctx)
	if err != nil {
		return stackfile.Stack{}, err
	}
	if _, err := os.Stat(place.app()); err != nil {
		fmt.Fprintln(out, "building    the CDK app, which takes a minute or two the first time")
	}
	begun := time.Now()
	if err := place.makeBuckets(ctx, settings.policy); err != nil {
		return stackfile.Stack{}, err
	}
	if err := place.deploy(ctx, sms); err != nil {
		return stackfile.Stack{}, err
	}
	name := names.DefaultStack
	if err := place.lockBuckets(ctx, name); err != nil {
		return stackfile.Stack{}, err
	}
	outputs, err := deployment.NewOutputs(cloudformation.NewFromConfig(place.config()), name)(ctx)
	if err != nil {
		return stackfile.Stack{}, err
	}
	stack, err := describe(place, name, settings, outputs)
	if err != nil {
		return stackfile.Stack{}, err
	}
	stack.Phone = sms
	if stack.APIKey, err = place.sampleKey(ctx, name); err != nil {
		return stackfile.Stack{}, err
	}
	if err := writeJSON(place.File, stack); err != nil {
		return stackfile.Stack{}, err
	}
	fmt.Fprintf(out, "deployed    %s in %s\n", name, time.Since(begun).Round(time.Second))
	return stack, nil
}

// Down ends the processes that Up started at the place. The data of a lasting stack
// stays for the next Up; a passing stack leaves nothing.
func Down(place Place) error {
	err := errors.Join(place.stop(emulator()), place.stop(phone()))
	if !place.Lasting {
		err = errors.Join(err, os.RemoveAll(place.Folder))
	}
	return err
}

func (p Place) config() aws.Config {
	return stackfile.Stack{Endpoint: p.endpoint(), Region: region}.Config()
}

// policyFolder holds the policy files of the local stack, in the project's
// folder. The files of a deployment on AWS are in infra.
const policyFolder = "scripts/local"

// settings are the stack's settings in the policy files.
type settings struct {
	policy *retention.Policy
	brand  scope.Entry // the sample brand: the first one
}

func readSettings(root string) (settings, error) {
	files, err := environment.Read(filepath.Join(root, policyFolder), policyFolder, environment.Local)
	if err != nil {
		return settings{}, err
	}
	for _, entry := range files.Scopes.All() {
		if entry.Scope.Topic() == "" && len(entry.SMSNumbers) > 0 {
			return settings{policy: files.Policy, brand: entry}, nil
		}
	}
	return settings{}, fmt.Errorf("%s/%s: no brand with an SMS number to show", policyFolder, names.ScopesFile)
}
