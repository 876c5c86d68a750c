package keyring_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/keyring"
	"stille/shared/clocktest"
	"stille/shared/contact"
)

func TestContactKeysAreReadAgainEveryFiveMinutes(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	for _, step := range []struct {
		name    string
		after   time.Duration
		fetches int
	}{
		{"at first", 0, 1},
		{"just before five minutes are over", 5*time.Minute - 1, 1},
		{"after five minutes", 5 * time.Minute, 2},
		{"the next five minutes start there", 10*time.Minute - 1, 2},
		{"after them", 10 * time.Minute, 3},
		{"with the clock set back, nobody knows how old the set is", time.Minute, 4},
		{"days later", 50 * time.Hour, 5},
	} {
		at.now = midnight.Add(step.after)
		if _, err := ring.Contact(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if n := secrets.count(stack.ContactKeys()); n != step.fetches {
			t.Errorf("%s: %d fetches so far, want %d", step.name, n, step.fetches)
		}
	}
}

func TestUnreadableContactKeysServeTenMinutesAtMost(t *testing.T) {
	own := canariesOf(t, mustMake(t, keyring.NewContactSecret))
	for name, test := range map[string]struct {
		fail func(*fakeSecrets, *fakeCanaries)
		want error
	}{
		"the secret is down":         {func(s *fakeSecrets, _ *fakeCanaries) { s.err = errDown }, errDown},
		"the canaries are down":      {func(_ *fakeSecrets, c *fakeCanaries) { c.err = errDown }, errDown},
		"the canaries are foreign":   {func(_ *fakeSecrets, c *fakeCanaries) { c.planted = own }, contact.ErrForeignKeys},
		"the secret is no key set":   {func(s *fakeSecrets, _ *fakeCanaries) { s.values[stack.ContactKeys()] = "x" }, keyring.ErrUnreadable},
		"the canaries have all gone": {func(_ *fakeSecrets, c *fakeCanaries) { c.planted = nil }, contact.ErrForeignKeys},
	} {
		t.Run(name, func(t *testing.T) {
			ring, secrets, canaries, at := clocked(t)
			first, err := ring.Contact(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			good, planted := secrets.values[stack.ContactKeys()], canaries.planted
			test.fail(secrets, canaries)
			for _, after := range []time.Duration{5 * time.Minute, 7 * time.Minute, 10*time.Minute - 1} {
				at.now = midnight.Add(after)
				if set, err := ring.Contact(t.Context()); err != nil || set != first {
					t.Errorf("after %v: %v, want the old set", after, err)
				}
			}
			for _, after := range []time.Duration{10 * time.Minute, time.Hour} {
				at.now = midnight.Add(after)
				if set, err := ring.Contact(t.Context()); !errors.Is(err, test.want) || set != nil {
					t.Errorf("after %v: %v, want %v", after, err, test.want)
				}
			}
			secrets.set(stack.ContactKeys(), good, nil)
			canaries.set(planted, nil)
			if _, err := ring.Contact(t.Context()); err != nil {
				t.Errorf("when all is well again: %v", err)
			}
		})
	}
}

func TestAFailedReadingIsRetriedAfterAMinute(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	if _, err := ring.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	secrets.set(stack.ContactKeys(), secrets.values[stack.ContactKeys()], errDown)
	for _, step := range []struct {
		after   time.Duration
		fetches int
	}{
		{5 * time.Minute, 2}, {5*time.Minute + time.Second, 2}, {6*time.Minute - 1, 2}, {6 * time.Minute, 3},
		{10 * time.Minute, 4}, {10 * time.Minute, 5}, // without usable keys every caller tries
	} {
		at.now = midnight.Add(step.after)
		_, _ = ring.Contact(t.Context())
		if n := secrets.count(stack.ContactKeys()); n != step.fetches {
			t.Errorf("after %v: %d fetches, want %d", step.after, n, step.fetches)
		}
	}
}

func TestNewLinkKeyIsUsedWithinFiveMinutes(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	old, err := ring.Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	links, err := keyring.OpenLinks(secrets.values[stack.LinkKeys()], midnight)
	if err != nil {
		t.Fatal(err)
	}
	next, _, _, err := links.Rotate(midnight)
	if err != nil {
		t.Fatal(err)
	}
	secrets.set(stack.LinkKeys(), mustMake(t, next.Secret), nil)
	at.now = midnight.Add(5 * time.Minute)
	fresh, err := ring.Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if mustMint(t, fresh) == mustMint(t, old) {
		t.Error("links are still made with the old key")
	}
}

func TestUnreadableLinkKeysServeOn(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	first, err := ring.Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secrets.set(stack.LinkKeys(), "", errDown)
	for _, after := range []time.Duration{5 * time.Minute, time.Hour, 30 * 24 * time.Hour} {
		at.now = midnight.Add(after)
		if set, err := ring.Link(t.Context()); err != nil || set != first {
			t.Errorf("after %v: %v, want the old set: links open for ever", after, err)
		}
	}
}

// frozenSecrets answers only when the caller gives up, once it is frozen, and
// keeps whether the caller had its own patience.
type frozenSecrets struct {
	*fakeSecrets
	frozen  bool
	bounded []bool
}

func (f *frozenSecrets) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, o ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if f.frozen {
		_, bounded := ctx.Deadline()
		f.bounded = append(f.bounded, bounded)
		return nil, context.DeadlineExceeded
	}
	return f.fakeSecrets.GetSecretValue(ctx, in, o...)
}

func TestUsableKeysAreReturnedWithinSeconds(t *testing.T) {
	_, secrets, canaries, at := clocked(t)
	frozen := &frozenSecrets{fakeSecrets: secrets}
	ring := keyring.NewRing(frozen, stack, canaries, at.time)
	if _, err := ring.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	frozen.frozen, at.now = true, midnight.Add(5*time.Minute)
	if _, err := ring.Contact(t.Context()); err != nil {
		t.Errorf("while the secrets hang: %v", err)
	}
	at.now = midnight.Add(10 * time.Minute)
	if _, err := ring.Contact(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without usable keys: %v, want what the secrets answered", err)
	}
	if diff := cmp.Diff([]bool{true, false}, frozen.bounded); diff != "" {
		t.Errorf("waited with a bound, and as long as the caller would (-want +got):\n%s", diff)
	}
}

// The monotonic clock of a container stands still while Lambda has frozen it.
func TestContactKeysAreReadAgainAfterAFreeze(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	at.now = time.Now()
	for _, fetches := range []int{1, 2} {
		if _, err := ring.Contact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := secrets.count(stack.ContactKeys()); n != fetches {
			t.Errorf("%d fetches so far, want %d", n, fetches)
		}
		at.now = clocktest.Thawed(t, at.now, time.Hour)
	}
}
