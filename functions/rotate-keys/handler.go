package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// errInUse refuses to make a key set or canaries for a table that other keys have
// filled.
var errInUse = errors.New("the suppressions table is in use, but a key set or its canaries are missing: restore them")

// secretStore is the part of Secrets Manager that the function needs.
type secretStore interface {
	keyring.Secrets
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
}

// suppressions is the table of the contact keys.
type suppressions interface {
	keyring.CanaryReader
	PutCanaries(ctx context.Context, canaries map[string]string) error
	// AddCanaries adds canaries; RemoveCanary removes the canary of a key's id.
	// Both are idempotent.
	AddCanaries(ctx context.Context, canaries map[string]string) error
	RemoveCanary(ctx context.Context, id string) error
	// Empty reports, by a strong read, whether the table has no item and no
	// canary.
	Empty(ctx context.Context) (bool, error)
	// CountUnmerged counts the items under a key that are not merged into an
	// item of a newer key.
	CountUnmerged(ctx context.Context, keyID uint32) (int, error)
}

// handler makes the key sets of a new stack, and changes keys by order.
type handler struct {
	secrets      secretStore
	suppressions suppressions
	countHolds   func(ctx context.Context, keyID uint32) (int, error)               // whose subject is named by a key
	countRecords func(ctx context.Context, class string, keyID uint32) (int, error) // of a class, whose subject is named by a key
	queues       map[string]string                                                  // by name, the URLs of the queues whose messages may name a contact by a key
	depth        func(ctx context.Context, url string) (int, error)                 // of a queue, hidden messages too
	policy       *retention.Policy
	config       keyring.Config // as it was deployed
	stack        names.Stack
	now          func() time.Time
	pause        time.Duration // before a change is decided again
	fixed        bool          // it changes nothing, as the function list-keys
	log          *slog.Logger
}

// handle answers CloudFormation. Only Create does anything, and everything it
// does is there already when it comes again.
func (h handler) handle(ctx context.Context, event cfn.Event) (physicalID string, data map[string]any, err error) {
	if event.RequestType != cfn.RequestCreate {
		return event.PhysicalResourceID, nil, nil
	}
	return string(h.stack) + "-keys", nil, h.create(ctx)
}

// create makes the canaries last: a function that finds them finds the key set
// they stand for, and until then none serves, so the table stays empty.
func (h handler) create(ctx context.Context) error {
	contacts, err := first(ctx, h, h.stack.ContactKeys(), keyring.ParseContact, keyring.NewContactSecret)
	if err != nil {
		return err
	}
	if _, err := first(ctx, h, h.stack.LinkKeys(), keyring.ParseLink, keyring.NewLinkSecret); err != nil {
		return err
	}
	if _, err := first(ctx, h, h.stack.ProofKeys(), keyring.ParseProof, keyring.NewProofSecret); err != nil {
		return err
	}
	return h.plantCanaries(ctx, contacts)
}

// first returns the key set of a secret, and makes one if the secret has no value.
// It makes one only while the table is empty: after the loss of a key set, a new
// one would silently orphan the suppressions, links and certificates of the lost
// one. A value that cannot be read is an error and stays unchanged.
func first[T any](ctx context.Context, h handler, name string, parse func(string) (*T, error), fresh func() (string, error)) (set *T, err error) {
	err = h.changed(ctx, name, func(v version) (made string, err error) {
		if v.isEmpty {
			if err := h.unused(ctx); err != nil {
				return "", err
			}
			if made, err = fresh(); err != nil {
				return "", fmt.Errorf("a first key set for secret %s: %w", name, err)
			}
			v.value = made
		}
		if set, err = parse(v.value); err != nil {
			return "", fmt.Errorf("secret %s: %w", name, err)
		}
		return made, nil
	})
	return set, err
}

func (h handler) plantCanaries(ctx context.Context, contacts *contact.KeySet) error {
	planted, err := h.suppressions.Canaries(ctx)
	if err != nil {
		return err
	}
	if len(planted) > 0 {
		if err := contacts.Reproduces(planted); err != nil {
			return fmt.Errorf("secret %s: %w", h.stack.ContactKeys(), err)
		}
		return nil
	}
	if err := h.unused(ctx); err != nil {
		return err
	}
	canaries, err := contacts.Canaries()
	if err != nil {
		return err
	}
	return h.suppressions.PutCanaries(ctx, canaries)
}

// unused returns errInUse unless the table is empty.
func (h handler) unused(ctx context.Context) error {
	empty, err := h.suppressions.Empty(ctx)
	if err == nil && !empty {
		err = errInUse
	}
	return err
}
