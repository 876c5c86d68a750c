package purgetest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"stille/shared/certificate"
	"stille/shared/purge"
)

// Evidence is a purge.Evidence, a purge.AuditParts and a purge.Signer in
// memory. It has a new key.
type Evidence struct {
	mu        sync.Mutex
	key       *ecdsa.PrivateKey
	public    []byte
	signed    map[string]certificate.Signed
	lists     map[string]map[string][]byte // class/run -> shard
	reports   map[string][]byte
	parts     map[string]map[[2]int]purge.AuditPart // class/run -> segment and call
	published [][]byte
}

// NewEvidence returns evidence in memory, empty.
func NewEvidence(t testing.TB) *Evidence {
	t.Helper()
	e := &Evidence{
		signed: map[string]certificate.Signed{}, lists: map[string]map[string][]byte{},
		reports: map[string][]byte{}, parts: map[string]map[[2]int]purge.AuditPart{},
	}
	e.Use(t, NewSigningKey(t))
	return e
}

// NewSigningKey is a key to sign certificates with.
func NewSigningKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Use signs with the key from now on, and returns the key that signed before.
func (e *Evidence) Use(t testing.TB, key *ecdsa.PrivateKey) (before *ecdsa.PrivateKey) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	before, e.key, e.public = e.key, key, certificate.EncodePublicKey(der)
	return before
}

// Sign signs a digest.
func (e *Evidence) Sign(_ context.Context, digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, e.key, digest)
}

// PublicKey returns the public key.
func (e *Evidence) PublicKey(context.Context) ([]byte, error) { return e.public, nil }

// PublishKey keeps the public key.
func (e *Evidence) PublishKey(_ context.Context, key []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.ContainsFunc(e.published, func(file []byte) bool { return bytes.Equal(file, key) }) {
		e.published = append(e.published, key)
	}
	return nil
}

// PublicKeys returns every key that was published.
func (e *Evidence) PublicKeys(context.Context) ([][]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.published), nil
}

// Runs returns the runs of a class that have a certificate.
func (e *Evidence) Runs(_ context.Context, class string) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var runs []string
	for of := range e.signed {
		if run, found := strings.CutPrefix(of, class+"/"); found {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// Load returns the certificate of a run.
func (e *Evidence) Load(_ context.Context, class, run string) (certificate.Signed, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	signed, found := e.signed[class+"/"+run]
	if !found {
		return signed, certificate.ErrNone
	}
	return signed, nil
}

// Store keeps a certificate.
func (e *Evidence) Store(_ context.Context, class, run string, signed certificate.Signed) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.signed[class+"/"+run] = signed
	return nil
}

// StoreList keeps the list of a shard.
func (e *Evidence) StoreList(_ context.Context, class, run, shard string, list []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := class + "/" + run
	if e.lists[of] == nil {
		e.lists[of] = map[string][]byte{}
	}
	e.lists[of][shard] = list
	return nil
}

// LoadList returns the list of a shard.
func (e *Evidence) LoadList(_ context.Context, class, run, shard string) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list, found := e.lists[class+"/"+run][shard]
	if !found {
		return nil, certificate.ErrNone
	}
	return list, nil
}

// StoreReport keeps the report of an audit.
func (e *Evidence) StoreReport(_ context.Context, class, run string, report []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports[class+"/"+run] = report
	return nil
}

// Report returns the report of an audit.
func (e *Evidence) Report(_ context.Context, class, run string) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	report, found := e.reports[class+"/"+run]
	if !found {
		return nil, certificate.ErrNone
	}
	return report, nil
}

// Verify verifies a run's certificate with the published key and returns the
// certificate.
func (e *Evidence) Verify(t testing.TB, class, run string) certificate.Certificate {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	lists := func(shard string) ([]byte, error) { return e.lists[class+"/"+run][shard], nil }
	verified, err := certificate.Verify(e.signed[class+"/"+run], lists, e.published...)
	if err != nil {
		t.Fatal(err)
	}
	return verified
}

// Keys returns the keys in the lists of a run, sorted.
func (e *Evidence) Keys(class, run string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var keys []string
	for _, list := range e.lists[class+"/"+run] {
		keys = append(keys, strings.Fields(string(list))...)
	}
	slices.Sort(keys)
	return keys
}

// StorePart keeps a part of an audit.
func (e *Evidence) StorePart(_ context.Context, part purge.AuditPart) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := part.Class + "/" + part.Run
	if e.parts[of] == nil {
		e.parts[of] = map[[2]int]purge.AuditPart{}
	}
	e.parts[of][[2]int{part.Segment, part.Call}] = part
	return nil
}

// Parts returns the parts of an audit.
func (e *Evidence) Parts(_ context.Context, class, run string) ([]purge.AuditPart, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Values(e.parts[class+"/"+run])), nil
}
