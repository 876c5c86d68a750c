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
	for _, after := range []time.Duration{0, keyring.Fresh, 24 * time.Hour} {
		at.now = midnight.Add(after)
		got, err := ring.Unproven(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if mustKey(t, got) != mustKey(t, want) || secrets.count(stack.ContactKeys()) != 1 {
			t.Errorf("after %v: another set, or %d fetches so far", after, secrets.count(stack.ContactKeys()))
		}
	}
}

// Keys that were read to answer from the table serve the queue an hour after
// Secrets Manager went away.
func TestTheLastSetServesTheQueueForEver(t *testing.T) {
	ring, secrets, canaries, at := clocked(t)
	set, err := ring.Contact(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secrets.set(stack.ContactKeys(), secrets.values[stack.ContactKeys()], errDown)
	at.now = midnight.Add(time.Hour)
	if _, err := ring.Contact(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("after an hour the table may be read: %v", err)
	}
	if got, err := ring.Unproven(t.Context()); err != nil || mustKey(t, got) != mustKey(t, set) {
		t.Errorf("error %v, or another set", err)
	}
	secrets.set(stack.ContactKeys(), mustMake(t, keyring.NewContactSecret), nil)
	canaries.set(map[string]string{"00000001": "foreign"}, nil)
	if _, err := ring.Contact(t.Context()); !errors.Is(err, contact.ErrForeignKeys) {
		t.Errorf("error %v, want ErrForeignKeys", err)
	}
	if got, err := ring.Unproven(t.Context()); err != nil || mustKey(t, got) == mustKey(t, set) {
		t.Errorf("error %v, or not the set that was read last", err)
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
	key, err := set.Key(contactOf(t))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
