package certificate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Names of a certificate's files, in the evidence bucket and in a bundle.
const (
	JSONFile      = "certificate.json"
	SignatureFile = "certificate.sig"
	KeysFile      = "keys.txt"
	PublicKeyFile = "public-key.pem"
)

// Bundle is everything that an offline verification of a certificate needs.
type Bundle struct {
	Sealed
	Before    []Signed // the earlier certificates of the class's chain, the first one first
	PublicKey []byte   // PEM
}

// Verified is the content of a verified bundle.
type Verified struct {
	Certificate Certificate
	Fingerprint string // of the trusted public key
	Position    int    // in the class's chain; the first certificate is number 1
}

// Verify checks the certificate, its list and its chain with the public key of
// the bundle. If trusted is not empty the key must have this fingerprint, with
// or without colons. An error wraps ErrInvalid.
func (b Bundle) Verify(trusted string) (Verified, error) {
	fingerprint, err := Fingerprint(b.PublicKey)
	if err != nil {
		return Verified{}, err
	}
	trusted = strings.ReplaceAll(trusted, ":", "")
	if trusted != "" && !strings.EqualFold(trusted, fingerprint) {
		return Verified{}, fmt.Errorf("%w: the key in %s is another key; its fingerprint is %s", ErrInvalid, PublicKeyFile, fingerprint)
	}
	c, err := Verify(b.Sealed, b.PublicKey)
	if err != nil {
		return Verified{}, err
	}
	if err := Chain(b.Before, b.Signed, b.PublicKey); err != nil {
		return Verified{}, err
	}
	return Verified{Certificate: c, Fingerprint: fingerprint, Position: len(b.Before) + 1}, nil
}

// Place is the folder of the chain's certificate number n.
func Place(n int) string { return fmt.Sprintf("chain/%06d", n) }

// Files returns the bundle's files by their slash-separated paths.
func (b Bundle) Files() map[string][]byte {
	files := map[string][]byte{JSONFile: b.JSON, SignatureFile: b.Signature, KeysFile: b.Keys, PublicKeyFile: b.PublicKey}
	for i, signed := range b.Before {
		files[path.Join(Place(i+1), JSONFile)] = signed.JSON
		files[path.Join(Place(i+1), SignatureFile)] = signed.Signature
	}
	return files
}

// ReadBundle reads the files of a bundle, unverified. A missing file of the
// certificate itself is a *fs.PathError. The chain ends at its first missing
// file; the verification then finds the gap.
func ReadBundle(folder fs.FS) (Bundle, error) {
	var b Bundle
	err := readFiles(folder, map[string]*[]byte{JSONFile: &b.JSON, SignatureFile: &b.Signature, KeysFile: &b.Keys, PublicKeyFile: &b.PublicKey})
	for n := 1; err == nil; n++ {
		var signed Signed
		err = readFiles(folder, map[string]*[]byte{path.Join(Place(n), JSONFile): &signed.JSON, path.Join(Place(n), SignatureFile): &signed.Signature})
		if errors.Is(err, fs.ErrNotExist) {
			return b, nil
		}
		b.Before = append(b.Before, signed)
	}
	return b, fmt.Errorf("reading a certificate: %w", err)
}

func readFiles(folder fs.FS, target map[string]*[]byte) error {
	for _, name := range slices.Sorted(maps.Keys(target)) {
		var err error
		if *target[name], err = fs.ReadFile(folder, name); err != nil {
			return err
		}
	}
	return nil
}
