//go:build store

package main

import (
	"strings"
	"testing"

	"stille/shared/contact"
)

func TestForeignKeysGetNoAnswer(t *testing.T) {
	d := deploy(t)
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	d.secret, _ = contactKeys(t)
	d.useKeys()
	got := d.run(t, "check", "email", "kari@example.no").ended(t, exitFailed)
	if !strings.Contains(got.errors, contact.ErrForeignKeys.Error()) || got.out != "" {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}
