package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
)

type authority struct {
	key    *ecdsa.PrivateKey
	public []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key: key, public: certificate.EncodePublicKey(der)}
}

func (a authority) sign(digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, a.key, digest)
}

func sample() certificate.Certificate {
	at := time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)
	return certificate.Certificate{
		Run: "run-1", Class: "messaging", Outcome: certificate.Completed, PlanHash: "p", PolicyHash: "q",
		Cutoff: at, StartedAt: at, EndedAt: at.Add(time.Minute), Proof: certificate.ProofIndex,
		Counts:  certificate.Counts{Due: 11, Deleted: 3, Held: 2, Changed: 1, Failed: 1, Left: 4},
		Objects: certificate.Objects{Count: 2, Versions: 5}, ApprovedBy: &certificate.Approver{Role: "admin", Hash: "h"}, Previous: "r", BackupGoneOn: "2026-11-30", CodeVersion: "v1", TZData: "Europe/Oslo 0123",
	}
}

var hmacs = []string{"cc", "aa", "bb"}

// sealed is a certificate with its one list, of the shard 07.
type sealed struct {
	certificate.Signed
	list []byte
}

func (s sealed) lists(shard string) ([]byte, error) {
	if shard != "07" {
		return nil, errors.New("there is no other list")
	}
	return s.list, nil
}

func (s sealed) verify(publicKey []byte) (certificate.Certificate, error) {
	return certificate.Verify(s.Signed, s.lists, publicKey)
}

// listOf is the list of the keys, and its file.
func listOf(keys ...string) (certificate.List, []byte) {
	var file []byte
	for _, key := range slices.Sorted(slices.Values(keys)) {
		file = certificate.AppendKey(file, key)
	}
	return certificate.NewList(file), file
}

func seal(t *testing.T, a authority, c certificate.Certificate, keys []string) sealed {
	t.Helper()
	list, file := listOf(keys...)
	if c.Lists = nil; len(keys) > 0 {
		c.Lists = map[string]certificate.List{"07": list}
	}
	signed, err := certificate.Seal(c, a.sign)
	if err != nil {
		t.Fatal(err)
	}
	return sealed{signed, file}
}

func TestSealedCertificateVerifies(t *testing.T) {
	a := newAuthority(t)
	got, err := seal(t, a, sample(), hmacs).verify(a.public)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	list, file := listOf("cc", "aa", "bb")
	if list.Count != 3 || list.SHA256 != certificate.Hash([]byte("aa\nbb\ncc\n")) || string(file) != "aa\nbb\ncc\n" {
		t.Errorf("list %+v of %q", list, file)
	}
	want.Lists, want.KeysHead = map[string]certificate.List{"07": list}, certificate.Head([]string{list.SHA256})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("certificate (-want +got):\n%s", diff)
	}
	empty := certificate.Certificate{Outcome: certificate.Completed}
	if _, err := seal(t, a, empty, nil).verify(a.public); err != nil {
		t.Errorf("an empty run: %v", err)
	}
}

func TestOpenSSLAloneVerifiesCertificate(t *testing.T) {
	a := newAuthority(t)
	sealed := seal(t, a, sample(), hmacs)
	out := openSSL(t, map[string][]byte{"certificate.json": sealed.JSON, "certificate.sig": sealed.Signature, "public-key.pem": a.public},
		"dgst", "-sha256", "-verify", "public-key.pem", "-signature", "certificate.sig", "certificate.json")
	if !bytes.Contains(out, []byte("Verified OK")) {
		t.Errorf("openssl: %s", out)
	}
}

// openSSL runs openssl in a folder with the files.
func openSSL(t *testing.T, files map[string][]byte, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("openssl", args...)
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		t.Fatalf("openssl: %v: %s", err, out)
	}
	return out
}

func digest(of []byte) []byte {
	sum := sha256.Sum256(of)
	return sum[:]
}

