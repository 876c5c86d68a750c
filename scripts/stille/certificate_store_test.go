//go:build store

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/purge"
)

// runOf is a run of the messaging class that started so many nights after the
// first.
func runOf(id string, nights int) purge.Run {
	run := run1()
	run.ID, run.StartedAt = id, at.Add(time.Duration(nights)*24*time.Hour)
	return run
}

// chained is a stack with three certified runs, and the folder into which the
// certificate of the last was fetched.
func chained(t *testing.T) (*deployed, string) {
	t.Helper()
	d := deploy(t)
	for n, id := range []string{"run-c", "run-a", "run-b"} { // not in the order of their names
		run := runOf(id, n)
		if _, err := d.runs.Start(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		d.certify(t.Context(), t, run, certificate.Completed, certificate.Counts{Due: 3, Deleted: 2, Held: 1}, id+"1", id+"2")
	}
	dir := filepath.Join(t.TempDir(), "new", "proof")
	got := d.run(t, "certificate", "get", "run-b", "--out", dir).ended(t, exitDone)
	if !strings.HasSuffix(got.out, dir+"/chain: 2 before it\n\nnext: stille certificate verify "+dir+"\n") {
		t.Errorf("it says %q", got.out)
	}
	return d, dir
}

func TestACertificateIsFetchedAndVerifiedOffline(t *testing.T) {
	_, dir := chained(t)
	got := call{}.run(t, "certificate", "verify", dir).ended(t, exitDone)
	for _, says := range []string{
		"ok   signature: certificate.json is what the key in public-key.pem signed (SHA-256 of the key: ",
		"ok   list: keys.txt is the list that was signed, hashed key by key to ",
		"ok   deleted: it counts 2 and lists as many\n",
		"ok   chain: it is number 3 of messaging, and each is signed and names the one before it\n",
		"ok   counts: 3 due are 2 deleted, 1 held, 0 changed and 0 failed\n",
		"COMPLETED: the purge run-b of messaging at 2026-11-22T03:00:00Z deleted 2 of 3 due records",
	} {
		if !strings.Contains(got.out, says) {
			t.Errorf("it does not say %q:\n%s", says, got.out)
		}
	}
	inJSON := answers[verifyAnswer](t, call{}.run(t, "certificate", "verify", dir, "--json").ended(t, exitDone))[0]
	if !inJSON.Valid || len(inJSON.Checked) != 5 || len(inJSON.Fingerprint) != 64 || inJSON.Certificate.Run != "run-b" || inJSON.Position != 3 {
		t.Errorf("in JSON it answers %+v", inJSON)
	}
	call{}.run(t, "certificate", "verify", dir, "--fingerprint", strings.ToUpper(inJSON.Fingerprint)).ended(t, exitDone)
	other := call{}.run(t, "certificate", "verify", dir, "--fingerprint", strings.Repeat("0", 64)).ended(t, exitFailed)
	if !strings.Contains(other.errors, "its fingerprint is "+inJSON.Fingerprint) || other.out != "" {
		t.Errorf("of another key it says %q and answers %q", other.errors, other.out)
	}
}

func TestOpenSSLTakesWhatIsFetched(t *testing.T) {
	_, dir := chained(t)
	for _, folder := range []string{"", "chain/000001/", "chain/000002/"} {
		command := exec.Command("openssl", "dgst", "-sha256", "-verify", "public-key.pem", "-signature", folder+"certificate.sig", folder+"certificate.json")
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verified OK") {
			t.Errorf("openssl: %v: %s", err, out)
		}
	}
}

func TestWhatWasTamperedWithInAFolderIsFound(t *testing.T) {
	write := func(file, content string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	move := func(t *testing.T, dir, from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	for name, tamper := range map[string]func(*testing.T, string){
		"another certificate":           write("certificate.json", "{}"),
		"another list":                  write("keys.txt", "a\n"),
		"another signature":             write("certificate.sig", "x"),
		"another key":                   write("public-key.pem", "y"),
		"another certificate before it": write("chain/000001/certificate.json", "{}"),
		"another signature before it":   write("chain/000002/certificate.sig", "x"),
		"the first is missing":          func(t *testing.T, dir string) { move(t, dir, "chain/000001", "gone") },
		"the one before it is missing":  func(t *testing.T, dir string) { move(t, dir, "chain/000002", "gone") },
		"a signature before is missing": func(t *testing.T, dir string) { move(t, dir, "chain/000002/certificate.sig", "gone") },
		"the whole chain is missing":    func(t *testing.T, dir string) { move(t, dir, "chain", "gone") },
		"those before it changed places": func(t *testing.T, dir string) {
			move(t, dir, "chain/000001", "gone")
			move(t, dir, "chain/000002", "chain/000001")
			move(t, dir, "gone", "chain/000002")
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir := chained(t)
			tamper(t, dir)
			got := call{}.run(t, "certificate", "verify", dir).ended(t, exitFailed)
			if !strings.Contains(got.errors, certificate.ErrInvalid.Error()) || got.out != "" {
				t.Errorf("it says %q and answers %q", got.errors, got.out)
			}
		})
	}
}

func TestAFolderOfALaterCertificateIsWrittenAnew(t *testing.T) {
	d, dir := chained(t)
	d.run(t, "certificate", "get", "run-c", "--out", dir).ended(t, exitDone)
	got := answers[verifyAnswer](t, call{}.run(t, "certificate", "verify", dir, "--json").ended(t, exitDone))[0]
	if got.Position != 1 || got.Certificate.Run != "run-c" {
		t.Errorf("it answers %+v", got)
	}
}

func TestACertificateThatTheTableDoesNotNameIsNotFetched(t *testing.T) {
	d, _ := chained(t)
	for name, spoil := range map[string]func(){
		"another in the bucket": func() {
			d.objects["certificates/messaging/run-b/certificate.json"] = d.objects["certificates/messaging/run-a/certificate.json"]
		},
		"another before it in the bucket": func() {
			d.objects["certificates/messaging/run-a/certificate.json"] = []byte(`{"previous":"` + strings.Repeat("0", 64) + `"}`)
		},
		"none before it in the bucket": func() { delete(d.objects, "certificates/messaging/run-a/certificate.json") },
	} {
		before := make(map[string][]byte, len(d.objects))
		for key, content := range d.objects {
			before[key] = content
		}
		spoil()
		dir := filepath.Join(t.TempDir(), "proof")
		d.run(t, "certificate", "get", "run-b", "--out", dir).ended(t, exitFailed)
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: it wrote a folder", name)
		}
		for key, content := range before {
			d.objects[key] = content
		}
	}
}

