package link_test

import (
	"crypto/aes"
	"encoding/base64"
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead"

	"stille/shared/contact"
)

// Opening an e-mail token against what Tink does of it.
func BenchmarkOpenEmail(b *testing.B) {
	s := newSets(b)
	s.grow(b)
	token := mint(b, s.keys(b), target(b, 1, contact.Email, "kari.nordmann9@example.no"))
	aead, err := daead.New(mustHandle(b, s.email))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			sealed, err := base64.RawURLEncoding.DecodeString(token)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := aead.DecryptDeterministically(sealed, []byte(contact.Email)); err != nil {
				b.Fatal(err)
			}
		}
	})
	opening(b, s, contact.Email, token)
}

// Opening an SMS token against one block of AES, all the crypto there is in it.
func BenchmarkOpenSMS(b *testing.B) {
	s := newSets(b)
	s.grow(b)
	token := mint(b, s.keys(b), target(b, 1, contact.SMS, "+4791234567"))
	cipher, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("raw", func(b *testing.B) {
		block := make([]byte, aes.BlockSize)
		for b.Loop() {
			cipher.Decrypt(block, block)
		}
	})
	opening(b, s, contact.SMS, token)
}

func opening(b *testing.B, s sets, ch contact.Channel, token string) {
	k := s.keys(b)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if _, err := k.Open(ch, token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
