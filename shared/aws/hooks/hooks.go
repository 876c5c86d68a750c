// Package hooks keeps the registry of hooks, with the secrets of the providers,
// in one secret of Secrets Manager. It promises that an error holds no secret,
// and that a function reads the registry once in Fresh at most and goes on with
// the registry it read last while Secrets Manager does not answer.
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
)

// Fresh is how long a registry is used before it is read again: a hook works
// within a minute.
const Fresh = 30 * time.Second

// MaxSecret is the most that Secrets Manager takes, in bytes.
const MaxSecret = 65_536

// ErrFull means that Secrets Manager does not take a registry of this size.
var ErrFull = errors.New("there is no room for another hook: remove one with `stille hook remove`")

// Client is the part of Secrets Manager that a Store needs.
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
}

// Store is the registry of one stack.
type Store struct {
	client Client
	name   string
}

// NewStore returns the store of a stack.
func NewStore(client Client, stack names.Stack) Store { return Store{client, stack.Hooks()} }

// Registry reads the registry. A secret without a value is an empty registry.
func (s Store) Registry(ctx context.Context) (hook.Registry, error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.name})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the hooks: %w", err)
	}
	var all hook.Registry
	if text := aws.ToString(out.SecretString); text != "" && json.Unmarshal([]byte(text), &all) != nil {
		return nil, fmt.Errorf("secret %s does not hold hooks", s.name) // the decoder's error quotes the secret
	}
	return all, nil
}

// Replace stores another registry. Its error wraps ErrFull for a registry that is
// too large.
func (s Store) Replace(ctx context.Context, all hook.Registry) error {
	text, err := json.Marshal(all) //nolint:gosec // what is stored is the secret
	if err != nil {
		return errors.New("the hooks cannot be written")
	}
	if len(text) > MaxSecret {
		return ErrFull
	}
	if _, err := s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.name, SecretString: aws.String(string(text))}); err != nil {
		return fmt.Errorf("storing the hooks: %w", err)
	}
	return nil
}

// Cached is a registry that is kept. It is safe for concurrent use.
type Cached struct {
	store Store
	now   func() time.Time

	mu   sync.Mutex
	all  hook.Registry
	read time.Time // zero before the first reading
}

// NewCached returns a cache that has read nothing yet.
func NewCached(store Store, now func() time.Time) *Cached { return &Cached{store: store, now: now} }

// Registry returns the registry, read at most Fresh ago, or an older one while
// reading fails.
func (c *Cached) Registry(ctx context.Context) (hook.Registry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now().Round(0) // by the wall clock: a frozen container's monotonic clock stands still
	if age := now.Sub(c.read); !c.read.IsZero() && age >= 0 && age < Fresh {
		return c.all, nil
	}
	all, err := c.store.Registry(ctx)
	if err != nil && c.read.IsZero() {
		return nil, err
	}
	if err == nil {
		c.all = all
	}
	c.read = now
	return c.all, nil
}
