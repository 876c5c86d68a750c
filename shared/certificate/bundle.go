package certificate

import (
	"bytes"
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
	After     []Signed // every other certificate of the class: see After
	PublicKey []byte   // PEM, of the key that signed this certificate
	Keys      [][]byte // PEM, of the keys that signed any
}

// Verified is the content of a verified bundle.
type Verified struct {
	Certificate Certificate
	Fingerprint string // of the key that signed it
	Keys        int    // number of keys that the class's certificates may be signed with
	Position    int    // in the class's chain; the first certificate is number 1
	Of          int    // number of the class's certificates
}

// Verify checks the certificate, its lists and the chain of its class, in which every
// certificate of the class must be. With trusted fingerprints, with or without
// colons, only these keys count. An error wraps ErrInvalid.
func (b Bundle) Verify(trusted ...string) (Verified, error) {
	used, err := Fingerprint(b.PublicKey)
	if err != nil {
		return Verified{}, err
	}
	keys, err := b.trusted(trusted)
	if err != nil {
		return Verified{}, err
	}
	c, err := Verify(b.Signed, b.Lists, keys...)
	if err != nil {
		return Verified{}, err
	}
	if !b.IsSignedBy(b.PublicKey) {
		return Verified{}, fmt.Errorf("%w: the key in %s is not the key that signed it", ErrInvalid, PublicKeyFile)
	}
	for _, shard := range b.Listed {
		if _, named := c.Lists[shard]; !named {
			return Verified{}, fmt.Errorf("%w: it names no list %s", ErrInvalid, ListFile(shard))
		}
	}
	all := append(append(b.Before[:len(b.Before):len(b.Before)], b.Signed), b.After...)
	if err := Chain(all[:len(all)-1], all[len(all)-1], keys...); err != nil {
		return Verified{}, err
	}
	return Verified{Certificate: c, Fingerprint: used, Keys: len(keys), Position: len(b.Before) + 1, Of: len(all)}, nil
}

// VerifySignature checks the signature alone, of what is in no chain, and returns the
// fingerprint of its key. With trusted fingerprints only these keys count. An error
// wraps ErrInvalid.
func (b Bundle) VerifySignature(trusted ...string) (string, error) {
	files, err := b.trusted(trusted)
	if err != nil {
		return "", err
	}
	keys, err := parseKeys(files)
	if err != nil {
		return "", err
	}
	return b.signer(keys)
}

// trusted are the keys that count: those with the fingerprints, or all.
func (b Bundle) trusted(fingerprints []string) ([][]byte, error) {
	all := b.Keys
	if !slices.ContainsFunc(all, func(key []byte) bool { return bytes.Equal(key, b.PublicKey) }) {
		all = append(all[:len(all):len(all)], b.PublicKey)
	}
	if len(fingerprints) == 0 {
		return all, nil
	}
	var keys [][]byte
	var others []string
	for _, key := range all {
		of, err := Fingerprint(key)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(fingerprints, func(f string) bool { return strings.EqualFold(strings.ReplaceAll(f, ":", ""), of) }) {
			keys = append(keys, key)
		} else if !slices.Contains(others, of) {
			others = append(others, of)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: the key in %s is another key; its fingerprint is %s", ErrInvalid, PublicKeyFile, strings.Join(others, ", "))
	}
	return keys, nil
}

// The folders of the other certificates of the class, and of the keys.
const (
	BeforeFolder = "chain"
	AfterFolder  = "after"
	KeysFolder   = "public-keys"
)

// Place is the folder of certificate number n of a folder.
func Place(folder string, n int) string { return fmt.Sprintf("%s/%06d", folder, n) }

// KeyFile is the file of the key with this fingerprint, in the evidence bucket and in
// a bundle.
func KeyFile(fingerprint string) string { return path.Join(KeysFolder, fingerprint+".pem") }

// Each calls do with each file of the bundle and its slash-separated path: with
// one list after the other, because the lists may be large.
func (b Bundle) Each(do func(name string, content []byte) error) error {
	files := map[string][]byte{JSONFile: b.JSON, SignatureFile: b.Signature, PublicKeyFile: b.PublicKey}
	for folder, certificates := range map[string][]Signed{BeforeFolder: b.Before, AfterFolder: b.After} {
		for i, signed := range certificates {
			files[path.Join(Place(folder, i+1), JSONFile)] = signed.JSON
			files[path.Join(Place(folder, i+1), SignatureFile)] = signed.Signature
		}
	}
	for _, key := range b.Keys {
		of, err := Fingerprint(key)
		if err != nil {
			return err
		}
		files[KeyFile(of)] = key
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
	lists, _ := fs.Glob(folder, ListFile("*")) // the pattern is well-formed
	for _, name := range lists {
		b.Listed = append(b.Listed, strings.TrimSuffix(path.Base(name), path.Ext(name)))
	}
	keys, _ := fs.Glob(folder, KeyFile("*"))
	for _, name := range keys {
		key, err := fs.ReadFile(folder, name)
		if err != nil {
			return b, fmt.Errorf("reading a certificate: %w", err)
		}
		b.Keys = append(b.Keys, key)
	}
	err := readFiles(folder, map[string]*[]byte{JSONFile: &b.JSON, SignatureFile: &b.Signature, PublicKeyFile: &b.PublicKey})
	if err == nil {
		b.Before, err = readChain(folder, BeforeFolder)
	}
	if err == nil {
		b.After, err = readChain(folder, AfterFolder)
	}
	if err != nil {
		return b, fmt.Errorf("reading a certificate: %w", err)
	}
	return b, nil
}

func readChain(folder fs.FS, name string) ([]Signed, error) {
	var chain []Signed
	for n := 1; ; n++ {
		var signed Signed
		err := readFiles(folder, map[string]*[]byte{path.Join(Place(name, n), JSONFile): &signed.JSON, path.Join(Place(name, n), SignatureFile): &signed.Signature})
		if errors.Is(err, fs.ErrNotExist) {
			return chain, nil
		}
		if err != nil {
			return nil, err
		}
		chain = append(chain, signed)
	}
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
