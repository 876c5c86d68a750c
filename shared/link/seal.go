package link

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"stille/shared/contact"
)

// sealed is the associated data of a sealed contact: no sealed contact is a token,
// and no token is a sealed contact.
const sealed = "sealed contact"

// Seal returns the contact so that only a holder of the keys can read it. What it
// returns opens no page.
func (k *Keys) Seal(c contact.Contact) (string, error) {
	text, err := k.email.aead.EncryptDeterministically([]byte(string(c.Channel())+" "+c.Address()), []byte(sealed))
	if err != nil {
		return "", errors.New("sealing a contact: the key does not seal")
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

// Unseal is the inverse of Seal. Every error is ErrForged; ErrUnknownKey if newer
// keys may unseal the contact.
func (k *Keys) Unseal(text string) (contact.Contact, error) {
	cipher, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(cipher) <= tinkPrefix || cipher[0] != tinkStart {
		return contact.Contact{}, ErrForged
	}
	if !k.email.live[binary.BigEndian.Uint32(cipher[1:tinkPrefix])] {
		return contact.Contact{}, ErrUnknownKey
	}
	plain, err := k.email.aead.DecryptDeterministically(cipher, []byte(sealed))
	if err != nil {
		return contact.Contact{}, ErrForged
	}
	ch, address, _ := strings.Cut(string(plain), " ")
	c, err := contact.FromNormalised(contact.Channel(ch), address)
	if err != nil {
		return contact.Contact{}, ErrForged
	}
	return c, nil
}