func TestEveryChangedByteIsFound(t *testing.T) {
	a := newAuthority(t)
	for name, file := range map[string]func(*sealed) *[]byte{
		"certificate": func(s *sealed) *[]byte { return &s.JSON },
		"signature":   func(s *sealed) *[]byte { return &s.Signature },
		"list":        func(s *sealed) *[]byte { return &s.list },
	} {
		t.Run(name, func(t *testing.T) {
			sealed := seal(t, a, sample(), hmacs)
			for i := range *file(&sealed) {
				(*file(&sealed))[i] ^= 1
				if _, err := sealed.verify(a.public); !errors.Is(err, certificate.ErrInvalid) {
					t.Errorf("byte %d changed: error %v, want ErrInvalid", i, err)
				}
				(*file(&sealed))[i] ^= 1
			}
		})
	}
}

func TestOtherListOrKeyIsFound(t *testing.T) {
	a := newAuthority(t)
	sealed := seal(t, a, sample(), hmacs)
	for name, keys := range map[string]string{
		"shorter": "aa\nbb\n", "longer": "aa\nbb\ncc\ndd\n", "swapped": "aa\nbb\ndd\n", "unsorted": "bb\naa\ncc\n", "empty": "", "no last newline": "aa\nbb\ncc",
	} {
		t.Run(name, func(t *testing.T) {
			other := sealed
			other.list = []byte(keys)
			if _, err := other.verify(a.public); !errors.Is(err, certificate.ErrInvalid) {
				t.Errorf("error %v, want ErrInvalid", err)
			}
		})
	}
	t.Run("another key signed", func(t *testing.T) {
		if _, err := sealed.verify(newAuthority(t).public); !errors.Is(err, certificate.ErrInvalid) {
			t.Errorf("error %v, want ErrInvalid", err)
		}
	})
	t.Run("not a public key", func(t *testing.T) {
		if _, err := sealed.verify([]byte("not PEM")); !errors.Is(err, certificate.ErrInvalid) {
			t.Errorf("error %v, want ErrInvalid", err)
		}
	})
}

func TestUnbalancedCountsAreNotSealed(t *testing.T) {
	a := newAuthority(t)
	unbalanced := sample()
	unbalanced.Counts.Due++
	list, _ := listOf(hmacs...)
	unbalanced.Lists = map[string]certificate.List{"07": list}
	if _, err := certificate.Seal(unbalanced, a.sign); !errors.Is(err, certificate.ErrInvalid) {
		t.Errorf("unbalanced: error %v, want ErrInvalid", err)
	}
	short := sample()
	list, _ = listOf(hmacs[:2]...)
	short.Lists = map[string]certificate.List{"07": list}
	if _, err := certificate.Seal(short, a.sign); !errors.Is(err, certificate.ErrInvalid) {
		t.Errorf("a list that is too short: error %v, want ErrInvalid", err)
	}
}

// Certificates once named the approver by the whole ARN, or by nothing, and counted
// no objects.
func TestOlderCertificateOfApprovedRunVerifies(t *testing.T) {
	a := newAuthority(t)
	for before, after := range map[string]string{`{
    "role": "admin",
    "hash": "h"
  }`: `"arn:aws:iam::1:user/kari"`, "null": `""`} {
		c := sample()
		c.Objects = certificate.Objects{}
		if before == "null" {
			c.ApprovedBy = nil
		}
		sealed := seal(t, a, c, hmacs)
		older := bytes.Replace(sealed.JSON, []byte(before), []byte(after), 1)
		if bytes.Equal(older, sealed.JSON) || bytes.Contains(older, []byte("objects")) {
			t.Fatalf("no approver, or objects, in %s", sealed.JSON)
		}
		digest := sha256.Sum256(older)
		signature, err := a.sign(digest[:])
		if err != nil {
			t.Fatal(err)
		}
		sealed.JSON, sealed.Signature = older, signature
		if _, err := sealed.verify(a.public); err != nil {
			t.Errorf("approved by %s: %v", after, err)
		}
	}
}

func TestListContainsWholeKeysOnly(t *testing.T) {
	_, file := listOf("bbb", "aa", "cc")
	for key, want := range map[string]bool{"aa": true, "bbb": true, "cc": true, "bb": false, "a": false, "": false} {
		if got := certificate.Contains(file, key); got != want {
			t.Errorf("%q: %v", key, got)
		}
	}
}
