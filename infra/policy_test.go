//go:build infra

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope/scopetest"
)

// folderWith returns a folder with the policy files of the tests, in one of
// which a text is replaced.
func folderWith(t *testing.T, file, before, after string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{
		names.RetentionFile: string(retentiontest.File()), names.ScopesFile: string(scopetest.File()),
	} {
		if name == file {
			if !strings.Contains(content, before) {
				t.Fatalf("%s does not say %q", file, before)
			}
			content = strings.Replace(content, before, after, 1)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestSynthRefusesAndSaysWhere(t *testing.T) {
	for _, test := range []struct{ mistake, file, before, after, says string }{
		{"a period longer than the policy's", names.RetentionFile, "keep: P6M", "keep: P7M", "retention.yaml"},
		{"a field that nobody knows", names.RetentionFile, "keep: P6M", "keep: P6M\n    kept: P6M", "retention.yaml"},
		{"text that is no YAML", names.RetentionFile, "keep: P6M", "keep: P6M: P6M", "retention.yaml"},
		{"a scope whose brand is missing", names.ScopesFile, "scope: acme/newsletter", "scope: apex/newsletter", "scopes.yaml"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			folder := folderWith(t, test.file, test.before, test.after)
			line := 1 + strings.Count(textBefore(t, filepath.Join(folder, test.file), test.after), "\n") + strings.Count(test.after, "\n")
			_, err := readPolicyFiles(folder)
			if err == nil {
				t.Fatal("synth took it")
			}
			for _, want := range []string{test.file, test.says, fmt.Sprintf("line %d: ", line)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in %q", want, err)
				}
			}
		})
	}
}

// textBefore returns what a file holds before some text.
func textBefore(t *testing.T, file, text string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(data), text)
	return before
}

func TestFunctionsBuiltWithAnotherPolicyAreRefused(t *testing.T) {
	files, err := readPolicyFiles(folderWith(t, "", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, file, before string
		refused            bool
	}{{"the same files", "", "", false}, {"another policy", names.RetentionFile, "P6M", true}, {"other scopes", names.ScopesFile, "Acme", true}} {
		t.Run(test.name, func(t *testing.T) {
			dist := filepath.Dir(folderWith(t, test.file, test.before, "other"))
			err := files.areBuiltInto(dist)
			if (err != nil) != test.refused || test.refused && !strings.Contains(err.Error(), test.file) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestNothingIsDeployedByOmission(t *testing.T) {
	out := t.TempDir()
	_, err := readConfig(newApp(&out))
	for _, want := range []string{"-c environment=local or -c environment=production", "-c version="} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
	app := newApp(jsii.String(t.TempDir()))
	app.Node().SetContext(jsii.String("environment"), "production")
	app.Node().SetContext(jsii.String("version"), "v1")
	config, err := readConfig(app)
	if err != nil {
		t.Fatal(err)
	}
	if got := [3]any{config.Name, config.Region, config.Version}; got != [3]any{names.DefaultStack, "eu-north-1", "v1"} {
		t.Errorf("got %v", got)
	}
}
