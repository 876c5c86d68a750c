package contact_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/prf/hmacprf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"pgregory.net/rapid"

	"stille/shared/contact"
)

// grow adds a key of the template to the set and makes it the primary.
func grow(t testing.TB, m *keyset.Manager, template *tinkpb.KeyTemplate) uint32 {
	t.Helper()
	id, err := m.Add(template)
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func mustHandle(t testing.TB, m *keyset.Manager) *keyset.Handle {
	t.Helper()
	handle, err := m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

func mustKeySet(t testing.TB, m *keyset.Manager) *contact.KeySet {
	t.Helper()
	set, err := contact.NewKeySet(mustHandle(t, m))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestKeyIsTheHMACOfChannelAndAddress(t *testing.T) {
	m := keyset.NewManager()
	id := grow(t, m, prf.HMACSHA256PRFKeyTemplate())
	entry, err := mustHandle(t, m).Primary()
	if err != nil {
		t.Fatal(err)
	}
	secret := entry.Key().(*hmacprf.Key).KeyBytes().Data(insecuresecretdataaccess.Token{})
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("email\x00kari@example.no"))
	want := base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(mac.Sum(nil), id))

	key, err := mustKeySet(t, m).Key(mustNormalise(t, contact.Email, "Kari@example.no"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(key)); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	if len(key) != 48 || key.KeyID() != id || key.Short() != want[:8] {
		t.Errorf("length %d, key id %x, short %s; want 48, %x, %s", len(key), key.KeyID(), key.Short(), id, want[:8])
	}
	if parsed, err := contact.ParseKey(string(key)); err != nil || parsed != key {
		t.Errorf("ParseKey gave %q, %v", parsed, err)
	}
}

func TestChannelsHaveDifferentKeys(t *testing.T) {
	m := keyset.NewManager()
	grow(t, m, prf.HMACSHA256PRFKeyTemplate())
	set := mustKeySet(t, m)
	seen := make(map[contact.Key]bool)
	for _, c := range []contact.Contact{
		mustNormalise(t, contact.Email, "kari@example.no"),
		mustNormalise(t, contact.Email, "ola@example.no"),
		mustNormalise(t, contact.SMS, "+4791234567"),
		mustNormalise(t, contact.Email, "+4791234567@example.no"),
	} {
		key, err := set.Key(c)
		if err != nil || seen[key] {
			t.Errorf("%v: key %q seen before, or error %v", c, key, err)
		}
		seen[key] = true
	}
}

func TestEveryLiveKeyIsTriedNewestFirst(t *testing.T) {
	m := keyset.NewManager()
	var ids []uint32
	c := mustNormalise(t, contact.Email, "kari@example.no")
	var written []contact.Key
	for range contact.MaxLiveKeys {
		ids = append(ids, grow(t, m, prf.HMACSHA256PRFKeyTemplate()))
		key, err := mustKeySet(t, m).Key(c)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, key)
	}
	keys, err := mustKeySet(t, m).Keys(c)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(written)
	if diff := cmp.Diff(written, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}

	if err := m.SetPrimary(ids[1]); err != nil {
		t.Fatal(err)
	}
	keys, err = mustKeySet(t, m).Keys(c)
	if err != nil {
		t.Fatal(err)
	}
	got := []uint32{keys[0].KeyID(), keys[1].KeyID(), keys[2].KeyID()}
	if diff := cmp.Diff([]uint32{ids[1], ids[2], ids[0]}, got); diff != "" {
		t.Errorf("ids with the second as primary (-want +got):\n%s", diff)
	}

	if err := m.Disable(ids[0]); err != nil {
		t.Fatal(err)
	}
	keys, err = mustKeySet(t, m).Keys(c)
	if err != nil || len(keys) != 2 {
		t.Errorf("%d keys with one disabled, error %v, want 2", len(keys), err)
	}
	slices.Reverse(written)
	for i, key := range written {
		if live := mustKeySet(t, m).Live(key); live != (i > 0) {
			t.Errorf("key %d is live: %v, while only the first is disabled", i, live)
		}
	}
}

func TestWrongKeySetsAreRefused(t *testing.T) {
	tests := map[string]struct {
		templates []*tinkpb.KeyTemplate
		why       string
	}{
		"four live keys":               {slices.Repeat([]*tinkpb.KeyTemplate{prf.HMACSHA256PRFKeyTemplate()}, 4), "4 live keys"},
		"an HMAC over SHA-512":         {[]*tinkpb.KeyTemplate{prf.HMACSHA512PRFKeyTemplate()}, "not HMAC-SHA-256"},
		"an older key of another kind": {[]*tinkpb.KeyTemplate{prf.HKDFSHA256PRFKeyTemplate(), prf.HMACSHA256PRFKeyTemplate()}, "not HMAC-SHA-256"},
		"a CMAC":                       {[]*tinkpb.KeyTemplate{prf.AESCMACPRFKeyTemplate()}, "not HMAC-SHA-256"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := keyset.NewManager()
			for _, template := range test.templates {
				grow(t, m, template)
			}
			if _, err := contact.NewKeySet(mustHandle(t, m)); err == nil || !strings.Contains(err.Error(), test.why) {
				t.Errorf("error = %v, want it to say %q", err, test.why)
			}
		})
	}
	if _, err := contact.NewKeySet(nil); err == nil {
		t.Error("no handle was accepted")
	}
}

