package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"stille/shared/aws/keyring"
)

func (h handler) rotateLinks(ctx context.Context) (keyring.Answer, error) {
	var answer keyring.Answer
	err := h.changed(ctx, h.stack.LinkKeys(), func(v version) (string, error) {
		links, err := keyring.OpenLinks(v.value, v.stored)
		if err != nil {
			return "", fmt.Errorf("secret %s: %w", v.secret, err)
		}
		next, email, sms, err := links.Rotate(h.now())
		if err != nil {
			return "", err
		}
		answer = keyring.Answer{Done: keyring.Rotated, ID: email.ID, SMSID: sms.ID, Letter: sms.Letter}
		return next.Secret()
	})
	return answer, err
}

// rotateContacts takes the next step of a rotation: it adds a pending key, or
// makes the pending key the primary key. The canary of a key is planted after the
// key is stored, because no set reproduces it earlier, and before anything is
// written under the key, because then no set without the key may serve.
func (h handler) rotateContacts(ctx context.Context) (keyring.Answer, error) {
	var (
		answer keyring.Answer
		after  string // the new secret
	)
	err := h.changed(ctx, h.stack.ContactKeys(), func(v version) (string, error) {
		contacts, err := h.contacts(ctx, v)
		if err != nil {
			return "", err
		}
		if pending, ok := contacts.Pending(); ok {
			// The call that added the key may have failed before it planted the canary.
			if err := h.plant(ctx, v.value, pending.ID); err != nil {
				return "", err
			}
			next, promoted, err := contacts.Promote(h.now())
			if err != nil {
				return "", err
			}
			answer = keyring.Answer{Done: keyring.Promoted, ID: promoted.ID, Next: "stille keys list", From: next.RemovableAt()}
			return next.Secret()
		}
		next, added, err := contacts.Add(h.now())
		if err != nil {
			return "", err
		}
		answer = keyring.Answer{Done: keyring.Added, ID: added.ID, Next: "stille keys rotate contact", From: next.PromotableAt(added)}
		after, err = next.Secret()
		return after, err
	})
	if err != nil || answer.Done != keyring.Added {
		return answer, err
	}
	if err := h.plant(ctx, after, answer.ID); err != nil {
		return keyring.Answer{}, fmt.Errorf("the key %s is added and unused, and its canary is missing; type `stille keys rotate contact` to finish: %w", answer.ID, err)
	}
	return answer, nil
}

// contacts opens the contact key set, and refuses the set of another table.
func (h handler) contacts(ctx context.Context, v version) (keyring.Contacts, error) {
	set, err := keyring.ParseContact(v.value)
	if err != nil {
		return keyring.Contacts{}, fmt.Errorf("secret %s: %w", v.secret, err)
	}
	planted, err := h.suppressions.Canaries(ctx)
	if err != nil {
		return keyring.Contacts{}, err
	}
	if err := set.Reproduces(planted); err != nil {
		return keyring.Contacts{}, fmt.Errorf("secret %s: %w", v.secret, err)
	}
	return keyring.OpenContacts(v.value, v.stored)
}

// plant adds the canary of one key.
func (h handler) plant(ctx context.Context, secret, id string) error {
	set, err := keyring.ParseContact(secret)
	if err != nil {
		return err
	}
	canaries, err := set.Canaries()
	if err != nil {
		return err
	}
	return h.suppressions.AddCanaries(ctx, map[string]string{id: canaries[id]})
}

// destroyContact removes a key that nothing uses. It removes the canary first: a
// set without the key would not reproduce the canary, while a key without a
// canary does no harm. Meanwhile nothing is written under the key, because it
// ceased to be the primary key days ago.
func (h handler) destroyContact(ctx context.Context, id string) (keyring.Answer, error) {
	err := h.changed(ctx, h.stack.ContactKeys(), func(v version) (string, error) {
		contacts, err := h.contacts(ctx, v)
		if err != nil {
			return "", err
		}
		next, err := contacts.Remove(id, h.now())
		if err != nil {
			return "", err
		}
		if err := h.drained(ctx, id); err != nil {
			return "", err
		}
		uses, err := h.uses(ctx, id)
		if err != nil {
			return "", err
		}
		if uses != "" {
			return "", keyring.Refusal(fmt.Sprintf("the contact key %s is in use, and its items would be lost: %s", id, uses))
		}
		if err := h.suppressions.RemoveCanary(ctx, id); err != nil {
			return "", err
		}
		return next.Secret()
	})
	if err != nil {
		return keyring.Answer{}, err
	}
	return keyring.Answer{Done: keyring.Destroyed, ID: id}, nil
}

