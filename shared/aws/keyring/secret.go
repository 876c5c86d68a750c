package keyring

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"stille/shared/contact"
	"stille/shared/link"
)

// ErrUnreadable means that a secret does not hold a key set of its kind.
var ErrUnreadable = errors.New("not a readable key set")

// A secret holds Tink's key set as cleartext JSON, which Secrets Manager protects.
// After a change, a contact secret holds the keys' times too.
type contactSecret struct {
	Contact json.RawMessage  `json:"contact"`
	Times   map[string]times `json:"times"`
}

// The link secret holds two key sets and, after a change, the keys' times.
type linkSecret struct {
	Email      json.RawMessage  `json:"email"`
	SMS        json.RawMessage  `json:"sms"`
	EmailTimes map[string]times `json:"emailTimes,omitempty"`
	SMSTimes   map[string]times `json:"smsTimes,omitempty"`
}

// NewContactSecret makes a contact key set of one new key, as it is stored.
func NewContactSecret() (string, error) {
	set, err := newKeySet(prf.HMACSHA256PRFKeyTemplate())
	return string(set), err
}

// NewProofSecret makes a proof key set of one new key, as it is stored.
func NewProofSecret() (string, error) {
	set, err := newKeySet(prf.HMACSHA256PRFKeyTemplate())
	return string(set), err
}

// NewLinkSecret makes key sets of one new key each for both kinds of links, as
// they are stored.
func NewLinkSecret() (string, error) {
	email, err := newKeySet(daead.AESSIVKeyTemplate())
	if err != nil {
		return "", err
	}
	sms, err := newKeySet(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return "", err
	}
	return marshal(linkSecret{Email: email, SMS: sms})
}

func newKeySet(template *tinkpb.KeyTemplate) (json.RawMessage, error) {
	handle, err := keyset.NewHandle(template)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return writeKeySet(handle)
}

func writeKeySet(handle *keyset.Handle) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		return nil, fmt.Errorf("writing a key set: %w", err)
	}
	return b.Bytes(), nil
}

// marshal writes a contactSecret or linkSecret as it is stored.
func marshal(secret any) (string, error) {
	text, err := json.Marshal(secret)
	if err != nil {
		return "", fmt.Errorf("writing a key set: %w", err)
	}
	return string(text), nil
}

// ParseContact reads a contact secret. An error wraps ErrUnreadable.
func ParseContact(secret string) (*contact.KeySet, error) {
	return parse(string(readContact(secret).Contact), contact.NewKeySet)
}

// readContact takes a contact secret apart. A secret that was never changed is a
// key set alone.
func readContact(secret string) contactSecret {
	var s contactSecret
	if json.Unmarshal([]byte(secret), &s) != nil || s.Contact == nil {
		return contactSecret{Contact: json.RawMessage(secret)}
	}
	return s
}

// ParseLink reads a link secret. An error wraps ErrUnreadable.
func ParseLink(secret string) (*link.Keys, error) {
	var s linkSecret
	if json.Unmarshal([]byte(secret), &s) != nil {
		return nil, ErrUnreadable
	}
	email, err := readKeySet(string(s.Email))
	if err != nil {
		return nil, err
	}
	sms, err := readKeySet(string(s.SMS))
	if err != nil {
		return nil, err
	}
	set, err := link.NewKeys(email, sms)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return set, nil
}

// ParseProof reads a proof secret. An error wraps ErrUnreadable.
func ParseProof(secret string) (*ProofKeys, error) { return parse(secret, newProofKeys) }

func parse[T any](secret string, build func(*keyset.Handle) (*T, error)) (*T, error) {
	handle, err := readKeySet(secret)
	if err != nil {
		return nil, err
	}
	set, err := build(handle)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return set, nil
}

// readKeySet drops the parser's error, which quotes the secret.
func readKeySet(secret string) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(secret)))
	if err != nil {
		return nil, ErrUnreadable
	}
	return handle, nil
}

const proofSize = 32

// ProofKeys derive the entries of deleted records in certificates. Only a holder
// of the keys can show which record an entry stands for.
type ProofKeys struct {
	prf prf.PRF
	id  uint32
}

// newProofKeys takes a Tink PRF key set with an output of at least 32 octets.
func newProofKeys(handle *keyset.Handle) (*ProofKeys, error) {
	set, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, fmt.Errorf("proof key set: %w", err)
	}
	// A computation can fail only by the size of its output, so HMAC cannot fail.
	if _, err := set.ComputePrimaryPRF(nil, proofSize); err != nil {
		return nil, fmt.Errorf("proof key set: %w", err)
	}
	return &ProofKeys{prf: set.PRFs[set.PrimaryID], id: set.PrimaryID}, nil
}

// HMAC returns the entry of a record in a certificate: 64 hexadecimal digits, a
// PRF over class, 0x00, id under the newest key.
func (k *ProofKeys) HMAC(class, id string) string {
	mac, _ := k.prf.ComputePRF([]byte(class+"\x00"+id), proofSize)
	return hex.EncodeToString(mac)
}

// ID is the id of the newest key.
func (k *ProofKeys) ID() string { return hexID(k.id) }
