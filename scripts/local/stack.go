package local

import (
	"context"
	"crypto/rand"
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
	"stille/shared/api/access"
	"stille/shared/aws/deployment"
	"stille/shared/aws/dynamo"
	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Up starts the stack of a place, or updates a running stack, and writes its
// stack file. It builds what it deploys, and reports its steps on out.
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
		fmt.Fprintln(out, "building    the functions and the CDK app, which takes some minutes the first time")
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

// describe makes the content of the stack file, except the API key. Its error names
// every output that the stack lacks.
func describe(p Place, name names.Stack, s settings, outputs map[string]string) (stackfile.Stack, error) {
	var missing []string
	output := func(key string) string {
		value, found := outputs[key]
		if !found || value == "" {
			missing = append(missing, key)
		}
		return value
	}
	on := names.Deployed{Stack: name, Restored: p.Tables}
	stack := stackfile.Stack{
		Endpoint:  p.endpoint(),
		Region:    region,
		Links:     output(names.OutputLinks),
		API:       output(names.OutputAPI),
		Hooks:     output(names.OutputAPI),
		Scope:     s.brand.Scope,
		SMSNumber: s.brand.SMSNumbers[0],
		Tables: map[string]string{
			"suppressions": on.Table(names.TableSuppressions),
			"ledger":       on.Table(names.TableLedger),
			"holds":        on.Table(names.TableHolds),
		},
		Purge: map[string]string{},
		Topics: map[string]string{
			"feedback": output(names.OutputFeedbackTopic),
			"smsReply": output(names.OutputSMSReplyTopic),
		},
		Buckets: map[string]string{
			"evidence":  output(names.OutputEvidenceBucket),
			"manifests": output(names.OutputManifestBucket),
			"letters":   lettersBucket,
		},
		Logs: name.LogGroups(),
	}
	for _, class := range s.policy.Classes {
		stack.Tables[class.Name] = on.Records(class.Name)
		stack.Purge[class.Name] = output(names.OutputPurge(class.Name))
	}
	if len(missing) > 0 {
		return stackfile.Stack{}, fmt.Errorf("the deployed stack lacks the outputs %q", missing)
	}
	return stack, nil
}

// sampleKey returns the key of a tool with every right. The key in the stack file
// is kept as long as the stack knows it.
func (p Place) sampleKey(ctx context.Context, name names.Stack) (string, error) {
	tools := dynamo.NewTools(dynamo.NewClient(p.config()), name)
	if before, err := stackfile.Read(p.File); err == nil {
		_, err := tools.Tool(ctx, access.Hash(before.APIKey))
		if err == nil {
			return before.APIKey, nil
		}
		if !errors.Is(err, access.ErrUnknownTool) {
			return "", fmt.Errorf("looking for the sample tool: %w", err)
		}
	}
	key, hash, err := access.NewKey(rand.Reader)
	if err != nil {
		return "", err
	}
	err = tools.Put(ctx, hash, access.Tool{
		Name:      "sample",
		Rights:    access.Rights(),
		Scopes:    []scope.Scope{scope.Everywhere},
		CreatedAt: time.Now(),
	})
	if err != nil {
		return "", fmt.Errorf("adding the sample tool: %w", err)
	}
	return key, nil
}
