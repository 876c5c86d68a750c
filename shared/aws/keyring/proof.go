package keyring

import (
	"encoding/hex"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
)

const proofSize = 32

// ProofKeys stand for deleted records in certificates: whoever has the keys
// can show that a certificate lists a record, nobody else learns which.
type ProofKeys struct {
	prf prf.PRF
}

// newProofKeys takes a Tink PRF key set with an output of at least 32 octets.
func newProofKeys(handle *keyset.Handle) (*ProofKeys, error) {
	set, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, fmt.Errorf("proof key set: %w", err)
	}
	// The output's size is all a computation can fail by, so HMAC need not.
	if _, err := set.ComputePrimaryPRF(nil, proofSize); err != nil {
		return nil, fmt.Errorf("proof key set: %w", err)
	}
	return &ProofKeys{prf: set.PRFs[set.PrimaryID]}, nil
}

// HMAC returns what a certificate says instead of the record's id: 64
// hexadecimal digits, a PRF over class, 0x00, id under the newest key.
func (k *ProofKeys) HMAC(class, id string) string {
	mac, _ := k.prf.ComputePRF([]byte(class+"\x00"+id), proofSize)
	return hex.EncodeToString(mac)
}
