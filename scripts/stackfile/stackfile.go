// Package stackfile is the file that says where everything of a running local
// stack is: .local/stack.json. The launcher writes it; the operator's command,
// the story and the tests read it. It knows nothing of how a stack is started.
package stackfile

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"stille/shared/scope"
)

// Path is where the file lies, below the project's folder.
const Path = ".local/stack.json"

// anyKey is a credential: the local stack takes any.
const anyKey = "test"

// Stack says where everything of a running stack is.
type Stack struct {
	Endpoint  string            `json:"endpoint"` // of every AWS service
	Region    string            `json:"region"`
	Links     string            `json:"links"`  // base URL of the public links
	API       string            `json:"api"`    // base URL of the tools' API
	APIKey    string            `json:"apiKey"` // of the sample tool, which has every right
	Scope     scope.Scope       `json:"scope"`  // the sample brand
	Tables    map[string]string `json:"tables"` // suppressions, ledger, holds and the classes -> table
	Purge     map[string]string `json:"purge"`  // class -> ARN of its state machine
	Topics    map[string]string `json:"topics"` // feedback, smsReply -> ARN
	SMSNumber string            `json:"smsNumber"`
	Hooks     string            `json:"hooks"`   // base URL of POST /in/{provider}/{scope}
	Phone     string            `json:"phone"`   // where SMS of the stack go; GET /sent shows them
	Buckets   map[string]string `json:"buckets"` // evidence, manifests
	Logs      string            `json:"logs"`    // prefix of the functions' log groups
}

// Read reads a stack file.
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