func TestARunThatIsNotCertifiedHasNoCertificate(t *testing.T) {
	d := deploy(t)
	if _, err := d.runs.Start(t.Context(), run1()); err != nil {
		t.Fatal(err)
	}
	got := d.run(t, "certificate", "get", "run-1", "--out", t.TempDir()).ended(t, exitFailed)
	if !strings.Contains(got.errors, "there is no certificate of this run yet; `stille purge show run-1` says how the run stands") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestWhatBecameOfARecord(t *testing.T) {
	d := deploy(t)
	d.store(t, day(2024, 11, 21), day(2024, 11, 22), day(2024, 11, 20)) // due, kept, due
	for n, deleted := range [][]string{{"old-1"}, {"old-2"}, nil} {
		run := runOf([]string{"run-1", "run-2", "run-3"}[n], n)
		if _, err := d.runs.Start(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		var macs []string
		for _, id := range deleted {
			macs = append(macs, d.proof.HMAC("messaging", id))
		}
		d.certify(t.Context(), t, run, certificate.Completed, certificate.Counts{Due: len(macs), Deleted: len(macs)}, macs...)
	}
	d.run(t, "hold", "set", "--case", "C-17", "--reason", "claim", "--record", "messaging", "sub-2").ended(t, exitDone)
	d.run(t, "hold", "set", "--case", "C-18", "--reason", "claim", "--record", "messaging", "sub-0").ended(t, exitDone)
	d.run(t, "hold", "lift", "--case", "C-18").ended(t, exitDone)
	for _, c := range []struct {
		id   string
		fate operator.Fate
		says []string
	}{
		{"old-1", operator.FateDeleted, []string{"in the run run-1\n", "on       2026-11-22T03:00:00Z", "no more from 2026-11-30 on", "next: stille certificate get run-1 --out run-1\n"}},
		{"old-2", operator.FateDeleted, []string{"in the run run-2\n"}},
		{"sub-0", operator.FateDue, []string{"kept through 2026-11-21, due from 2026-11-21T23:00:00Z\n", "the next purge of messaging takes it up"}},
		{"sub-1", operator.FateKept, []string{"kept through 2026-11-22, due from 2026-11-22T23:00:00Z\n", "its day has not come"}},
		{"sub-2", operator.FateHeld, []string{"by the case C-17 since 2026-11-22T03:00:00Z (legal)\n", "kept through 2026-11-20, due from"}},
		{"old-3", operator.FateUnknown, []string{"messaging has no such record, and no certificate lists one\n"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			got := d.run(t, "proof", "messaging", c.id).ended(t, exitDone)
			for _, says := range c.says {
				if !strings.Contains(got.out, says) {
					t.Errorf("it does not say %q:\n%s", says, got.out)
				}
			}
			inJSON := answers[operator.Proof](t, d.run(t, "proof", "messaging", c.id, "--json").ended(t, exitDone))[0]
			if inJSON.Fate != c.fate || inJSON.ID != c.id {
				t.Errorf("in JSON it answers %+v", inJSON)
			}
		})
	}
}

func TestARunThatIsNotCertifiedMayHaveDeletedWhatIsNotThere(t *testing.T) {
	d := deploy(t)
	if _, err := d.runs.Start(t.Context(), run1()); err != nil {
		t.Fatal(err)
	}
	got := answers[operator.Proof](t, d.run(t, "proof", "messaging", "sub-9", "--json").ended(t, exitDone))[0]
	want := operator.Proof{Class: "messaging", ID: "sub-9", Fate: operator.FateUnknown, NotCertified: []string{"run-1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestACertificateThatDoesNotHoldProvesNothing(t *testing.T) {
	d := deploy(t)
	if _, err := d.runs.Start(context.Background(), run1()); err != nil {
		t.Fatal(err)
	}
	d.certify(t.Context(), t, run1(), certificate.Completed, certificate.Counts{Due: 1, Deleted: 1}, d.proof.HMAC("messaging", "old-1"))
	d.objects["certificates/messaging/run-1/keys.txt"] = []byte(d.proof.HMAC("messaging", "sub-9") + "\n")
	got := d.run(t, "proof", "messaging", "sub-9").ended(t, exitFailed)
	if !strings.Contains(got.errors, certificate.ErrInvalid.Error()) || got.out != "" {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}
