package keyring_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/names"
)

const stack names.Stack = "unit"

var errDown = errors.New("the secrets are down")

// fakeSecrets serves values by secret name and counts how often.
type fakeSecrets struct {
	mu      sync.Mutex
	values  map[string]string
	err     error
	fetches map[string]int
}

func (f *fakeSecrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fetches[*in.SecretId]++
	if f.err != nil {
		return nil, f.err
	}
	value := f.values[*in.SecretId]
	return &secretsmanager.GetSecretValueOutput{SecretString: &value}, nil
}

func (f *fakeSecrets) set(name, value string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.values[name], f.err = value, err
}

func (f *fakeSecrets) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fetches[name]
}

// fakeCanaries is the canaries of a table.
type fakeCanaries struct {
	mu      sync.Mutex
	planted map[string]string
	err     error
}

func (f *fakeCanaries) Canaries(context.Context) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.planted), f.err
}

func (f *fakeCanaries) set(planted map[string]string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planted, f.err = planted, err
}

func mustMake(t *testing.T, secret func() (string, error)) string {
	t.Helper()
	s, err := secret()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func canariesOf(t *testing.T, secret string) map[string]string {
	t.Helper()
	set, err := keyring.ParseContact(secret)
	if err != nil {
		t.Fatal(err)
	}
	canaries, err := set.Canaries()
	if err != nil {
		t.Fatal(err)
	}
	return canaries
}

// midnight is when every test's ring begins.
var midnight = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// clock is a time that tests move on.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

// fixture is a ring over a stack as the first deploy leaves it.
func fixture(t *testing.T) (*keyring.Ring, *fakeSecrets, *fakeCanaries) {
	t.Helper()
	ring, secrets, canaries, _ := clocked(t)
	return ring, secrets, canaries
}

// clocked is fixture, with the ring's clock.
func clocked(t *testing.T) (*keyring.Ring, *fakeSecrets, *fakeCanaries, *clock) {
	t.Helper()
	contacts := mustMake(t, keyring.NewContactSecret)
	secrets := &fakeSecrets{
		values: map[string]string{
			stack.ContactKeys(): contacts,
			stack.LinkKeys():    mustMake(t, keyring.NewLinkSecret),
			stack.ProofKeys():   mustMake(t, keyring.NewProofSecret),
		},
		fetches: make(map[string]int),
	}
	canaries := &fakeCanaries{planted: canariesOf(t, contacts)}
	at := &clock{midnight}
	return keyring.NewRing(secrets, stack, canaries, at.time), secrets, canaries, at
}

func contactOf(t *testing.T) contact.Contact {
	t.Helper()
	c, err := contact.Normalise(contact.Email, "kari@example.no", "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEverySecretIsReadOnce(t *testing.T) {
	ring, secrets, _ := fixture(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, contactErr := ring.Contact(t.Context())
			_, linkErr := ring.Link(t.Context())
			_, proofErr := ring.Proof(t.Context())
			if err := errors.Join(contactErr, linkErr, proofErr); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := map[string]int{stack.ContactKeys(): 1, stack.LinkKeys(): 1, stack.ProofKeys(): 1}
	if diff := cmp.Diff(want, secrets.fetches); diff != "" {
		t.Errorf("fetches (-want +got):\n%s", diff)
	}
}

func TestContactKeysServeOnlyTheirOwnTable(t *testing.T) {
	ring, _, canaries := fixture(t)
	own := canaries.planted
	foreign := canariesOf(t, mustMake(t, keyring.NewContactSecret))
	both := maps.Clone(own)
	maps.Copy(both, foreign)
	for name, planted := range map[string]map[string]string{
		"no canaries":               nil,
		"another set's canary":      foreign,
		"its own and another set's": both,
	} {
		canaries.set(planted, nil)
		set, err := ring.Contact(t.Context())
		if !errors.Is(err, contact.ErrForeignKeys) || set != nil {
			t.Errorf("%s: error %v, want ErrForeignKeys", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), stack.ContactKeys()) {
			t.Errorf("%s: error %q does not name the secret", name, err)
		}
	}
	canaries.set(own, nil)
	if _, err := ring.Contact(t.Context()); err != nil {
		t.Errorf("after the canaries came back: %v", err)
	}
}

func TestAnErrorIsNotRemembered(t *testing.T) {
	ring, secrets, canaries := fixture(t)
	load := map[string]func() error{
		"contact": func() error { _, err := ring.Contact(t.Context()); return err },
		"link":    func() error { _, err := ring.Link(t.Context()); return err },
		"proof":   func() error { _, err := ring.Proof(t.Context()); return err },
	}
	secrets.err = errDown
	for name, get := range load {
		if err := get(); !errors.Is(err, errDown) || !strings.Contains(err.Error(), string(stack)+"/"+name+"-keys") {
			t.Errorf("%s: error %v, want errDown with the secret's name", name, err)
		}
	}
	secrets.err = nil
	canaries.set(canaries.planted, errDown)
	if err := load["contact"](); !errors.Is(err, errDown) {
		t.Errorf("unreadable canaries: %v, want errDown", err)
	}
	canaries.set(canaries.planted, nil)
	for name, get := range load {
		if err := get(); err != nil {
			t.Errorf("%s: %v after everything came back", name, err)
		}
	}
}

// Anybody can invent a token of an unknown key, and the next token may be of a key
// that was added meanwhile.
func TestUnknownKeysAreLookedForAfterEveryArrival(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	if _, err := ring.Link(t.Context()); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name    string
		now     time.Duration
		earlier time.Duration // how long before now the token arrived
		fetches int
		newer   bool // the secret has changed
	}{
		{"keys that were read after the arrival decide", 0, time.Millisecond, 1, false},
		{"a later arrival needs a reading", 100 * time.Millisecond, 0, 2, false},
		{"so does one a moment after a rotation", 101 * time.Millisecond, 0, 3, true},
		{"two arrivals of one instant need one", 101 * time.Millisecond, 0, 3, false},
	}
	for _, step := range steps {
		at.now = midnight.Add(step.now)
		if step.newer {
			secrets.set(stack.LinkKeys(), mustMake(t, keyring.NewLinkSecret), nil)
		}
		before, err := ring.Link(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		known := secrets.count(stack.LinkKeys())
		got, err := ring.RefreshLink(t.Context(), at.now.Add(-step.earlier))
		fetches := secrets.count(stack.LinkKeys())
		if err != nil || fetches != step.fetches || (got != before) != (fetches > known) {
			t.Errorf("%s: %d fetches so far, want %d; error %v", step.name, fetches, step.fetches, err)
		}
		if kept, err := ring.Link(t.Context()); err != nil || kept != got {
			t.Errorf("%s: Link returns other keys, error %v", step.name, err)
		}
	}
}

// A flood of invented tokens costs a reading a second, and refuses nothing.
func TestAFloodOfUnknownKeysIsCheap(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	if _, err := ring.Link(t.Context()); err != nil {
		t.Fatal(err)
	}
	undecided := 0
	for n := range 60_000 { // a thousand a second, for a minute
		at.now = midnight.Add(time.Duration(n+1) * time.Millisecond)
		if _, err := ring.RefreshLink(t.Context(), at.now); errors.Is(err, keyring.ErrUndecided) {
			undecided++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := secrets.count(stack.LinkKeys()); n > 1+20+60 || undecided != 60_000-(n-1) {
		t.Errorf("%d fetches, %d undecided", n, undecided)
	}
	for name, after := range map[string]time.Duration{"a second after the flood": time.Second, "a clock set back": -time.Hour} {
		at.now = midnight.Add(time.Minute + after)
		if _, err := ring.Link(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.now = at.now.Add(time.Millisecond)
		if _, err := ring.RefreshLink(t.Context(), at.now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARefreshOpensANewerKeysLink(t *testing.T) {
	ring, secrets, _ := fixture(t)
	old, err := ring.Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	newer := mustMake(t, keyring.NewLinkSecret)
	set, err := keyring.ParseLink(newer)
	if err != nil {
		t.Fatal(err)
	}
	token, err := set.Mint(link.Target{ScopeID: 1, Contact: contactOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Open(contact.Email, token); !errors.Is(err, link.ErrUnknownKey) {
		t.Fatalf("before the refresh: %v, want ErrUnknownKey", err)
	}
	secrets.set(stack.LinkKeys(), newer, nil)
	fresh, err := ring.RefreshLink(t.Context(), midnight.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fresh.Open(contact.Email, token); err != nil || got.Contact != contactOf(t) {
		t.Errorf("after the refresh: %v", err)
	}
}

func TestAFailedRefreshIsRememberedForSeconds(t *testing.T) {
	ring, secrets, _, at := clocked(t)
	old, err := ring.Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := secrets.values[stack.LinkKeys()]
	secrets.set(stack.LinkKeys(), good, errDown)
	for range 3 {
		at.now = at.now.Add(3 * time.Second)
		if got, err := ring.RefreshLink(t.Context(), at.now); !errors.Is(err, errDown) || got != nil {
			t.Errorf("error = %v, want errDown: nobody could look", err)
		}
	}
	if n := secrets.count(stack.LinkKeys()); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
	if kept, err := ring.Link(t.Context()); err != nil || kept != old {
		t.Errorf("known keys stopped opening links: %v", err)
	}
	secrets.set(stack.LinkKeys(), good, nil)
	at.now = at.now.Add(4 * time.Second)
	if _, err := ring.RefreshLink(t.Context(), at.now); err != nil {
		t.Errorf("ten seconds after the failure: %v", err)
	}
}

func TestARefreshIsAlsoAFirstRead(t *testing.T) {
	ring, secrets, _ := fixture(t)
	got, err := ring.RefreshLink(t.Context(), midnight)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := ring.Link(t.Context()); err != nil || kept != got || secrets.count(stack.LinkKeys()) != 1 {
		t.Errorf("Link fetched again, error %v", err)
	}
}
