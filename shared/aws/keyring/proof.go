package keyring

import (
	"encoding/hex"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
)

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
