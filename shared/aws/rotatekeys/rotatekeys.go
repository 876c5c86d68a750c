// Package rotatekeys calls the function rotate-keys for the operator: it changes
// and lists keys, so that the operator needs no right to any key, and it tells
// which policy and which scopes are deployed.
package rotatekeys

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

// Lambda is the part of Lambda that calls a function.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Client calls the function of one stack.
type Client struct {
	lambda Lambda
	name   string
	config config
}

// New returns a client. It calls nothing.
func New(service Lambda, stack names.Stack) *Client {
	return &Client{lambda: service, name: stack.Function(names.RotateKeys)}
}

// Change rotates or destroys keys. A refusal is an error: a keyring.Refusal.
func (c *Client) Change(ctx context.Context, order keyring.Order) (keyring.Answer, error) {
	answer, err := call[keyring.Answer](ctx, c, order)
	if err == nil && answer.Refused != "" {
		err = fmt.Errorf("refused: %w", keyring.Refusal(answer.Refused))
	}
	return answer, err
}

// List lists the keys; a brief list does not count what uses them.
func (c *Client) List(ctx context.Context, brief bool) (keyring.Listing, error) {
	return call[keyring.Listing](ctx, c, keyring.Order{List: true, Brief: brief})
}

// Primary returns the primary key of each set, and the command that is due for
// the set at now.
func (c *Client) Primary(ctx context.Context, now time.Time) ([]operator.PrimaryKey, error) {
	listing, err := c.List(ctx, true)
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
func (c *Client) Policy(ctx context.Context) (*retention.Policy, error) {
	err := c.readConfig(ctx)
	return c.config.policy, err
}

// Scopes are the brands and topics that are deployed.
func (c *Client) Scopes(ctx context.Context) (*scope.Registry, error) {
	err := c.readConfig(ctx)
	return c.config.scopes, err
}

func (c *Client) readConfig(ctx context.Context) error {
	c.config.Lock()
	defer c.config.Unlock()
	if c.config.scopes != nil {
		return nil
	}
	files, err := call[keyring.Config](ctx, c, keyring.Order{Config: true})
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

func call[T any](ctx context.Context, c *Client, order keyring.Order) (answer T, err error) {
	payload, err := json.Marshal(order)
	if err != nil {
		return answer, fmt.Errorf("writing the order: %w", err)
	}
	got, err := c.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &c.name, Payload: payload})
	if err != nil {
		return answer, fmt.Errorf("calling %s: %w", names.RotateKeys, err)
	}
	if got.FunctionError != nil {
		var failure struct{ ErrorMessage string }
		_ = json.Unmarshal(got.Payload, &failure) // without a message the function's log says why
		return answer, fmt.Errorf("%s failed: %s", names.RotateKeys, failure.ErrorMessage)
	}
	if err := json.Unmarshal(got.Payload, &answer); err != nil {
		return answer, fmt.Errorf("reading the answer of %s: %w", names.RotateKeys, err)
	}
	return answer, nil
}
