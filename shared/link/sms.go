package link

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/contact"
	"stille/shared/scope"
)

// An SMS token is one character for the key (base62 of its position in the
// set, whose order is kept) and 22 for one AES-256 block over
//
//	64 zero bits | version (2) | scope id (12) | number without + (50)
//
// The zero bits are the seal: one blind guess in 2^64 has them.
const (
	smsVersion = 1
	scopeBits  = 12
	numberBits = 50
	smsToken   = 1 + base62Width
	// E.164 allows 15 digits.
	numberLimit = 1_000_000_000_000_000
	// smsPurpose separates this use of a PRF key from any other.
	smsPurpose = "stille/sms-link/1"
	aes256Key  = 32
)

// MaxSMSKeys is the greatest number of SMS keys: one character names a key.
const MaxSMSKeys = base62

// KeyLetter is the first character of the tokens of the key at a position of the
// SMS key set, counted from 0; "" for a position that no key can have.
func KeyLetter(position int) string {
	if position < 0 || position >= MaxSMSKeys {
		return ""
	}
	return base62Alphabet[position : position+1]
}

// The constant does not compile if a scope id has too many bits.
const _ = uint(1<<scopeBits - 1 - scope.MostID)

type smsKeys struct {
	// By position in the key set; nil where the key is not enabled.
	blocks  []cipher.Block
	primary int
}

func newSMSKeys(handle *keyset.Handle) (*smsKeys, error) {
	if handle.Len() > MaxSMSKeys {
		return nil, fmt.Errorf("%d keys, but one character names at most %d", handle.Len(), MaxSMSKeys)
	}
	set, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, err
	}
	k := &smsKeys{blocks: make([]cipher.Block, handle.Len())}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, err
		}
		if entry.KeyStatus() != keyset.Enabled {
			continue
		}
		if entry.IsPrimary() {
			k.primary = i
		}
		key, err := set.PRFs[entry.KeyID()].ComputePRF([]byte(smsPurpose), aes256Key)
		if err != nil {
			return nil, fmt.Errorf("key %08x: %w", entry.KeyID(), err)
		}
		if k.blocks[i], err = aes.NewCipher(key); err != nil {
			return nil, fmt.Errorf("key %08x: %w", entry.KeyID(), err)
		}
	}
	return k, nil
}

func (k *smsKeys) mint(t Target) (string, error) {
	number, err := strconv.ParseUint(t.Contact.Address()[1:], 10, 64)
	if err != nil || number >= numberLimit {
		return "", errors.New("minting an SMS link: not a number of at most 15 digits")
	}
	var block [aes.BlockSize]byte
	binary.BigEndian.PutUint64(block[8:], smsVersion<<(scopeBits+numberBits)|uint64(t.ScopeID)<<numberBits|number)
	k.blocks[k.primary].Encrypt(block[:], block[:])

	token := append(make([]byte, 0, smsToken), base62Alphabet[k.primary])
	token = appendBase62(token, binary.BigEndian.Uint64(block[:8]), binary.BigEndian.Uint64(block[8:]))
	return string(token), nil
}

// sealedSMS is a token as it is before it is opened.
type sealedSMS struct {
	position int // of the key
	block    [aes.BlockSize]byte
}

// decodeSMS needs no key. It returns the parts of a token that some key could open.
func decodeSMS(token string) (s sealedSMS, ok bool) {
	if len(token) != smsToken {
		return s, false
	}
	s.position = strings.IndexByte(base62Alphabet, token[0])
	high, low, isBlock := parseBase62(token[1:])
	binary.BigEndian.PutUint64(s.block[:8], high)
	binary.BigEndian.PutUint64(s.block[8:], low)
	return s, s.position >= 0 && isBlock
}

func (k *smsKeys) open(token string) (Target, error) {
	s, ok := decodeSMS(token)
	if !ok {
		return Target{}, ErrForged
	}
	if s.position >= len(k.blocks) || k.blocks[s.position] == nil {
		return Target{}, ErrUnknownKey
	}
	k.blocks[s.position].Decrypt(s.block[:], s.block[:])
	return unpack(binary.BigEndian.Uint64(s.block[:8]), binary.BigEndian.Uint64(s.block[8:]))
}

// unpack reads an opened block. An integer has no leading zero, so a number
// needs no check for it.
func unpack(seal, packed uint64) (Target, error) {
	number := packed & (1<<numberBits - 1)
	id := uint16(packed >> numberBits & (1<<scopeBits - 1))
	version := packed >> (scopeBits + numberBits)
	if seal != 0 || version != smsVersion || !validScope(id) || number >= numberLimit {
		return Target{}, ErrForged
	}
	c, err := contact.FromNormalised(contact.SMS, "+"+strconv.FormatUint(number, 10))
	if err != nil {
		return Target{}, ErrForged
	}
	return Target{ScopeID: id, Contact: c}, nil
}

const (
	base62 = 62
	// base62Width is the number of digits that 128 bits need.
	base62Width    = 22
	base62Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// appendBase62 appends a 128-bit number in base62Width digits.
func appendBase62(b []byte, high, low uint64) []byte {
	var digits [base62Width]byte
	for i := len(digits) - 1; i >= 0; i-- {
		var rest uint64
		high, rest = high/base62, high%base62
		low, rest = bits.Div64(rest, low, base62)
		digits[i] = base62Alphabet[rest]
	}
	return append(b, digits[:]...)
}

// parseBase62 is the inverse of appendBase62. It refuses any other character or
// width, and numbers of 2^128 and more.
func parseBase62(s string) (high, low uint64, ok bool) {
	if len(s) != base62Width {
		return 0, 0, false
	}
	for i := range len(s) {
		digit := strings.IndexByte(base62Alphabet, s[i])
		if digit < 0 {
			return 0, 0, false
		}
		overflow, top := bits.Mul64(high, base62)
		carry, bottom := bits.Mul64(low, base62)
		bottom, c := bits.Add64(bottom, uint64(digit), 0)
		top, c = bits.Add64(top, carry, c)
		if overflow != 0 || c != 0 {
			return 0, 0, false
		}
		high, low = top, bottom
	}
	return high, low, true
}