// drained refuses while a queue holds a message, which may name a contact by the key.
func (h handler) drained(ctx context.Context, id string) error {
	for _, name := range slices.Sorted(maps.Keys(h.queues)) {
		n, err := h.depth(ctx, h.queues[name])
		if err != nil {
			return err
		}
		if n > 0 {
			return keyring.Refusal(fmt.Sprintf("the queue %s holds %d messages, and they may name a contact by the contact key %s: `stille queues list` shows them; try again once the queue is empty", name, n, id))
		}
	}
	return nil
}

// uses counts the items that name a contact by a key, in words; "" for none.
func (h handler) uses(ctx context.Context, id string) (string, error) {
	number, err := strconv.ParseUint(id, 16, 32)
	if err != nil {
		return "", errors.New("a key's id is 8 hexadecimal digits")
	}
	key, used := uint32(number), false
	var parts []string
	count := func(what string, n int, err error) error {
		used = used || n > 0
		parts = append(parts, fmt.Sprintf("%s %d", what, n))
		return err
	}
	n, err := h.suppressions.CountUnmerged(ctx, key)
	if err := count("suppressions", n, err); err != nil {
		return "", err
	}
	n, err = h.countHolds(ctx, key)
	if err := count("holds", n, err); err != nil {
		return "", err
	}
	for _, class := range h.policy.Classes {
		n, err := h.countRecords(ctx, class.Name, key)
		if err := count("records of "+class.Name, n, err); err != nil {
			return "", err
		}
	}
	if !used {
		return "", nil
	}
	return strings.Join(parts, ", "), nil
}

// errOvertaken means that another version was stored since the secret was read.
var errOvertaken = errors.New("another version was stored meanwhile")

// version is one version of a secret.
type version struct {
	secret, id, value string
	stored            time.Time
	isEmpty           bool // the secret has no value yet
}

// current returns the current version. A secret without a value has none; in the
// emulator the version is empty.
func (h handler) current(ctx context.Context, secret string) (version, error) {
	out, err := h.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		return version{secret: secret, isEmpty: true}, nil
	}
	if err != nil {
		return version{}, fmt.Errorf("reading secret %s: %w", secret, err)
	}
	return version{
		secret: secret, id: aws.ToString(out.VersionId), value: aws.ToString(out.SecretString), stored: aws.ToTime(out.CreatedDate),
		isEmpty: aws.ToString(out.SecretString) == "" && len(out.SecretBinary) == 0,
	}, nil
}

// replace stores the version after v, unless another version was stored since v
// was read: the new id derives from the id of v, and Secrets Manager stores an id
// once. The value of v stays readable as AWSPREVIOUS.
func (h handler) replace(ctx context.Context, v version, value string) error {
	_, err := h.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &v.secret, SecretString: &value, ClientRequestToken: aws.String(nextVersion(v.id)),
	})
	if errors.As(err, new(*types.ResourceExistsException)) {
		return errOvertaken
	}
	if err != nil {
		return fmt.Errorf("writing secret %s: %w", v.secret, err)
	}
	return nil
}

// nextVersion returns the id of the version that follows the version id. Secrets
// Manager takes 32 to 64 characters.
func nextVersion(id string) string {
	sum := sha256.Sum256([]byte("stille/next-version/1\x00" + id))
	return hex.EncodeToString(sum[:])
}

// attempts is how often a change is decided.
const attempts = 5

// changed reads the secret and stores the value that decide returns, if it returns
// one. It decides again if another change was stored in between.
func (h handler) changed(ctx context.Context, secret string, decide func(version) (value string, err error)) error {
	for n := range attempts {
		if n > 0 {
			if err := pause(ctx, h.pause); err != nil {
				return err
			}
		}
		v, err := h.current(ctx, secret)
		if err != nil {
			return err
		}
		value, err := decide(v)
		if err != nil || value == "" {
			return err
		}
		if err = h.replace(ctx, v, value); !errors.Is(err, errOvertaken) {
			return err
		}
	}
	return fmt.Errorf("secret %s: %w, but is not the current one: if AWSCURRENT was moved back by hand, store the value as a new version", secret, errOvertaken)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
