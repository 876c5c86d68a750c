package deployment

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"stille/shared/aws/keyring"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Keys calls two functions for the operator, so that the operator needs no right to any
// key: rotate-keys changes keys; list-keys lists them, and tells which policy and which
// scopes are deployed. A person who may only look calls list-keys alone.
type Keys struct {
	lambda       Lambda
	rotate, list string // the functions' names
	config       config
}

// NewKeys returns what calls the functions of a stack. It calls nothing.
func NewKeys(service Lambda, stack names.Stack) *Keys {
	return &Keys{lambda: service, rotate: stack.Function(names.RotateKeys), list: stack.Function(names.ListKeys)}
}

// Change rotates or destroys keys. A refusal is an error: a keyring.Refusal.
func (c *Keys) Change(ctx context.Context, order keyring.Order) (keyring.Answer, error) {
	answer, err := call[keyring.Answer](ctx, c.lambda, c.rotate, order)
	if err == nil && answer.Refused != "" {
		err = fmt.Errorf("refused: %w", keyring.Refusal(answer.Refused))
	}
	return answer, err
}

// List lists the keys.
func (c *Keys) List(ctx context.Context) (keyring.Listing, error) {
	return call[keyring.Listing](ctx, c.lambda, c.list, keyring.Order{List: true})
}

// Primary returns the primary key of each set, and the command that is due for
// the set at now.
func (c *Keys) Primary(ctx context.Context, now time.Time) ([]operator.PrimaryKey, error) {
	listing, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	var all []operator.PrimaryKey
	for _, set := range listing.Sets {
		for _, key := range set.Keys {
			if !key.Primary {
				continue
			}
			primary := operator.PrimaryKey{Set: set.Name, ID: key.ID, Created: key.Created, Days: key.AgeDays}
			if !set.From.After(now) {
				primary.Next = set.Next
			}
			all = append(all, primary)
		}
	}
	return all, nil
}

// config is what the function carries, read once.
type config struct {
	sync.Mutex
	policy *retention.Policy
	scopes *scope.Registry
}

// Policy is the retention policy that is deployed.
func (c *Keys) Policy(ctx context.Context) (*retention.Policy, error) {
	err := c.readConfig(ctx)
	return c.config.policy, err
}

// Scopes are the brands and topics that are deployed.
func (c *Keys) Scopes(ctx context.Context) (*scope.Registry, error) {
	err := c.readConfig(ctx)
	return c.config.scopes, err
}

func (c *Keys) readConfig(ctx context.Context) error {
	c.config.Lock()
	defer c.config.Unlock()
	if c.config.scopes != nil {
		return nil
	}
	files, err := call[keyring.Config](ctx, c.lambda, c.list, keyring.Order{Config: true})
	if err != nil {
		return fmt.Errorf("reading the deployed policy: %w", err)
	}
	policy, err := retention.LoadPolicy([]byte(files.Retention))
	if err != nil {
		return fmt.Errorf("reading the deployed %s: %w", names.RetentionFile, err)
	}
	scopes, err := scope.Load([]byte(files.Scopes))
	if err != nil {
		return fmt.Errorf("reading the deployed %s: %w", names.ScopesFile, err)
	}
	c.config.policy, c.config.scopes = policy, scopes
	return nil
}

// Lambda is the part of Lambda that calls a function.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// call calls a function with an order and reads its answer. A failure of the function
// is an error.
func call[T any](ctx context.Context, service Lambda, function string, order any) (answer T, err error) {
	payload, err := json.Marshal(order)
	if err != nil {
		return answer, fmt.Errorf("writing the order: %w", err)
	}
	got, err := service.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: payload})
	if err != nil {
		return answer, fmt.Errorf("calling %s: %w", function, err)
	}
	if got.FunctionError != nil {
		var failure struct{ ErrorMessage string }
		_ = json.Unmarshal(got.Payload, &failure) // without a message the function's log says why
		return answer, fmt.Errorf("%s failed: %s", function, failure.ErrorMessage)
	}
	if err := json.Unmarshal(got.Payload, &answer); err != nil {
		return answer, fmt.Errorf("reading the answer of %s: %w", function, err)
	}
	return answer, nil
}
