package keyring_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
)

func mustMint(t *testing.T, set *link.Keys) string {
	t.Helper()
	token, err := set.Mint(link.Target{ScopeID: 1, Contact: contactOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func mustOpen(t *testing.T, secret string, stored time.Time) keyring.Contacts {
	t.Helper()
	c, err := keyring.OpenContacts(secret, stored)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustOpenLinks(t *testing.T, secret string, stored time.Time) keyring.Links {
	t.Helper()
	l, err := keyring.OpenLinks(secret, stored)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// told is what is known of each key, with ids left out.
func told(all []keyring.Key) []string {
	var lines []string
	for _, key := range all {
		line := key.Created.Format("01-02 15:04")
		switch {
		case key.Primary:
			line += " primary since " + key.PrimarySince.Format("01-02 15:04")
		case key.Pending:
			line += " pending"
		}
		lines = append(lines, line)
	}
	return lines
}

func refused(err error) bool {
	var refusal keyring.Refusal
	return errors.As(err, &refusal)
}

func TestAContactKeyIsAddedThenPromoted(t *testing.T) {
	first := mustMake(t, keyring.NewContactSecret)
	c := mustOpen(t, first, midnight)
	if diff := cmp.Diff([]string{"11-22 00:00 primary since 11-22 00:00"}, told(c.Keys())); diff != "" {
		t.Errorf("as it was stored first (-want +got):\n%s", diff)
	}

	added := midnight.Add(time.Hour)
	c, fresh, err := c.Add(added)
	if err != nil {
		t.Fatal(err)
	}
	c = mustOpen(t, mustMake(t, c.Secret), added)
	if diff := cmp.Diff([]string{"11-22 00:00 primary since 11-22 00:00", "11-22 01:00 pending"}, told(c.Keys())); diff != "" {
		t.Errorf("after it was added (-want +got):\n%s", diff)
	}
	if pending, ok := c.Pending(); !ok || pending.ID != fresh.ID {
		t.Errorf("it does not wait: %v", pending)
	}
	if _, _, err := c.Add(added.Add(time.Hour)); !refused(err) {
		t.Errorf("one more while it waits: %v, want a refusal", err)
	}
	if _, err := c.Remove(fresh.ID, added.Add(1000*time.Hour)); !refused(err) {
		t.Errorf("removing it while it waits: %v, want a refusal", err)
	}

	if _, _, err := c.Promote(added.Add(keyring.Settled - 1)); !refused(err) || !strings.Contains(err.Error(), "2026-11-22T01:20:00Z") {
		t.Errorf("promoted too early: %v, want a refusal that says when", err)
	}
	promoted := added.Add(keyring.Settled)
	c, got, err := c.Promote(promoted)
	if err != nil || got.ID != fresh.ID || !got.Primary {
		t.Fatalf("promoted %v: %v", got, err)
	}
	c = mustOpen(t, mustMake(t, c.Secret), promoted)
	if diff := cmp.Diff([]string{"11-22 00:00", "11-22 01:00 primary since 11-22 01:20"}, told(c.Keys())); diff != "" {
		t.Errorf("after it was promoted (-want +got):\n%s", diff)
	}

	old := c.Keys()[0].ID
	for name, err := range map[string]error{
		"the primary key":             theError(c.Remove(got.ID, promoted.Add(1000*time.Hour))),
		"an unknown key":              theError(c.Remove("00000000", promoted.Add(1000*time.Hour))),
		"the old one, a moment early": theError(c.Remove(old, promoted.Add(keyring.Drained-1))),
	} {
		if !refused(err) {
			t.Errorf("removing %s: %v, want a refusal", name, err)
		}
	}
	c, err = c.Remove(old, promoted.Add(keyring.Drained))
	if err != nil {
		t.Fatal(err)
	}
	c = mustOpen(t, mustMake(t, c.Secret), promoted.Add(keyring.Drained))
	if diff := cmp.Diff([]string{"11-22 01:00 primary since 11-22 01:20"}, told(c.Keys())); diff != "" {
		t.Errorf("after the old one was removed (-want +got):\n%s", diff)
	}
}

func theError[T any](_ T, err error) error { return err }

func TestSetStoredByHandRestartsTheSettledTime(t *testing.T) {
	c, _, err := mustOpen(t, mustMake(t, keyring.NewContactSecret), midnight).Add(midnight)
	if err != nil {
		t.Fatal(err)
	}
	byHand := midnight.Add(time.Hour)
	c = mustOpen(t, mustMake(t, c.Secret), byHand)
	if _, _, err := c.Promote(byHand.Add(keyring.Settled - 1)); !refused(err) {
		t.Errorf("error %v, want a refusal", err)
	}
	if _, _, err := c.Promote(byHand.Add(keyring.Settled)); err != nil {
		t.Error(err)
	}
}

func TestNoMoreContactKeysThanEveryLookupTries(t *testing.T) {
	c, now := mustOpen(t, mustMake(t, keyring.NewContactSecret), midnight), midnight
	for range contact.MaxLiveKeys - 1 {
		now = now.Add(time.Hour)
		var err error
		if c, _, err = c.Add(now); err != nil {
			t.Fatal(err)
		}
		if c, _, err = c.Promote(now.Add(keyring.Settled)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.Add(now.Add(time.Hour)); !refused(err) || !strings.Contains(err.Error(), "stille keys destroy contact") {
		t.Errorf("error %v, want a refusal that says what to do", err)
	}
}

// As they were stored before anything knew of times, and after a change by hand.
func TestAnUnchangedContactSecretIsAKeySet(t *testing.T) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(mustMake(t, keyring.NewContactSecret))))
	if err != nil {
		t.Fatal(err)
	}
	m := keyset.NewManagerFromHandle(handle)
	id, err := m.Add(prf.HMACSHA256PRFKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		t.Fatal(err)
	}
	if handle, err = m.Handle(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, b.String(), midnight)
	if diff := cmp.Diff([]string{"11-22 00:00", "11-22 00:00 primary since 11-22 00:00"}, told(c.Keys())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	before, after := canariesOf(t, b.String()), canariesOf(t, mustMake(t, c.Secret))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error("stored with times, the keys are others")
	}
}

func TestLinkKeysAreRotatedAndOldLinksOpen(t *testing.T) {
	secret, now := mustMake(t, keyring.NewLinkSecret), midnight
	number, err := contact.Normalise(contact.SMS, "+4791234567", "")
	if err != nil {
		t.Fatal(err)
	}
	targets := []link.Target{{ScopeID: 3, Contact: contactOf(t)}, {ScopeID: 3, Contact: number}}
	var old []string
	for year := range 4 {
		set, err := keyring.ParseLink(secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range targets {
			token, err := set.Mint(target)
			if err != nil {
				t.Fatal(err)
			}
			old = append(old, token)
		}
		for i, token := range old {
			want := targets[i%2]
			if got, err := set.Open(want.Contact.Channel(), token); err != nil || got != want {
				t.Errorf("year %d: link %d does not open: %v", year, i, err)
			}
		}
		now = now.Add(365 * 24 * time.Hour)
		next, email, sms, err := mustOpenLinks(t, secret, midnight).Rotate(now)
		if err != nil {
			t.Fatal(err)
		}
		if want := string("0123456789"[year+1]); sms.Letter != want || !sms.Primary || !email.Primary || !email.Created.Equal(now) {
			t.Errorf("year %d: new keys %+v and %+v, want the letter %s", year, email, sms, want)
		}
		secret = mustMake(t, next.Secret)
	}
	for i := range old {
		if old[i] == old[max(0, i-2)] && i > 1 {
			t.Errorf("link %d was made with the key of the year before", i)
		}
	}
}

func TestARotationThatComesTwiceCountsOnce(t *testing.T) {
	l, _, _, err := mustOpenLinks(t, mustMake(t, keyring.NewLinkSecret), midnight).Rotate(midnight.Add(time.Minute))
	if err != nil {
		t.Fatalf("the first rotation, of a new stack: %v", err)
	}
	rotated := midnight.Add(time.Minute)
	for _, after := range []time.Duration{0, time.Second, 24*time.Hour - 1} {
		if _, _, _, err := l.Rotate(rotated.Add(after)); !refused(err) {
			t.Errorf("after %v: %v, want a refusal", after, err)
		}
	}
	if _, _, _, err := l.Rotate(rotated.Add(24 * time.Hour)); err != nil {
		t.Error(err)
	}
}

func TestLinkKeysStopAtTheLastLetter(t *testing.T) {
	l, now := mustOpenLinks(t, mustMake(t, keyring.NewLinkSecret), midnight), midnight
	for len(l.SMS()) < link.MaxSMSKeys {
		now = now.Add(48 * time.Hour)
		var err error
		if l, _, _, err = l.Rotate(now); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.SMS()[61].Letter; got != "z" {
		t.Errorf("the last letter is %q", got)
	}
	if _, err := keyring.ParseLink(mustMake(t, l.Secret)); err != nil {
		t.Errorf("a full set does not work: %v", err)
	}
	if _, _, _, err := l.Rotate(now.Add(48 * time.Hour)); !refused(err) {
		t.Errorf("error %v, want a refusal", err)
	}
}

func TestBothReadersReadTheSameLinkSecret(t *testing.T) {
	l, _, _, err := mustOpenLinks(t, mustMake(t, keyring.NewLinkSecret), midnight).Rotate(midnight)
	if err != nil {
		t.Fatal(err)
	}
	// A container of an older edition knows these two fields only.
	var older struct{ Email, SMS json.RawMessage }
	if err := json.Unmarshal([]byte(mustMake(t, l.Secret)), &older); err != nil {
		t.Fatal(err)
	}
	stripped, err := json.Marshal(older)
	if err != nil {
		t.Fatal(err)
	}
	was, err := keyring.ParseLink(string(stripped))
	if err != nil {
		t.Fatal(err)
	}
	is, err := keyring.ParseLink(mustMake(t, l.Secret))
	if err != nil {
		t.Fatal(err)
	}
	if mustMint(t, was) != mustMint(t, is) {
		t.Error("they make other links")
	}
}
