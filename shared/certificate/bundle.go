package certificate

import (
	"encoding/json"
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
	PublicKeyFile = "public-key.pem"
)

// Bundle is everything that an offline verification of a certificate needs.
type Bundle struct {
	Signed
	Lists     Lists
	Listed    []string // the shards with a list in the folder, named by the certificate or not
	Before    []Signed // the earlier certificates of the class's chain, the first one first
	PublicKey []byte   // PEM
}

// Verified is the content of a verified bundle.
type Verified struct {
	Certificate Certificate
	Fingerprint string // of the trusted public key
	Position    int    // in the class's chain; the first certificate is number 1
}

// Verify checks the certificate, its lists and its chain with the public key of
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
	c, err := Verify(b.Signed, b.Lists, b.PublicKey)
	if err != nil {
		return Verified{}, err
	}
	for _, shard := range b.Listed {
		if _, named := c.Lists[shard]; !named {
			return Verified{}, fmt.Errorf("%w: it names no list %s", ErrInvalid, ListFile(shard))
		}
	}
	if err := Chain(b.Before, b.Signed, b.PublicKey); err != nil {
		return Verified{}, err
	}
	return Verified{Certificate: c, Fingerprint: fingerprint, Position: len(b.Before) + 1}, nil
}

// Place is the folder of the chain's certificate number n.
func Place(n int) string { return fmt.Sprintf("chain/%06d", n) }

// Each calls do with each file of the bundle and its slash-separated path: with
// one list after the other, because the lists may be large.
func (b Bundle) Each(do func(name string, content []byte) error) error {
	files := map[string][]byte{JSONFile: b.JSON, SignatureFile: b.Signature, PublicKeyFile: b.PublicKey}
	for i, signed := range b.Before {
		files[path.Join(Place(i+1), JSONFile)] = signed.JSON
		files[path.Join(Place(i+1), SignatureFile)] = signed.Signature
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := do(name, files[name]); err != nil {
			return err
		}
	}
	var c Certificate
	if err := json.Unmarshal(b.JSON, &c); err != nil {
		return fmt.Errorf("%w: it cannot be read: %w", ErrInvalid, err)
	}
	for _, shard := range slices.Sorted(maps.Keys(c.Lists)) {
		file, err := b.Lists(shard)
		if err != nil {
			return err
		}
		if err := do(ListFile(shard), file); err != nil {
			return err
		}
	}
	return nil
}

// ReadBundle reads the files of a bundle, unverified, and the lists when they
// are asked for. A missing file of the certificate itself is a *fs.PathError. The
// chain ends at its first missing file; the verification then finds the gap.
func ReadBundle(folder fs.FS) (Bundle, error) {
	b := Bundle{Lists: func(shard string) ([]byte, error) { return fs.ReadFile(folder, ListFile(shard)) }}
	lists, err := fs.Glob(folder, ListFile("*"))
	for _, name := range lists {
		b.Listed = append(b.Listed, strings.TrimSuffix(path.Base(name), path.Ext(name)))
	}
	if err == nil {
		err = readFiles(folder, map[string]*[]byte{JSONFile: &b.JSON, SignatureFile: &b.Signature, PublicKeyFile: &b.PublicKey})
	}
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
