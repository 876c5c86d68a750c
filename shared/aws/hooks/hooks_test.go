package hooks_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/hooks"
	"stille/shared/feedback/hook"
	"stille/shared/webhook"
)

var errDown = errors.New("it does not answer")

// secret is Secrets Manager with one secret.
type secret struct {
	name, value string
	err         error
	reads       int
}

func (s *secret) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	s.name = *in.SecretId
	s.reads++
	if s.err == nil && s.value == "" {
		return nil, &types.ResourceNotFoundException{}
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: &s.value}, s.err
}

func (s *secret) PutSecretValue(_ context.Context, in *secretsmanager.PutSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error) {
	s.value = *in.SecretString
	return &secretsmanager.PutSecretValueOutput{}, s.err
}

func TestRegistryIsReadBack(t *testing.T) {
	s := &secret{}
	store := hooks.NewStore(s, "unit")
	if got, err := store.Registry(t.Context()); err != nil || got != nil || s.name != "unit/hooks" {
		t.Errorf("without a value: %d hooks, error %v, of %s", len(got), err, s.name)
	}
	want := hook.Registry{{Provider: "twilio", Scope: "acme", URL: "https://tools/in/twilio/acme", AddedAt: time.Unix(2, 0).UTC(), Credential: hook.Credential{Secret: "one", Former: "two", FormerUntil: time.Unix(1, 0).UTC()}}}
	if err := store.Replace(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := store.Registry(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, (-want +got)\n%s", err, diff)
	}
	large := hook.Registry{{URL: strings.Repeat("x", hooks.MaxSecret)}}
	if err := store.Replace(t.Context(), large); !errors.Is(err, hooks.ErrFull) || !strings.Contains(err.Error(), "`stille hook remove`") {
		t.Errorf("error %v", err)
	}
	s.value = `{"secret":"hush"}`
	if _, err := store.Registry(t.Context()); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("error %v", err)
	}
}

func TestWebhooksHaveASecretOfTheirOwn(t *testing.T) {
	s := &secret{}
	store := hooks.NewWebhooks(s, "unit")
	want := webhook.Registry{{URL: "https://crm.acme.example", Scope: "acme", WithAddress: true, AddedAt: time.Unix(2, 0).UTC(), Credential: hook.Credential{Secret: "one"}}}
	if err := store.Replace(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := store.Registry(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" || s.name != "unit/webhooks" {
		t.Errorf("error %v, in %s, (-want +got)\n%s", err, s.name, diff)
	}
}

func TestAKeptRegistryOutlivesAnOutage(t *testing.T) {
	s, now := &secret{err: errDown}, time.Unix(1_000_000, 0)
	cached := hooks.NewCached(hooks.NewStore(s, "unit"), func() time.Time { return now })
	for _, step := range []struct {
		after      time.Duration
		value      string
		err        error
		want, read int
	}{
		{0, "", errDown, -1, 1}, // never read: an error, and read again
		{0, `[{"secret":"one"}]`, nil, 1, 2},
		{hooks.Fresh - 1, `[]`, nil, 1, 2},
		{1, `[]`, errDown, 1, 3}, // kept
		{hooks.Fresh, `[]`, nil, 0, 4},
		{-time.Hour, `[{"secret":"one"}]`, nil, 1, 5}, // the clock was set back
	} {
		now, s.value, s.err = now.Add(step.after), step.value, step.err
		got, err := cached.Registry(t.Context())
		if (err != nil) != (step.want < 0) || err == nil && len(got) != step.want || s.reads != step.read {
			t.Errorf("after %s: %d hooks, error %v, %d reads; want %d and %d", step.after, len(got), err, s.reads, step.want, step.read)
		}
	}
}
