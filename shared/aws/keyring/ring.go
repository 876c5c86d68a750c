// Package keyring reads the system's key sets from Secrets Manager, keeps them
// for minutes in a container, and holds the rules of their changes: which key is
// added, which becomes the primary key, and which may be destroyed when.
//
// It promises that a container reads each secret every few minutes at most, that
// an error is remembered for a minute at most, and that contact keys are
// returned only after they have reproduced the canaries of the table: with the
// keys of another table, every lookup would miss. It never writes a secret. An
// error names the secret, never its content.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/names"
	"stille/shared/throttle"
)

// A container that does not know a contact key misses what other containers
// wrote under the key, and a missed lookup sends. So no container uses a contact
// key set for longer than Fresh and Grace together.
const (
	// Fresh is how long a key set is used before it is read again.
	Fresh = 5 * time.Minute
	// Grace is how much longer contact keys are used while they cannot be read.
	Grace = 5 * time.Minute
)

const (
	// longGrace is in effect for ever. Old link keys and proof keys stay in their
	// sets, so an older set only lacks the newest key; for link keys there is
	// RefreshLink.
	longGrace = 365 * 24 * time.Hour

	// refreshInterval is the shortest time between two readings of a usable key
	// set, after a reading that failed.
	refreshInterval = time.Minute

	// refreshPatience is how long this reading may keep a caller waiting.
	refreshPatience = 2 * time.Second

	// A token of an unknown key may be of a key that was added a second ago, and
	// anybody can invent one. So a container reads the link keys for unknown
	// tokens linkReads times in a row, and then once in a linkRest.
	linkReads = 20
	linkRest  = time.Second
	// failedRest is how long after a failed reading for an unknown token there is
	// no other.
	failedRest = 10 * time.Second
)

// ErrUndecided means that the link keys were read too often lately to be read again
// for a token of an unknown key, which may be genuine.
var ErrUndecided = errors.New("whether the key of a token is new is not known: too many tokens of unknown keys came in")

// Secrets is the part of Secrets Manager that the ring needs.
type Secrets interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// CanaryReader reads the canaries of the suppressions table, as
// contact.KeySet.Canaries returned them. A table without canaries has an empty
// map.
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
	unproven atomic.Pointer[contact.KeySet] // the contact key set that was read last
	link     cell[link.Keys]
	proof    cell[ProofKeys]

	// All under link.mu: what bounds the readings of RefreshLink, when a reading last
	// failed, and its error.
	readings  throttle.Throttle
	failed    time.Time
	failedErr error
}

// NewRing returns a ring that has fetched nothing yet.
func NewRing(client Secrets, stack names.Stack, canaries CanaryReader, now func() time.Time) *Ring {
	return &Ring{client: client, stack: stack, canaries: canaries, now: now, readings: throttle.Throttle{Most: linkReads, Pause: linkRest}}
}

// Contact returns the contact key set, read at most Fresh ago, or Fresh and Grace
// while reading fails. A caller must use it for one request only. The error
// wraps contact.ErrForeignKeys if the set does not reproduce the table's
// canaries; the caller must then not answer from the table.
func (r *Ring) Contact(ctx context.Context) (*contact.KeySet, error) {
	return r.contact.get(ctx, wall(r.now()), Fresh+Grace, func(ctx context.Context) (*contact.KeySet, error) {
		// A new key is stored before its canary is planted. The reading goes in
		// the other order, so the keys are never older than the canaries.
		canaries, err := r.canaries.Canaries(ctx)
		if err != nil {
			return nil, err
		}
		set, err := r.fetchContact(ctx)
		if err != nil {
			return nil, err
		}
		if err := set.Reproduces(canaries); err != nil {
			return nil, fmt.Errorf("secret %s: %w", r.stack.ContactKeys(), err)
		}
		return set, nil
	})
}

