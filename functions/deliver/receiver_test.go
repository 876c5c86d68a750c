package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/webhook"
)

// receive starts the SDK's example of a receiver and returns its URL.
func receive(t *testing.T, database, secret string) string {
	t.Helper()
	server := exec.CommandContext(t.Context(), "python3", "../../shared/sdk/python/examples/crm_receiver.py", database, "0")
	server.Env = append(os.Environ(), "STILLE_WEBHOOK_SECRET="+secret, "PYTHONDONTWRITEBYTECODE=1")
	said, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatalf("the example needs Python 3.10 or later: %v", err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line[strings.Index(line, "http"):])
}

func TestTheExampleWritesOptOutsIntoItsTable(t *testing.T) {
	w, h := newWorld(t)
	w.now = time.Now() // the example refuses a stale signature
	h.post = newClient(true).post
	one := w.add("http://replaced", true)
	database := filepath.Join(t.TempDir(), "crm.sqlite")
	one.URL = receive(t, database, one.Secret)
	w.all = webhook.Registry{one}
	kari, err := contact.Normalise(contact.Email, "kari@example.no", "")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := w.Links.Seal(kari)
	if err != nil {
		t.Fatal(err)
	}
	told := func(version int64, action ledger.Action, key contact.Key, sealed string) {
		d := webhook.Of(ledger.Entry{ID: string(key) + string(rune('0'+version)), Key: key, Channel: contact.Email, Action: action, Scope: "acme",
			Reason: "unsubscribed", Source: "link", At: now, RecordedAt: now, Version: version}, w.now)
		d.Sealed = sealed
		d, _ = d.To(one)
		deliver(t, h, d)
	}
	told(1, ledger.Suppressed, "kari", sealed)
	told(3, ledger.Released, "kari", "")
	told(2, ledger.Suppressed, "kari", "") // overtaken
	told(1, ledger.Suppressed, "ola", "")
	// With a secret that is replaced, both sign.
	one.Credential = one.Replaced(webhook.NewSecret(), w.now)
	w.all[0] = one
	told(2, ledger.Suppressed, "per", "")
	one.Former = ""
	w.all[0] = one
	told(1, ledger.Suppressed, "eva", "") // under a secret that the example has not
	if answer, err := h.try(t.Context(), webhook.TrialOrder{Test: one.ID(), ID: "test"}); err != nil || answer.Failure != "the receiver answered 401" {
		t.Errorf("error %v, failure %q", err, answer.Failure)
	}
	out, err := exec.CommandContext(t.Context(), "python3", "-c",
		`import sqlite3, sys; [print(*row) for row in sqlite3.connect(sys.argv[1]).execute("SELECT key, suppressed, version, address FROM optouts ORDER BY key")]`, database).Output()
	want := "kari 0 3 kari@example.no\nola 1 1 None\nper 1 2 None\n"
	if diff := cmp.Diff(want, string(bytes.ReplaceAll(out, []byte("\r"), nil))); err != nil || diff != "" {
		t.Errorf("error %v, (-want +got)\n%s", err, diff)
	}
	if len(w.queued) != 1 {
		t.Errorf("%d deliveries failed", len(w.queued))
	}
}
