package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

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
