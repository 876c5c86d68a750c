package certificate_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
)

// folder is a bundle with two certificates before it, as files.
func folder(t *testing.T) fstest.MapFS {
	t.Helper()
	a := newAuthority(t)
	before, last := chain(t, a)
	files := fstest.MapFS{}
	err := (certificate.Bundle{Signed: last.Signed, Lists: last.lists, Before: before, PublicKey: a.public}).Each(func(name string, content []byte) error {
		files[name] = &fstest.MapFile{Data: content}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// verify reads and verifies the bundle in a folder.
func verify(t *testing.T, files fs.FS, trusted ...string) (certificate.Verified, error) {
	t.Helper()
	b, err := certificate.ReadBundle(files)
	if err != nil {
		t.Fatal(err)
	}
	return b.Verify(trusted...)
}

func TestBundleVerifiesFromItsFiles(t *testing.T) {
	files := folder(t)
	got, err := verify(t, files)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := certificate.Fingerprint(files[certificate.PublicKeyFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	if got.Position != 3 || got.Certificate.Run != "run-3" || got.Fingerprint != fingerprint {
		t.Errorf("it says %+v", got)
	}
	var colons []string
	for pair := range slices.Chunk([]byte(strings.ToUpper(fingerprint)), 2) {
		colons = append(colons, string(pair))
	}
	for _, trusted := range []string{fingerprint, strings.Join(colons, ":")} {
		if _, err := verify(t, files, trusted); err != nil {
			t.Errorf("%s is trusted: %v", trusted, err)
		}
	}
	_, err = verify(t, files, strings.Repeat("0", 64))
	if !errors.Is(err, certificate.ErrInvalid) || !strings.Contains(err.Error(), "its fingerprint is "+fingerprint) {
		t.Errorf("another key is trusted: %v", err)
	}
}

func TestTamperedBundleFails(t *testing.T) {
	write := func(file, content string) func(fstest.MapFS) {
		return func(files fstest.MapFS) { files[file] = &fstest.MapFile{Data: []byte(content)} }
	}
	move := func(files fstest.MapFS, from, to string) {
		for name, file := range files {
			if rest, inside := strings.CutPrefix(name, from); inside {
				delete(files, name)
				files[to+rest] = file
			}
		}
	}
	for name, tamper := range map[string]func(fstest.MapFS){
		"another certificate":           write("certificate.json", "{}"),
		"another list":                  write("keys/07.txt", "a\n"),
		"a list that it does not name":  write("keys/08.txt", "a\n"),
		"another signature":             write("certificate.sig", "x"),
		"another key":                   write("public-key.pem", "y"),
		"another earlier certificate":   write("chain/000001/certificate.json", "{}"),
		"another earlier signature":     write("chain/000002/certificate.sig", "x"),
		"first certificate missing":     func(f fstest.MapFS) { move(f, "chain/000001", "gone") },
		"certificate before it missing": func(f fstest.MapFS) { move(f, "chain/000002", "gone") },
		"earlier signature missing":     func(f fstest.MapFS) { move(f, "chain/000002/certificate.sig", "gone") },
		"whole chain missing":           func(f fstest.MapFS) { move(f, "chain", "gone") },
		"earlier certificates out of order": func(f fstest.MapFS) {
			move(f, "chain/000001", "aside")
			move(f, "chain/000002", "chain/000001")
			move(f, "aside", "chain/000002")
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := folder(t)
			tamper(files)
			if _, err := verify(t, files); !errors.Is(err, certificate.ErrInvalid) {
				t.Errorf("error %v, want ErrInvalid", err)
			}
		})
	}
}

func TestBundleWithoutAFileIsNamed(t *testing.T) {
	for _, name := range []string{"certificate.json", "certificate.sig", "public-key.pem"} {
		files := folder(t)
		delete(files, name)
		_, err := certificate.ReadBundle(files)
		var missing *fs.PathError
		if !errors.As(err, &missing) || missing.Path != name || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestUnwrittenBundleFails(t *testing.T) {
	a := newAuthority(t)
	before, last := chain(t, a)
	bundle := certificate.Bundle{Signed: last.Signed, Lists: last.lists, Before: before, PublicKey: a.public}
	failed := errors.New("the disk is full")
	for _, unwritten := range []string{certificate.JSONFile, "keys/07.txt"} {
		err := bundle.Each(func(name string, _ []byte) error {
			if name == unwritten {
				return failed
			}
			return nil
		})
		if !errors.Is(err, failed) {
			t.Errorf("without %s: error %v", unwritten, err)
		}
	}
	bundle.Keys = [][]byte{[]byte("no key")}
	if err := bundle.Each(func(string, []byte) error { return nil }); err == nil {
		t.Error("an invalid key is written")
	}
}

func TestUnreadableKeyFailsTheBundle(t *testing.T) {
	files := folder(t)
	files["public-keys/a.pem"] = &fstest.MapFile{Mode: fs.ModeDir}
	if _, err := certificate.ReadBundle(files); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestBundleWithoutAListIsNotVerified(t *testing.T) {
	files := folder(t)
	delete(files, "keys/07.txt")
	_, err := verify(t, files)
	var missing *fs.PathError
	if !errors.As(err, &missing) || missing.Path != "keys/07.txt" {
		t.Errorf("error %v", err)
	}
}

func TestChainIsFoundAmongAllCertificates(t *testing.T) {
	a := newAuthority(t)
	before, last := chain(t, a)
	later := altered(t, a, last.Signed, func(c *certificate.Certificate) { c.Run, c.Previous = "run-4", certificate.Hash(last.JSON) })
	all := []certificate.Signed{later, before[1], last.Signed, before[0]}
	got, err := certificate.Before(all, last.Signed)
	if diff := cmp.Diff(before, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
	if got, err := certificate.Before(all, before[0]); err != nil || got != nil {
		t.Errorf("before the first: %d certificates, error %v", len(got), err)
	}
	changed := altered(t, a, before[0], func(c *certificate.Certificate) { c.Counts.Held--; c.Counts.Due-- })
	for name, others := range map[string][]certificate.Signed{
		"missing": {before[1], last.Signed}, "changed": {changed, before[1]}, "unreadable": {before[0], {JSON: []byte("x")}},
	} {
		if _, err := certificate.Before(others, last.Signed); !errors.Is(err, certificate.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
	if _, err := certificate.Before(all, certificate.Signed{JSON: []byte("x")}); !errors.Is(err, certificate.ErrInvalid) {
		t.Errorf("unreadable itself: error %v, want ErrInvalid", err)
	}
}

// rotated is a chain of four certificates: the second is signed with another key.
func rotated(t *testing.T) (a, b authority, all []certificate.Signed) {
	t.Helper()
	a, b = newAuthority(t), newAuthority(t)
	previous := ""
	for i, by := range []authority{a, b, a, a} {
		c := sample()
		c.Run, c.Previous = fmt.Sprint("run-", i), previous
		var err error
		if c.Fingerprint, err = certificate.Fingerprint(by.public); err != nil {
			t.Fatal(err)
		}
		all = append(all, seal(t, by, c, hmacs).Signed)
		previous = certificate.Hash(all[i].JSON)
	}
	return a, b, all
}

func TestRotatedKeysVerifyAtEveryPlace(t *testing.T) {
	a, b, all := rotated(t)
	ofA, _ := certificate.Fingerprint(a.public)
	ofB, _ := certificate.Fingerprint(b.public)
	for i, by := range []authority{a, b, a, a} {
		before, err := certificate.Before(all, all[i])
		if err != nil {
			t.Fatal(err)
		}
		bundle := certificate.Bundle{
			Signed: all[i], Lists: seal(t, by, sample(), hmacs).lists, Before: before, After: certificate.After(all, before, all[i]),
			PublicKey: by.public, Keys: [][]byte{a.public, b.public},
		}
		for _, trusted := range [][]string{nil, {ofA, ofB}} {
			got, err := bundle.Verify(trusted...)
			if err != nil || got.Position != i+1 || got.Of != 4 || got.Keys != 2 {
				t.Errorf("certificate %d, trusting %v: %+v, error %v", i+1, trusted, got, err)
			}
		}
		for _, trusted := range []string{ofA, ofB, strings.Repeat("0", 64)} {
			if _, err := bundle.Verify(trusted); !errors.Is(err, certificate.ErrInvalid) {
				t.Errorf("certificate %d, trusting %s alone: error %v", i+1, trusted, err)
			}
		}
		bundle.PublicKey = map[bool][]byte{true: b.public, false: a.public}[i != 1]
		if _, err := bundle.Verify(); !errors.Is(err, certificate.ErrInvalid) {
			t.Errorf("certificate %d with the other key beside it: error %v", i+1, err)
		}
	}
}

func TestCertificateBesideTheChainIsFound(t *testing.T) {
	a, b, all := rotated(t)
	fork := altered(t, a, all[2], func(c *certificate.Certificate) { c.Run = "another" })
	with := append(slices.Clone(all), fork)
	for i := range all {
		before, err := certificate.Before(with, all[i])
		if err != nil {
			t.Fatal(err)
		}
		after := certificate.After(with, before, all[i])
		if len(before)+len(after)+1 != len(with) {
			t.Errorf("certificate %d: %d before, %d after", i+1, len(before), len(after))
		}
		chain := append(append(before, all[i]), after...)
		if err := certificate.Chain(chain[:len(chain)-1], chain[len(chain)-1], a.public, b.public); !errors.Is(err, certificate.ErrInvalid) {
			t.Errorf("certificate %d: error %v", i+1, err)
		}
	}
	if _, err := certificate.End(with, a.public, b.public); !errors.Is(err, certificate.ErrInvalid) {
		t.Errorf("the end of a fork: error %v", err)
	}
	slices.Reverse(all)
	if end, err := certificate.End(all, a.public, b.public); err != nil || end != certificate.Hash(all[0].JSON) {
		t.Errorf("the end is %s, error %v", end, err)
	}
	if _, err := certificate.End(all[:3], a.public, b.public); !errors.Is(err, certificate.ErrInvalid) {
		t.Errorf("without the first: error %v", err)
	}
}