func TestZeroContactHasNoKey(t *testing.T) {
	m := keyset.NewManager()
	grow(t, m, prf.HMACSHA256PRFKeyTemplate())
	set := mustKeySet(t, m)
	if key, err := set.Key(contact.Contact{}); !errors.Is(err, contact.ErrInvalid) || key != "" {
		t.Errorf("Key = %q, %v, want ErrInvalid", key, err)
	}
	if keys, err := set.Keys(contact.Contact{}); !errors.Is(err, contact.ErrInvalid) || keys != nil {
		t.Errorf("Keys = %q, %v, want ErrInvalid", keys, err)
	}
}

func TestCanariesTellTheirKeySetFromOthers(t *testing.T) {
	m, other := keyset.NewManager(), keyset.NewManager()
	first := grow(t, m, prf.HMACSHA256PRFKeyTemplate())
	grow(t, other, prf.HMACSHA256PRFKeyTemplate())
	planted, err := mustKeySet(t, m).Canaries()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := mustKeySet(t, other).Canaries()
	if err != nil {
		t.Fatal(err)
	}
	grow(t, m, prf.HMACSHA256PRFKeyTemplate())
	grown := mustKeySet(t, m)
	grownCanaries, err := grown.Canaries()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Disable(first); err != nil {
		t.Fatal(err)
	}
	shrunk := mustKeySet(t, m)

	both := maps.Clone(planted)
	maps.Copy(both, foreign)
	bent := maps.Clone(planted)
	for id, mac := range bent {
		bent[id] = strings.ToUpper(mac)
	}
	tests := map[string]struct {
		set      *contact.KeySet
		canaries map[string]string
		want     error
	}{
		"its own canaries":                      {grown, grownCanaries, nil},
		"canaries from before a key was added":  {grown, planted, nil},
		"no canaries":                           {grown, map[string]string{}, contact.ErrForeignKeys},
		"no canaries at all":                    {grown, nil, contact.ErrForeignKeys},
		"another set's canaries":                {grown, foreign, contact.ErrForeignKeys},
		"its own and another's":                 {grown, both, contact.ErrForeignKeys},
		"an altered canary":                     {grown, bent, contact.ErrForeignKeys},
		"an empty canary under an unknown key":  {grown, map[string]string{"00000000": ""}, contact.ErrForeignKeys},
		"the canary of a key that was disabled": {shrunk, planted, contact.ErrForeignKeys},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := test.set.Reproduces(test.canaries); !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
	for id := range planted {
		if id != fmt.Sprintf("%08x", first) {
			t.Errorf("canary under %s, want the key's id %08x", id, first)
		}
	}
}

func TestOnlyKeysParse(t *testing.T) {
	good := strings.Repeat("A", 48)
	if _, err := contact.ParseKey(good); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]string{
		"nothing":            "",
		"one short":          good[1:],
		"one long":           good + "A",
		"padding":            good[:47] + "=",
		"standard base64":    good[:47] + "+",
		"a line break":       good[:47] + "\n",
		"line breaks beside": good + "\n",
		"a space":            good[:47] + " ",
	} {
		t.Run(name, func(t *testing.T) {
			if key, err := contact.ParseKey(s); !errors.Is(err, contact.ErrInvalid) || key != "" {
				t.Errorf("ParseKey = %q, %v, want ErrInvalid", key, err)
			}
		})
	}
	if short, id := contact.Key("abc").Short(), contact.Key("abc").KeyID(); short != "abc" || id != 0 {
		t.Errorf("a value that is no key gave %q and %d", short, id)
	}
}

func TestKeyIsFoundAfterRotation(t *testing.T) {
	m := keyset.NewManager()
	grow(t, m, prf.HMACSHA256PRFKeyTemplate())
	before := mustKeySet(t, m)
	grow(t, m, prf.HMACSHA256PRFKeyTemplate())
	after := mustKeySet(t, m)
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(`[a-z]{1,10}@[a-z]{1,10}\.no`).Draw(t, "address")
		c, err := contact.Normalise(contact.Email, address, "")
		if err != nil {
			t.Fatal(err)
		}
		key, err := before.Key(c)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := after.Keys(c)
		if err != nil || !slices.Contains(keys[1:], key) || keys[0] == key {
			t.Errorf("the older key is not among the others: %v", err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(strings.Repeat("A", 48))
	f.Add(strings.Repeat("_", 47) + "\n")
	f.Fuzz(func(t *testing.T, s string) {
		key, err := contact.ParseKey(s)
		if err != nil {
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(string(key))
		if err != nil || base64.RawURLEncoding.EncodeToString(raw) != s || len(raw) != 36 {
			t.Errorf("%q is not the one way to write a key", s)
		}
	})
}
