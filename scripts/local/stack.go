package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Stack says where everything of a running stack is. It is what the stack file
// (.local/stack.json) holds, for whoever works with the stack: tests, scripts
// and the CLI.
type Stack struct {
	Endpoint  string            `json:"endpoint"` // of every AWS service
	Region    string            `json:"region"`
	Links     string            `json:"links"`  // base URL of the public links
	API       string            `json:"api"`    // base URL of the tools' API
	APIKey    string            `json:"apiKey"` // of the sample tool, which may everything
	Scope     scope.Scope       `json:"scope"`  // the sample brand
	Tables    map[string]string `json:"tables"` // suppressions, ledger, holds and the classes -> table
	Purge     map[string]string `json:"purge"`  // class -> ARN of its state machine
	Topics    map[string]string `json:"topics"` // feedback, smsReply -> ARN
	SMSNumber string            `json:"smsNumber"`
	Phone     string            `json:"phone"`   // where SMS go that the stack sends; GET /sent shows them
	Buckets   map[string]string `json:"buckets"` // evidence, manifests
	Logs      string            `json:"logs"`    // prefix of the functions' log groups
}

// Up starts the stack of a place, or brings a running one up to date, and
// writes its stack file. It expects the functions in dist/ and says on out
// what it does.
func Up(ctx context.Context, place Place, out io.Writer) (Stack, error) {
	settings, err := readSettings(place.Root)
	if err != nil {
		return Stack{}, err
	}
	if err := place.startEmulator(ctx); err != nil {
		return Stack{}, err
	}
	fmt.Fprintf(out, "MiniStack   %s\n", place.endpoint())
	sms, err := place.startPhone(ctx)
	if err != nil {
		return Stack{}, err
	}
	if _, err := os.Stat(place.app()); err != nil {
		fmt.Fprintln(out, "building    the CDK app, which takes a minute or two the first time")
	}
	begun := time.Now()
	if err := place.deploy(ctx, sms); err != nil {
		return Stack{}, err
	}
	name := names.DefaultStack
	if err := place.lockBuckets(ctx, name); err != nil {
		return Stack{}, err
	}
	outputs, err := place.outputs(ctx, name)
	if err != nil {
		return Stack{}, err
	}
	stack, err := describe(place, name, settings, outputs)
	if err != nil {
		return Stack{}, err
	}
	stack.Phone = sms
	if stack.APIKey, err = place.sampleKey(ctx, name); err != nil {
		return Stack{}, err
	}
	if err := writeJSON(place.File, stack); err != nil {
		return Stack{}, err
	}
	fmt.Fprintf(out, "deployed    %s in %s\n", name, time.Since(begun).Round(time.Second))
	return stack, nil
}

// Down ends what Up started at the place. A lasting stack's data stays, for
// the next Up; of the others nothing does.
func Down(place Place) error {
	err := errors.Join(place.stop(emulator()), place.stop(phone()))
	if !place.Lasting {
		err = errors.Join(err, os.RemoveAll(place.Folder))
	}
	return err
}

// Read reads the stack file.
func Read(file string) (Stack, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Stack{}, fmt.Errorf("reading the stack file: %w", err)
	}
	var stack Stack
	if err := json.Unmarshal(data, &stack); err != nil {
		return Stack{}, fmt.Errorf("reading the stack file: %w", err)
	}
	return stack, nil
}

// Config is what AWS clients need to reach the stack.
func (s Stack) Config() aws.Config {
	return aws.Config{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(anyKey, anyKey, ""),
	}
}

func (p Place) config() aws.Config {
	return Stack{Endpoint: p.endpoint(), Region: region}.Config()
}

// settings is what the policy files say about the stack.
type settings struct {
	policy *retention.Policy
	brand  scope.Entry // the sample brand: the first one
}

func readSettings(root string) (settings, error) {
	data, err := os.ReadFile(filepath.Join(root, "infra", names.RetentionFile))
	if err != nil {
		return settings{}, fmt.Errorf("reading the classes: %w", err)
	}
	policy, err := retention.LoadPolicy(data)
	if err != nil {
		return settings{}, fmt.Errorf("infra/%s: %w", names.RetentionFile, err)
	}
	if data, err = os.ReadFile(filepath.Join(root, "infra", names.ScopesFile)); err != nil {
		return settings{}, fmt.Errorf("reading the brands: %w", err)
	}
	registry, err := scope.Load(data)
	if err != nil {
		return settings{}, fmt.Errorf("infra/%s: %w", names.ScopesFile, err)
	}
	for _, entry := range registry.All() {
		if entry.Scope.Topic() == "" && len(entry.SMSNumbers) > 0 {
			return settings{policy: policy, brand: entry}, nil
		}
	}
	return settings{}, fmt.Errorf("infra/%s: no brand with an SMS number to show", names.ScopesFile)
}
