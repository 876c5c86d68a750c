// Package keyring fetches the system's key sets from Secrets Manager, keeps them
// for a while in a container, and knows how they change: what is added, what
// becomes the primary key, what may be destroyed and when.
//
// It promises that each secret is read once and then every few minutes, that
// an error is not remembered for more than a minute, and that contact keys are
// handed out only after they have reproduced the canaries of the table: the
// keys of another table would find nobody suppressed. It never writes a
// secret, and an error names the secret, never what is in it.
package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/names"
)

// A container that does not know a contact key misses what others wrote under
// it, and a missed lookup sends. So no container uses a contact key set for
// longer than Fresh and Grace together.
const (
	// Fresh is how long a key set is used before it is read again.
	Fresh = 5 * time.Minute
	// Grace is how much longer contact keys are used while they cannot be read.
	Grace = 5 * time.Minute
)

const (
	// linkGrace is as good as for ever: old link keys stay in the set, so an
	// older set only lacks the newest, for which there is RefreshLink.
	linkGrace = 365 * 24 * time.Hour

	// refreshInterval is how often at most a key set that is at hand is read
	// again because of a token of an unknown key, which anybody can make up, or
	// because the last reading failed.
	refreshInterval = time.Minute

	// refreshPatience is how long a caller waits for that, who could do with
	// the keys at hand.
	refreshPatience = 2 * time.Second
)

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
	stack    names.Stack
	canaries CanaryReader
	now      func() time.Time

	contact  cell[contact.KeySet]
	unproven cell[contact.KeySet]
	link     cell[link.Keys]
	proof    once[ProofKeys]

	// Both under link.mu: when RefreshLink last fetched, and what came of it.
	refreshed  time.Time
	refreshErr error
}

// NewRing returns a ring that has fetched nothing yet.
func NewRing(client Secrets, stack names.Stack, canaries CanaryReader, now func() time.Time) *Ring {
	return &Ring{client: client, stack: stack, canaries: canaries, now: now}
}

// Contact returns the contact key set, read no longer than Fresh ago, or Fresh
// and Grace while reading fails. Callers use it for the request at hand and
// ask again for the next. Its error is contact.ErrForeignKeys when the set does
// not reproduce the table's canaries; the caller must then not answer from the
// table.
func (r *Ring) Contact(ctx context.Context) (*contact.KeySet, error) {
	return r.contact.get(ctx, wall(r.now()), Fresh+Grace, func(ctx context.Context) (*contact.KeySet, error) {
		// A new key is stored before its canary is planted. Read in the other
		// order, the keys are never older than the canaries.
		canaries, err := r.canaries.Canaries(ctx)
		if err != nil {
			return nil, err
		}
		set, err := fetch(ctx, r.client, r.stack.ContactKeys(), ParseContact)
		if err != nil {
			return nil, err
		}
		if err := set.Reproduces(canaries); err != nil {
			return nil, fmt.Errorf("secret %s: %w", r.stack.ContactKeys(), err)
		}
		return set, nil
	})
}

// Unproven returns the contact key set without having held it against the
// table's canaries, for where they cannot be read. What it names may be put
// aside until the set is proven; never read the table with it, nor write to it.
func (r *Ring) Unproven(ctx context.Context) (*contact.KeySet, error) {
	return r.unproven.get(ctx, wall(r.now()), Fresh+Grace, func(ctx context.Context) (*contact.KeySet, error) {
		return fetch(ctx, r.client, r.stack.ContactKeys(), ParseContact)
	})
}

// Proof returns the keys under which certificates list what was deleted.
func (r *Ring) Proof(ctx context.Context) (*ProofKeys, error) {
	return r.proof.get(func() (*ProofKeys, error) {
		return fetch(ctx, r.client, r.stack.ProofKeys(), ParseProof)
	})
}

// Link returns the link keys, read no longer than Fresh ago, or older ones
// while reading fails.
func (r *Ring) Link(ctx context.Context) (*link.Keys, error) {
	return r.link.get(ctx, wall(r.now()), Fresh+linkGrace, r.fetchLink)
}

// RefreshLink returns the link keys as they are now, for a token whose key is
// unknown. It fetches at most once a minute; in between it returns what the
// last refresh gave. That includes its error: as long as nobody could look,
// the token may well be ours, and an opt-out must not be turned away.
func (r *Ring) RefreshLink(ctx context.Context, now time.Time) (*link.Keys, error) {
	now = wall(now)
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
	r.link.value, r.link.read = fresh, now
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
