// Package hooks keeps the registry of hooks, by which other systems report
// opt-outs, and the registry of webhooks, by which they are told, each in one secret
// of Secrets Manager. It promises that an error holds no secret, and that a function
// reads a registry at most once in Fresh and goes on with the registry it read last
// while Secrets Manager does not answer.
package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"stille/shared/feedback/hook"
	"stille/shared/names"
	"stille/shared/webhook"
)

// Fresh is how long a registry is used before it is read again: a hook works
// within a minute.
const Fresh = 30 * time.Second

// MaxSecret is the most that Secrets Manager takes, in bytes.
const MaxSecret = 65_536

// ErrFull means that Secrets Manager does not take a registry of this size.
var ErrFull = errors.New("there is no room for another")

// Client is the part of Secrets Manager that a Store needs.
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
}

// Store is a registry of one stack.
type Store[R any] struct {
	client     Client
	name, kind string
}

// NewStore returns the store of the hooks.
func NewStore(client Client, stack names.Stack) Store[hook.Registry] {
	return Store[hook.Registry]{client, stack.Hooks(), "hook"}
}

// NewWebhooks returns the store of the webhooks.
func NewWebhooks(client Client, stack names.Stack) Store[webhook.Registry] {
	return Store[webhook.Registry]{client, stack.Webhooks(), "webhook"}
}

// Registry reads the registry. A secret without a value is an empty registry.
func (s Store[R]) Registry(ctx context.Context) (all R, err error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.name})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		return all, nil
	}
	if err != nil {
		return all, fmt.Errorf("reading the %ss: %w", s.kind, err)
	}
	if text := aws.ToString(out.SecretString); text != "" && json.Unmarshal([]byte(text), &all) != nil {
		return all, fmt.Errorf("secret %s does not hold %ss", s.name, s.kind) // the decoder's error quotes the secret
	}
	return all, nil
}

// Replace stores another registry. Its error wraps ErrFull for a registry that is
// too large.
func (s Store[R]) Replace(ctx context.Context, all R) error {
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("the %ss cannot be written", s.kind)
	}
	if len(text) > MaxSecret {
		return fmt.Errorf("%w: remove one with `stille %s remove`", ErrFull, s.kind)
	}
	if _, err := s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.name, SecretString: aws.String(string(text))}); err != nil {
		return fmt.Errorf("storing the %ss: %w", s.kind, err)
	}
	return nil
}

// Cached is a registry that is kept. It is safe for concurrent use.
type Cached[R any] struct {
	store Store[R]
	now   func() time.Time

	mu   sync.Mutex
	all  R
	read time.Time // zero before the first reading
}

// NewCached returns a cache that has read nothing yet.
func NewCached[R any](store Store[R], now func() time.Time) *Cached[R] {
	return &Cached[R]{store: store, now: now}
}

// Registry returns the registry, read at most Fresh ago, or an older one while
// reading fails.
func (c *Cached[R]) Registry(ctx context.Context) (R, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now().Round(0) // by the wall clock: a frozen container's monotonic clock stands still
	if age := now.Sub(c.read); !c.read.IsZero() && age >= 0 && age < Fresh {
		return c.all, nil
	}
	all, err := c.store.Registry(ctx)
	if err != nil && c.read.IsZero() {
		return all, err
	}
	if err == nil {
		c.all = all
	}
	c.read = now
	return c.all, nil
}
