//go:build infra

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope/scopetest"
)

const environments = `environments:
  live: {account: "210987654321", region: eu-west-3, prefix: quiet}
`

// folderWith returns a folder with the files of the tests, in one of which a text
// is replaced.
func folderWith(t *testing.T, file, before, after string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{
		names.RetentionFile: string(retentiontest.File()), names.ScopesFile: string(scopetest.File()), names.EnvironmentsFile: environments,
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

func TestFunctionsBuiltWithAnotherPolicyAreRefused(t *testing.T) {
	files, err := environment.Read(folderWith(t, "", "", ""), "infra", "live")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, file, before string
		refused            bool
	}{{"the same files", "", "", false}, {"another policy", names.RetentionFile, "P6M", true}, {"other scopes", names.ScopesFile, "Acme", true}} {
		t.Run(test.name, func(t *testing.T) {
			dist := filepath.Dir(folderWith(t, test.file, test.before, "other"))
			err := areBuiltInto(dist, "infra", files)
			if (err != nil) != test.refused || test.refused && !strings.Contains(err.Error(), test.file) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// config reads the context of an app that knows these values.
func config(t *testing.T, values map[string]string) (Config, error) {
	t.Helper()
	app := newApp(jsii.String(t.TempDir()))
	for name, value := range values {
		app.Node().SetContext(jsii.String(name), value)
	}
	return readConfig(app, t.TempDir())
}

func TestNothingIsDeployedByOmission(t *testing.T) {
	folder := folderWith(t, "", "", "")
	for says, values := range map[string]map[string]string{
		"-c environment=NAME": {"version": "v1", "policy": folder},
		"-c version=":         {"environment": "live", "policy": folder},
		"-c gateway=":         {"environment": "local", "version": "v1", "policy": folder},
		`"staging"`:           {"environment": "staging", "version": "v1", "policy": folder},
	} {
		if _, err := config(t, values); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q in %v", says, err)
		}
	}
	got, err := config(t, map[string]string{"environment": "live", "version": "v1", "policy": folder})
	if err != nil {
		t.Fatal(err)
	}
	if got.Account != "210987654321" || got.Region != "eu-west-3" || got.Prefix != "quiet" || got.Version != "v1" || !got.Settings.DeletionProtection {
		t.Errorf("got %+v", got)
	}
}

func TestMistakesAreRefusedWithFileAndLine(t *testing.T) {
	for name, folder := range map[string]string{
		"retention.yaml:":              folderWith(t, names.RetentionFile, "keep: P6M", "keep: P7M"),
		"scopes.yaml:":                 folderWith(t, names.ScopesFile, "scope: acme/newsletter", "scope: apex/newsletter"),
		"environments.yaml:2: region":  folderWith(t, names.EnvironmentsFile, "eu-west-3", "Paris"),
		"environments.yaml:2: account": folderWith(t, names.EnvironmentsFile, `account: "210987654321"`, `production: true, account: "111122223333"`),
	} {
		if _, err := config(t, map[string]string{"environment": "live", "version": "v1", "policy": folder}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q in %v", name, err)
		}
	}
}
