// Package rotatekeys calls two functions for the operator, so that the operator needs
// no right to any key: rotate-keys changes keys; list-keys lists them, and tells which
// policy and which scopes are deployed. A person who may only look calls list-keys alone.
package rotatekeys

import (
	"context"
	"fmt"
	"sync"
	"time"

	"stille/shared/aws/invoke"
	"stille/shared/aws/keyring"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Client calls the functions of one stack.
type Client struct {
	lambda       invoke.Lambda
	rotate, list string // the functions' names
	config       config
}

// New returns a client. It calls nothing.
func New(service invoke.Lambda, stack names.Stack) *Client {
	return &Client{lambda: service, rotate: stack.Function(names.RotateKeys), list: stack.Function(names.ListKeys)}
}

// Change rotates or destroys keys. A refusal is an error: a keyring.Refusal.
func (c *Client) Change(ctx context.Context, order keyring.Order) (keyring.Answer, error) {
	answer, err := invoke.Call[keyring.Answer](ctx, c.lambda, c.rotate, order)
	if err == nil && answer.Refused != "" {
		err = fmt.Errorf("refused: %w", keyring.Refusal(answer.Refused))
	}
	return answer, err
}

// List lists the keys.
func (c *Client) List(ctx context.Context) (keyring.Listing, error) {
	return invoke.Call[keyring.Listing](ctx, c.lambda, c.list, keyring.Order{List: true})
}

// Primary returns the primary key of each set, and the command that is due for
// the set at now.
func (c *Client) Primary(ctx context.Context, now time.Time) ([]operator.PrimaryKey, error) {
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
	files, err := invoke.Call[keyring.Config](ctx, c.lambda, c.list, keyring.Order{Config: true})
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
