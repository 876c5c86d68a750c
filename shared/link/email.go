package link

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/daead/aessiv"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"stille/shared/contact"
)

// An e-mail token is base64url, unpadded, of Tink's prefix (0x01, key id) and
// AES-SIV (16 octets more than the plaintext) over
//
//	version (1) | scope id (2, big endian) | address
//
// with the channel as associated data.
const (
	emailVersion = 1
	tinkStart    = 1
	tinkPrefix   = 1 + 4
	sivTag       = 16
	emailHead    = 1 + 2
	maxToken     = 400 // an address of 254 octets gives 371 characters
)

type emailKeys struct {
	aead tink.DeterministicAEAD
	live map[uint32]bool
}

func newEmailKeys(handle *keyset.Handle) (*emailKeys, error) {
	live := make(map[uint32]bool)
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, err
		}
		if entry.KeyStatus() != keyset.Enabled {
			continue
		}
		// Only a prefixed key tells an unknown key from a forgery.
		if !isPrefixedAESSIV(entry) {
			return nil, fmt.Errorf("key %08x is not AES-SIV with Tink's prefix", entry.KeyID())
		}
		live[entry.KeyID()] = true
	}
	aead, err := daead.New(handle)
	if err != nil {
		return nil, err
	}
	return &emailKeys{aead: aead, live: live}, nil
}

func isPrefixedAESSIV(entry *keyset.Entry) bool {
	key, ok := entry.Key().(*aessiv.Key)
	if !ok {
		return false
	}
	parameters, ok := key.Parameters().(*aessiv.Parameters)
	return ok && parameters.Variant() == aessiv.VariantTink
}

func (k *emailKeys) mint(t Target) (string, error) {
	plain := binary.BigEndian.AppendUint16([]byte{emailVersion}, t.ScopeID)
	plain = append(plain, t.Contact.Address()...)
	sealed, err := k.aead.EncryptDeterministically(plain, []byte(contact.Email))
	if err != nil {
		return "", errors.New("minting an e-mail link: the key does not seal")
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// decodeEmail needs no key. It returns the octets of a token that some key could open.
func decodeEmail(token string) (sealed []byte, ok bool) {
	// Go's decoder skips line breaks even when strict.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	return sealed, err == nil && len(sealed) > tinkPrefix+sivTag+emailHead && sealed[0] == tinkStart
}

func (k *emailKeys) open(token string) (Target, error) {
	sealed, ok := decodeEmail(token)
	if !ok {
		return Target{}, ErrForged
	}
	if !k.live[binary.BigEndian.Uint32(sealed[1:tinkPrefix])] {
		return Target{}, ErrUnknownKey
	}
	plain, err := k.aead.DecryptDeterministically(sealed, []byte(contact.Email))
	if err != nil || len(plain) < emailHead || plain[0] != emailVersion {
		return Target{}, ErrForged
	}
	c, err := contact.FromNormalised(contact.Email, string(plain[emailHead:]))
	id := binary.BigEndian.Uint16(plain[1:emailHead])
	if err != nil || !validScope(id) {
		return Target{}, ErrForged
	}
	return Target{ScopeID: id, Contact: c}, nil
}
