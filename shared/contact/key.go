package contact

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/prf/hmacprf"
)

// A key is an HMAC and the id of the Tink key that made it, in octets.
const (
	hmacSize = 32
	keySize  = hmacSize + 4
)

// MaxLiveKeys is how many keys of a set may be live at once: every lookup tries
// all of them.
const MaxLiveKeys = 3

// Key stands for a contact in tables, events, logs and answers. A key has
// 48 base64url characters: an HMAC-SHA-256 over channel, 0x00 and address, and
// the id of the Tink key that made it (4 octets, big endian). Nobody can compute
// the contact from the key, nor test a guess without the key set.
type Key string

// ParseKey returns s as a Key if s has the shape of a key, or an error wrapping
// ErrInvalid.
func ParseKey(s string) (Key, error) {
	// Go's decoder skips line breaks, so the length is checked too.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != keySize || len(s) != base64.RawURLEncoding.EncodedLen(keySize) {
		return "", invalid("not a contact key")
	}
	return Key(s), nil
}

// Short is the key's first eight characters, for logs.
func (k Key) Short() string { return string(k[:min(len(k), 8)]) }

// KeyID is the id of the Tink key that made k, 0 if k is no key.
func (k Key) KeyID() uint32 {
	raw, err := base64.RawURLEncoding.DecodeString(string(k))
	if err != nil || len(raw) != keySize {
		return 0
	}
	return binary.BigEndian.Uint32(raw[hmacSize:])
}

// KeySet makes the keys of contacts. It is safe for concurrent use.
type KeySet struct {
	prfs map[uint32]prf.PRF
	ids  []uint32 // newest first
}

// NewKeySet takes a Tink PRF key set of HMAC-SHA-256 keys. The primary key is
// the newest; the other enabled keys are live, and a later key of the set is
// newer. More than MaxLiveKeys, or a key of another kind, is an error.
func NewKeySet(handle *keyset.Handle) (*KeySet, error) {
	primary, err := handle.Primary()
	if err != nil {
		return nil, fmt.Errorf("contact key set: %w", err)
	}
	ids := []uint32{primary.KeyID()}
	for i := handle.Len() - 1; i >= 0; i-- {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("contact key set: %w", err)
		}
		if entry.KeyStatus() != keyset.Enabled {
			continue
		}
		if !isHMACSHA256(entry) {
			return nil, fmt.Errorf("contact key set: key %08x is not HMAC-SHA-256", entry.KeyID())
		}
		if !entry.IsPrimary() {
			ids = append(ids, entry.KeyID())
		}
	}
	if len(ids) > MaxLiveKeys {
		return nil, fmt.Errorf("contact key set: %d live keys, at most %d may be", len(ids), MaxLiveKeys)
	}
	set, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, fmt.Errorf("contact key set: %w", err)
	}
	return &KeySet{prfs: set.PRFs, ids: ids}, nil
}

func isHMACSHA256(entry *keyset.Entry) bool {
	key, ok := entry.Key().(*hmacprf.Key)
	if !ok {
		return false
	}
	parameters, ok := key.Parameters().(*hmacprf.Parameters)
	return ok && parameters.HashType() == hmacprf.SHA256
}

// Key returns the contact's key under the newest key, for writing.
func (s *KeySet) Key(c Contact) (Key, error) { return s.key(s.ids[0], c) }

// Known is a contact as the stores know it: its channel, and its keys under
// every live key of a set, the newest first. It holds no address.
type Known struct {
	Channel Channel
	Keys    []Key
}

// Newest is the key to write with; empty where there is none.
func (k Known) Newest() Key {
	if len(k.Keys) == 0 {
		return ""
	}
	return k.Keys[0]
}

// Known returns the contact's channel with its Keys.
func (s *KeySet) Known(c Contact) (Known, error) {
	keys, err := s.Keys(c)
	return Known{Channel: c.Channel(), Keys: keys}, err
}

// Keys returns the contact's keys under every live key, the newest first, for
// lookups.
func (s *KeySet) Keys(c Contact) ([]Key, error) {
	return s.AppendKeys(make([]Key, 0, len(s.ids)), c)
}

// AppendKeys is Keys for many contacts whose keys share a slice.
func (s *KeySet) AppendKeys(keys []Key, c Contact) ([]Key, error) {
	for _, id := range s.ids {
		key, err := s.key(id, c)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Live tells whether a live key of the set made k.
func (s *KeySet) Live(k Key) bool { return slices.Contains(s.ids, k.KeyID()) }

func (s *KeySet) key(id uint32, c Contact) (Key, error) {
	if c == (Contact{}) {
		return "", invalid("nobody")
	}
	message := make([]byte, 0, len(c.channel)+1+len(c.address))
	message = c.address.appendTo(append(append(message, c.channel...), 0))
	mac, err := s.mac(id, message)
	if err != nil {
		return "", err
	}
	raw := binary.BigEndian.AppendUint32(append(make([]byte, 0, keySize), mac...), id)
	return Key(base64.RawURLEncoding.AppendEncode(make([]byte, 0, 2*keySize), raw)), nil
}

func (s *KeySet) mac(id uint32, message []byte) ([]byte, error) {
	mac, err := s.prfs[id].ComputePRF(message, hmacSize)
	if err != nil {
		return nil, fmt.Errorf("contact key %08x: %w", id, err)
	}
	return mac, nil
}

// ErrForeignKeys means that another key set made the stored keys, or that
// nothing shows which key set did: every lookup would miss, and a missed lookup
// sends.
var ErrForeignKeys = errors.New("the contact key set does not reproduce the table's canaries")

// canary has no 0x00, so no contact has the same HMAC.
const canary = "stille/contact-canary/1"

// Canaries returns the proof that a key set is this one: for each live key's id
// (8 hexadecimal digits) the HMAC of a constant, base64url.
func (s *KeySet) Canaries() (map[string]string, error) {
	canaries := make(map[string]string, len(s.ids))
	for _, id := range s.ids {
		mac, err := s.mac(id, []byte(canary))
		if err != nil {
			return nil, err
		}
		canaries[fmt.Sprintf("%08x", id)] = base64.RawURLEncoding.EncodeToString(mac)
	}
	return canaries, nil
}

// Reproduces returns ErrForeignKeys unless there are canaries and the set makes
// each of them. Keys of the set without a canary do not matter.
func (s *KeySet) Reproduces(canaries map[string]string) error {
	ours, err := s.Canaries()
	if err != nil {
		return err
	}
	if len(canaries) == 0 {
		return ErrForeignKeys
	}
	for id, mac := range canaries {
		if mac == "" || ours[id] != mac {
			return ErrForeignKeys
		}
	}
	return nil
}

// KeySource hands out the key set to use for the request at hand.
type KeySource interface {
	// Contact returns a key set that reproduces the suppression table's
	// canaries; its error is ErrForeignKeys where the set does not.
	Contact(ctx context.Context) (*KeySet, error)
}
