// Package keys fetches the system's key sets from Secrets Manager and keeps
// them for the life of a container.
//
// It promises that each secret is read once, that an error is not remembered
// (but for the minute between two refreshes), and that contact keys are handed
// out only after they have reproduced the canaries of the table: the keys of
// another table would find nobody suppressed. It never writes a secret, and an
// error names the secret, never what is in it.
package keys

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/schema"
)

// refreshInterval is how often a token of an unknown key may cause a fetch:
// anybody can make one up.
const refreshInterval = time.Minute

// Secrets is the part of Secrets Manager that the ring needs.
type Secrets interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// CanaryReader reads the canaries that stand beside the suppressions, as
// contact.KeySet.Canaries returned them. None yet is an empty map.
type CanaryReader interface {
	Canaries(ctx context.Context) (map[string]string, error)
}

// Ring hands out the key sets of one stack. It is safe for concurrent use.
type Ring struct {
	client   Secrets
	stack    schema.Stack
	canaries CanaryReader

	contact once[contact.KeySet]
	proof   once[ProofKeys]
	link    once[link.Keys]

	// Both under link.mu: when RefreshLink last fetched, and what came of it.
	refreshed  time.Time
	refreshErr error
}

// NewRing returns a ring that has fetched nothing yet.
func NewRing(client Secrets, stack schema.Stack, canaries CanaryReader) *Ring {
	return &Ring{client: client, stack: stack, canaries: canaries}
}

// Contact returns the contact key set. Its error is contact.ErrForeignKeys
// when the set does not reproduce the table's canaries; the caller must then
// not answer from the table.
func (r *Ring) Contact(ctx context.Context) (*contact.KeySet, error) {
	return r.contact.get(func() (*contact.KeySet, error) {
		set, err := fetch(ctx, r.client, r.stack.ContactKeys(), ParseContact)
		if err != nil {
			return nil, err
		}
		canaries, err := r.canaries.Canaries(ctx)
		if err != nil {
			return nil, err
		}
		if err := set.Reproduces(canaries); err != nil {
			return nil, fmt.Errorf("secret %s: %w", r.stack.ContactKeys(), err)
		}
		return set, nil
	})
}

// Proof returns the keys under which certificates list what was deleted.
func (r *Ring) Proof(ctx context.Context) (*ProofKeys, error) {
	return r.proof.get(func() (*ProofKeys, error) {
		return fetch(ctx, r.client, r.stack.ProofKeys(), ParseProof)
	})
}

// Link returns the link keys.
func (r *Ring) Link(ctx context.Context) (*link.Keys, error) {
	return r.link.get(func() (*link.Keys, error) { return r.fetchLink(ctx) })
}

// RefreshLink returns the link keys as they are now, for a token whose key is
// unknown. It fetches at most once a minute; in between it returns what the
// last refresh gave. That includes its error: as long as nobody could look,
// the token may well be ours, and an opt-out must not be turned away.
func (r *Ring) RefreshLink(ctx context.Context, now time.Time) (*link.Keys, error) {
	r.link.mu.Lock()
	defer r.link.mu.Unlock()
	if !r.refreshed.IsZero() && now.Sub(r.refreshed) < refreshInterval {
		return r.link.value, r.refreshErr
	}
	r.refreshed = now
	fresh, err := r.fetchLink(ctx)
	if r.refreshErr = err; err != nil {
		return nil, err
	}
	r.link.value = fresh
	return fresh, nil
}

func (r *Ring) fetchLink(ctx context.Context) (*link.Keys, error) {
	return fetch(ctx, r.client, r.stack.LinkKeys(), ParseLink)
}

// fetch reads a secret and the key set in it.
func fetch[T any](ctx context.Context, client Secrets, name string, parse func(string) (*T, error)) (*T, error) {
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	if err != nil {
		return nil, fmt.Errorf("reading secret %s: %w", name, err)
	}
	value, err := parse(aws.ToString(out.SecretString))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	return value, nil
}

// once keeps the first value that was loaded without an error. Callers that
// come meanwhile wait for it.
type once[T any] struct {
	mu    sync.Mutex
	value *T
}

func (o *once[T]) get(load func() (*T, error)) (*T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.value != nil {
		return o.value, nil
	}
	value, err := load()
	if err != nil {
		return nil, err
	}
	o.value = value
	return value, nil
}
