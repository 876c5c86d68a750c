package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/operator/files"
	"stille/shared/operator/operatortest"
	"stille/shared/purge"
)

// runOf is a run of the messaging class that started some nights after the
// first run.
func runOf(id string, nights int) purge.Run {
	run := run1()
	run.ID, run.StartedAt = id, at.Add(time.Duration(nights)*24*time.Hour)
	return run
}

// chained is a stack with three certified runs, and the folder into which the
// certificate of the last was fetched.
func chained(t *testing.T) (memory, string) {
	t.Helper()
	m := inMemory(t)
	for n, id := range []string{"run-c", "run-a", "run-b"} { // not in the order of their names
		run := runOf(id, n)
		m.start(t, run)
		m.Certify(run, certificate.Completed, certificate.Counts{Due: 3, Deleted: 2, Held: 1}, id+"1", id+"2")
	}
	dir := filepath.Join(t.TempDir(), "new", "proof")
	got := m.run(t, "certificate", "get", "run-b", "--out", dir).ended(t, exitDone)
	if !strings.HasSuffix(got.out, dir+"/chain: 2 before it\n\nnext: stille certificate verify "+dir+"\n") {
		t.Errorf("it says %q", got.out)
	}
	return m, dir
}

func TestFetchedCertificateVerifiesOffline(t *testing.T) {
	_, dir := chained(t)
	got := call{}.run(t, "certificate", "verify", dir).ended(t, exitDone)
	for _, says := range []string{
		"ok   signature: certificate.json is what the key in public-key.pem signed (SHA-256 of the key: ",
		"ok   lists: each list in keys is the list that was signed (shards with deleted records: 1)",
		"ok   deleted: it counts 2 and lists as many\n",
		"ok   chain: it is number 3 of the 3 certificates of messaging; each is signed and names the one before it (keys: 1)\n",
		"ok   counts: 3 due are 2 deleted, 1 held, 0 changed, 0 failed and 0 left\n",
		"COMPLETED: the purge run-b of messaging at 2026-11-22T03:00:00Z deleted 2 of 3 due records",
		"objects in S3 that went with them: 2, in 4 versions\n",
	} {
		if !strings.Contains(got.out, says) {
			t.Errorf("it does not say %q:\n%s", says, got.out)
		}
	}
	inJSON := answers[files.Verification](t, call{}.run(t, "certificate", "verify", dir, "--json").ended(t, exitDone))[0]
	if !inJSON.Valid || len(inJSON.Checked) != 5 || len(inJSON.Fingerprint) != 64 || inJSON.Certificate.Run != "run-b" || inJSON.Position != 3 {
		t.Errorf("in JSON it answers %+v", inJSON)
	}
	call{}.run(t, "certificate", "verify", dir, "--fingerprint", strings.ToUpper(inJSON.Fingerprint)).ended(t, exitDone)
	other := call{}.run(t, "certificate", "verify", dir, "--fingerprint", strings.Repeat("0", 64)).ended(t, exitFailed)
	if !strings.Contains(other.errors, "its fingerprint is "+inJSON.Fingerprint) || other.out != "" {
		t.Errorf("of another key it says %q and answers %q", other.errors, other.out)
	}
}

func TestOpenSSLVerifiesFetchedFiles(t *testing.T) {
	_, dir := chained(t)
	for _, folder := range []string{"", "chain/000001/", "chain/000002/"} {
		command := exec.Command("openssl", "dgst", "-sha256", "-verify", "public-key.pem", "-signature", folder+"certificate.sig", folder+"certificate.json")
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verified OK") {
			t.Errorf("openssl: %v: %s", err, out)
		}
	}
}

func TestTamperedFolderIsInvalid(t *testing.T) {
	_, dir := chained(t)
	if err := os.WriteFile(filepath.Join(dir, "chain/000001/certificate.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call{}.run(t, "certificate", "verify", dir).ended(t, exitFailed)
	if !strings.Contains(got.errors, certificate.ErrInvalid.Error()) || got.out != "" {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
	if err := os.Remove(filepath.Join(dir, "certificate.sig")); err != nil {
		t.Fatal(err)
	}
	got = call{}.run(t, "certificate", "verify", dir).ended(t, exitUsage)
	if !strings.Contains(got.errors, "there is no certificate.sig in this folder; `stille certificate get RUN --out DIR` fetches all files") {
		t.Errorf("without a file it says %q", got.errors)
	}
}

func TestFolderOfLaterCertificateIsReplaced(t *testing.T) {
	m, dir := chained(t)
	m.run(t, "certificate", "get", "run-c", "--out", dir).ended(t, exitDone)
	got := answers[files.Verification](t, call{}.run(t, "certificate", "verify", dir, "--json").ended(t, exitDone))[0]
	if got.Position != 1 || got.Certificate.Run != "run-c" {
		t.Errorf("it answers %+v", got)
	}
}

func TestCertificateOutsideTheChainIsNotFetched(t *testing.T) {
	m, _ := chained(t)
	for name, spoil := range map[string]func(){
		"another certificate": func() { m.Bucket["run-b"] = m.Bucket["run-a"] },
		"another earlier certificate": func() {
			m.Bucket["run-a"] = operatortest.Sealed{Signed: certificate.Signed{JSON: []byte(`{"previous":"` + strings.Repeat("0", 64) + `"}`)}}
		},
		"no earlier certificate": func() { delete(m.Bucket, "run-a") },
	} {
		before := maps.Clone(m.Bucket)
		spoil()
		dir := filepath.Join(t.TempDir(), "proof")
		m.run(t, "certificate", "get", "run-b", "--out", dir).ended(t, exitFailed)
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: it wrote a folder", name)
		}
		m.Bucket = before
	}
}

func TestUncertifiedRunHasNoCertificate(t *testing.T) {
	m := inMemory(t)
	m.start(t, run1())
	got := m.run(t, "certificate", "get", "run-1", "--out", t.TempDir()).ended(t, exitFailed)
	if !strings.Contains(got.errors, "there is no certificate of this run yet; `stille purge show run-1` says how the run stands") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestCertificateBesideTheChainFailsVerification(t *testing.T) {
	m, dir := chained(t)
	// A certificate of another chain lies in the bucket.
	other, _ := chained(t)
	m.Bucket["run-z"] = other.Bucket["run-a"]
	m.run(t, "certificate", "get", "run-b", "--out", dir).ended(t, exitDone)
	call{}.run(t, "certificate", "verify", dir).ended(t, exitFailed)
	delete(m.Bucket, "run-z")
	m.run(t, "certificate", "get", "run-b", "--out", dir).ended(t, exitDone)
	call{}.run(t, "certificate", "verify", dir).ended(t, exitDone)
}

func TestCertificateOfLostRunIsFetched(t *testing.T) {
	m, dir := chained(t)
	restored := inMemory(t) // its table of runs is empty
	restored.Bucket, restored.PublicKeys = m.Bucket, m.PublicKeys
	restored.run(t, "certificate", "get", "run-b", "--out", dir).ended(t, exitDone)
	call{}.run(t, "certificate", "verify", dir).ended(t, exitDone)
	restored.run(t, "certificate", "get", "run-x", "--out", dir).ended(t, exitFailed)
}
