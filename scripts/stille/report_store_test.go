//go:build store

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportIsWrittenFromTheLedger(t *testing.T) {
	d := deploy(t)
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--reason", "manual").ended(t, exitDone)
	out := filepath.Join(t.TempDir(), "month.html")
	got := d.run(t, "report", "--month", at.Format("2006-01"), "--out", out).ended(t, exitDone)
	if !strings.Contains(got.out, "wrote "+out) {
		t.Errorf("it says %q", got.out)
	}
	page, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(page), "email, operator") || strings.Contains(string(page), "kari") {
		t.Errorf("error %v; the page says\n%s", err, page)
	}
	if got := d.run(t, "report", "--month", at.Format("2006-01"), "--json").ended(t, exitDone); !strings.Contains(got.out, `"optOuts":[{"channel":"email","source":"operator","count":1}]`) {
		t.Errorf("it says %q", got.out)
	}
	d.run(t, "report", "--month", "yesterday").ended(t, exitUsage)
}
