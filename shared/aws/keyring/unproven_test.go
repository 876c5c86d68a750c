package keyring_test

import (
	"errors"
	"testing"
	"time"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
)

func TestTheUnprovenKeysNeedNoTable(t *testing.T) {
	ring, secrets, canaries, at := clocked(t)
	canaries.set(nil, errDown)
	if _, err := ring.Contact(t.Context()); !errors.Is(err, errDown) {
		t.Fatalf("the table answered: %v", err)
	}
	want, err := keyring.ParseContact(secrets.values[stack.ContactKeys()])
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after   time.Duration
		fetches int
	}{{0, 1}, {keyring.Fresh - 1, 1}, {keyring.Fresh, 2}} {
		at.now = midnight.Add(step.after)
		got, err := ring.Unproven(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if mustKey(t, got) != mustKey(t, want) || secrets.count(stack.ContactKeys()) != step.fetches {
			t.Errorf("after %v: another set, or %d fetches so far, want %d", step.after, secrets.count(stack.ContactKeys()), step.fetches)
		}
	}
}

func TestAnUnprovenSetProvesNothing(t *testing.T) {
	ring, _, canaries := fixture(t)
	canaries.set(canariesOf(t, mustMake(t, keyring.NewContactSecret)), nil)
	if _, err := ring.Unproven(t.Context()); err != nil {
		t.Fatal(err)
	}
	if set, err := ring.Contact(t.Context()); !errors.Is(err, contact.ErrForeignKeys) || set != nil {
		t.Errorf("error %v, want ErrForeignKeys", err)
	}
}

func TestWithoutTheSecretThereAreNoUnprovenKeys(t *testing.T) {
	ring, secrets, _ := fixture(t)
	secrets.err = errDown
	if set, err := ring.Unproven(t.Context()); !errors.Is(err, errDown) || set != nil {
		t.Errorf("error %v, want errDown", err)
	}
}

func mustKey(t *testing.T, set *contact.KeySet) contact.Key {
	t.Helper()
	key, err := set.Key(someone(t))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
