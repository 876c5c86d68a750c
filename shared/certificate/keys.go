package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
)

// keysByFingerprint are public keys by their fingerprints.
type keysByFingerprint map[string]*ecdsa.PublicKey

func parseKeys(files [][]byte) (keysByFingerprint, error) {
	keys := keysByFingerprint{}
	for _, file := range files {
		key, err := ParsePublicKey(file)
		if err != nil {
			return nil, err
		}
		of, err := fingerprint(key)
		if err != nil {
			return nil, err
		}
		keys[of] = key
	}
	return keys, nil
}

// open reads the certificate and checks the signature with the key that the
// certificate names. A certificate that names none may be signed with any.
func (s Signed) open(keys keysByFingerprint) (Certificate, error) {
	var c Certificate
	decoder := json.NewDecoder(bytes.NewReader(s.JSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Certificate{}, fmt.Errorf("%w: it cannot be read: %w", ErrInvalid, err)
	}
	if c.Fingerprint != "" {
		key, known := keys[c.Fingerprint]
		if !known {
			return Certificate{}, fmt.Errorf("%w: its key is none of those to trust; the fingerprint of its key is %s", ErrInvalid, c.Fingerprint)
		}
		keys = keysByFingerprint{c.Fingerprint: key}
	}
	if _, err := s.signer(keys); err != nil {
		return Certificate{}, err
	}
	return c, nil
}

var errNotSigned = fmt.Errorf("%w: the signature was not made of these bytes with this key", ErrInvalid)

// signer is the fingerprint of the key that made the signature.
func (s Signed) signer(keys keysByFingerprint) (string, error) {
	digest := sha256.Sum256(s.JSON)
	for of, key := range keys {
		if ecdsa.VerifyASN1(key, digest[:], s.Signature) {
			return of, nil
		}
	}
	return "", errNotSigned
}

// IsSignedBy reports whether the key (PEM) made the signature.
func (s Signed) IsSignedBy(publicKey []byte) bool {
	keys, err := parseKeys([][]byte{publicKey})
	if err == nil {
		_, err = s.open(keys)
	}
	return err == nil
}

// ParsePublicKey reads the ECDSA public key of a PEM file.
func ParsePublicKey(file []byte) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, fmt.Errorf("%w: the public key is not PEM", ErrInvalid)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: the public key cannot be read: %w", ErrInvalid, err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: the public key is not ECDSA", ErrInvalid)
	}
	return key, nil
}

// Fingerprint is the SHA-256, in hex, of the public key in a PEM file. Equal
// fingerprints mean equal keys.
func Fingerprint(file []byte) (string, error) {
	key, err := ParsePublicKey(file)
	if err != nil {
		return "", err
	}
	return fingerprint(key)
}

func fingerprint(key *ecdsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("%w: the public key cannot be written: %w", ErrInvalid, err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// EncodePublicKey writes a DER public key as the PEM file beside the certificates.
func EncodePublicKey(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
