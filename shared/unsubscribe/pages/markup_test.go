//go:build browser

package pages_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheMarkupOfEveryPageIsValid(t *testing.T) {
	folder := t.TempDir()
	all := site(t)
	for path, resp := range all {
		file := filepath.Join(folder, strings.ReplaceAll(path, "/", "-")+".html")
		if err := os.WriteFile(file, []byte(resp.Body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(folder, "rules.json")
	if err := os.WriteFile(config, []byte(`{"root": true, "extends": ["html-validate:recommended"], "rules": {"long-title": "off"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	//nolint:gosec // our own files
	said, err := exec.CommandContext(t.Context(), tools+".bin/html-validate", "--config", config, "--max-warnings", "0", folder).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