// Unproven returns the contact key set that was read last, however old and whether
// or not it reproduces the table's canaries. It reads the secret only where no set
// was read before. An opt-out that the set names may go to the outage queue; the
// table must not be read or written with the set.
func (r *Ring) Unproven(ctx context.Context) (*contact.KeySet, error) {
	if set := r.unproven.Load(); set != nil {
		return set, nil
	}
	return r.fetchContact(ctx)
}

func (r *Ring) fetchContact(ctx context.Context) (*contact.KeySet, error) {
	set, err := fetch(ctx, r.client, r.stack.ContactKeys(), ParseContact)
	if err == nil {
		r.unproven.Store(set)
	}
	return set, err
}

// Proof returns the keys under which certificates list what was deleted.
func (r *Ring) Proof(ctx context.Context) (*ProofKeys, error) {
	return r.proof.get(ctx, wall(r.now()), Fresh+longGrace, func(ctx context.Context) (*ProofKeys, error) {
		return fetch(ctx, r.client, r.stack.ProofKeys(), ParseProof)
	})
}

// HMAC names a record in the lists of certificates.
func (r *Ring) HMAC(ctx context.Context, class, id string) (string, error) {
	keys, err := r.Proof(ctx)
	if err != nil {
		return "", err
	}
	return keys.HMAC(class, id), nil
}

// ProofKey returns the id of the key that HMAC uses.
func (r *Ring) ProofKey(ctx context.Context) (string, error) {
	keys, err := r.Proof(ctx)
	if err != nil {
		return "", err
	}
	return keys.ID(), nil
}

// Link returns the link keys, read at most Fresh ago, or older ones while
// reading fails.
func (r *Ring) Link(ctx context.Context) (*link.Keys, error) {
	return r.link.get(ctx, wall(r.now()), Fresh+longGrace, r.fetchLink)
}

// RefreshLink returns link keys that were read after a token of an unknown key
// arrived: those keys open every token that was minted before. An error means that
// the token may be genuine, and an opt-out must not be refused: ErrUndecided while
// too many tokens of unknown keys arrive, and for a while the error of a reading
// that failed.
func (r *Ring) RefreshLink(ctx context.Context, arrived time.Time) (*link.Keys, error) {
	now := wall(r.now())
	r.link.mu.Lock()
	defer r.link.mu.Unlock()
	switch {
	case r.link.value != nil && !r.link.read.Before(wall(arrived)):
		return r.link.value, nil
	case isWithin(now, r.failed, failedRest):
		return nil, r.failedErr
	case !r.readings.Takes(now):
		return nil, ErrUndecided
	}
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	fresh, err := r.fetchLink(ctx)
	if err != nil {
		r.failed, r.failedErr = now, err
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

// cell keeps the value that was read last. During a reading, other callers wait
// for its end.
type cell[T any] struct {
	mu    sync.Mutex
	value *T
	read  time.Time // when the reading of value began
	tried time.Time // when any reading last began
}

// get returns the value, which it reads again when it is older than Fresh. While
// the reading fails, get returns the older value until that is older than
// usable, and then the error. All times are by the wall clock.
func (c *cell[T]) get(ctx context.Context, now time.Time, usable time.Duration, load func(context.Context) (*T, error)) (*T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.value != nil && isWithin(now, c.read, Fresh) {
		return c.value, nil
	}
	atHand := c.value != nil && isWithin(now, c.read, usable)
	if atHand {
		if isWithin(now, c.tried, refreshInterval) {
			return c.value, nil
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, refreshPatience)
		defer cancel()
	}
	c.tried = now
	value, err := load(ctx)
	switch {
	case err == nil:
		c.value, c.read = value, now
	case !atHand:
		return nil, err
	}
	return c.value, nil
}

// isWithin reports whether less than limit has passed since then. If the clock was
// set back, the answer is false.
func isWithin(now, then time.Time, limit time.Duration) bool {
	age := now.Sub(then)
	return age >= 0 && age < limit
}

// wall returns the time by the wall clock. Go takes differences by the monotonic
// clock, which may stand still while Lambda has frozen a container.
func wall(t time.Time) time.Time { return t.Round(0) }
