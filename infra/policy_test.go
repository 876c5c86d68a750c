//go:build infra

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

// inFolderWith makes the working directory one with copies of the policy files
// in which one text is replaced.
func inFolderWith(t *testing.T, file, before, after string) {
	t.Helper()
	contents := map[string]string{}
	for _, name := range []string{names.RetentionFile, names.ScopesFile, lockFile} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		contents[name] = string(data)
	}
	if !strings.Contains(contents[file], before) {
		t.Fatalf("%s does not say %q", file, before)
	}
	contents[file] = strings.Replace(contents[file], before, after, 1)
	t.Chdir(t.TempDir())
	for name, content := range contents {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSynthRefusesAndSaysWhere(t *testing.T) {
	for _, test := range []struct{ mistake, file, before, after, says string }{
		{"a period longer than the policy's", names.RetentionFile, "keep: P6M", "keep: P7M", "infra/retention.yaml"},
		{"a field that nobody knows", names.RetentionFile, "keep: P6M", "keep: P6M\n    kept: P6M", "infra/retention.yaml"},
		{"text that is no YAML", names.RetentionFile, "keep: P6M", "keep: P6M: P6M", "infra/retention.yaml"},
		{"a scope whose brand is missing", names.ScopesFile, "scope: acme/newsletter", "scope: apex/newsletter", "infra/scopes.yaml"},
		{"a scope that was removed", lockFile, "3 globex", "4 gone", "infra/scopes.lock"},
		{"an id that was used before", lockFile, "3 globex", "3 gone", "infra/scopes.lock"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			inFolderWith(t, test.file, test.before, test.after)
			line := 1 + strings.Count(textBefore(t, test.file, test.after), "\n") + strings.Count(test.after, "\n")
			err := synth()
			if err == nil {
				t.Fatal("synth took it")
			}
			for _, want := range []string{test.says, fmt.Sprintf("line %d: ", line)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in %q", want, err)
				}
			}
		})
	}
}

// textBefore is what stands in a file before some text.
func textBefore(t *testing.T, file, text string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(data), text)
	return before
}

func TestALostLockIsNotMadeAnew(t *testing.T) {
	inFolderWith(t, lockFile, "", "")
	if err := os.Remove(lockFile); err != nil {
		t.Fatal(err)
	}
	if err := synth(); err == nil || !strings.Contains(err.Error(), lockFile) {
		t.Errorf("got %v", err)
	}
}

func TestTheLockLearnsNewScopesOnly(t *testing.T) {
	before, err := os.ReadFile(lockFile)
	if err != nil {
		t.Fatal(err)
	}
	inFolderWith(t, lockFile, "3 globex\n", "")
	save, err := lockScopes()
	if err != nil {
		t.Fatal(err)
	}
	if err := save(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(lockFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsDeployedByLeavingItOut(t *testing.T) {
	out := t.TempDir()
	_, err := readConfig(newApp(&out), nil)
	for _, want := range []string{"-c environment=local or -c environment=production", "-c version="} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
	app := newApp(jsii.String(t.TempDir()))
	app.Node().SetContext(jsii.String("environment"), "production")
	app.Node().SetContext(jsii.String("version"), "v1")
	config, err := readConfig(app, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := [3]any{config.Name, config.Region, config.Version}; got != [3]any{names.DefaultStack, "eu-north-1", "v1"} {
		t.Errorf("got %v", got)
	}
}
