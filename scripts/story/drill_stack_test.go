//go:build stack

package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/retention"
)

func TestADrillOfTheStackIsCertified(t *testing.T) {
	s := tellNew(t, io.Discard)
	who := s.newPerson("drilled")
	if _, err := s.storeAll(t.Context(), retention.Messaging, []record{{
		ID: "drilled-" + s.id, Contact: &contact{"email", who.email}, Scope: string(s.stack.Scope), Basis: "consent", OccurredAt: s.now, Start: &s.now,
	}}); err != nil {
		t.Fatal(err)
	}
	said, err := s.operator(t.Context(), "drill", "restore", retention.Messaging, "--out", t.TempDir(), "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	var drilled operator.Drilled
	if err := json.Unmarshal([]byte(said), &drilled); err != nil || !drilled.Passed || drilled.Copied == 0 || drilled.Mended.Stamped != drilled.Copied {
		t.Fatalf("error %v: %s", err, said)
	}
	folder := filepath.Dir(drilled.File)
	if said, err := s.operator(t.Context(), "certificate", "verify", folder, "--fingerprint", drilled.Fingerprint); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	openssl := exec.CommandContext(t.Context(), "openssl", "dgst", "-sha256", "-verify", certificate.PublicKeyFile, "-signature", certificate.SignatureFile, certificate.JSONFile)
	openssl.Dir = folder
	if said, err := openssl.CombinedOutput(); err != nil {
		t.Errorf("openssl: %v\n%s", err, said)
	}
}
