package link

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Plaintexts that only a holder of the keys could seal, and Mint never does.
func TestUnmintableEmailPlaintextIsForged(t *testing.T) {
	handle, err := keyset.NewHandle(daead.AESSIVKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := newEmailKeys(handle)
	if err != nil {
		t.Fatal(err)
	}
	open := func(plain, associated string) (Target, error) {
		sealed, err := keys.aead.EncryptDeterministically([]byte(plain), []byte(associated))
		if err != nil {
			t.Fatal(err)
		}
		return keys.open(base64.RawURLEncoding.EncodeToString(sealed))
	}
	if got, err := open("\x01\x00\x07a@b", "email"); err != nil || got.ScopeID != 7 || got.Contact.Address() != "a@b" {
		t.Fatalf("a good plaintext gave scope %d, %v", got.ScopeID, err)
	}
	tests := map[string]struct{ plain, associated string }{
		"another channel":    {"\x01\x00\x07a@b", "sms"},
		"no channel":         {"\x01\x00\x07a@b", ""},
		"version 0":          {"\x00\x00\x07a@b", "email"},
		"version 2":          {"\x02\x00\x07a@b", "email"},
		"scope 0":            {"\x01\x00\x00a@b", "email"},
		"scope 4096":         {"\x01\x10\x00a@b", "email"},
		"nothing":            {"", "email"},
		"half a scope":       {"\x01\x00", "email"},
		"no address":         {"\x01\x00\x07", "email"},
		"a number":           {"\x01\x00\x07+4791234567", "email"},
		"an address with LF": {"\x01\x00\x07a@b\n", "email"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := open(test.plain, test.associated); !errors.Is(err, ErrForged) || got != (Target{}) {
				t.Errorf("opened to scope %d: %v", got.ScopeID, err)
			}
		})
	}
}
