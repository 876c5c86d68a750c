package lambdafn

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stille/shared/names"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope/scopetest"
)

// build reads everything that a function can read.
func build(c *Container) any {
	c.Env.Required(names.VarParkedQueue)
	c.Scopes()
	c.Policy()
	return c
}

// configured sets up an environment in which a function can start.
func configured(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, content := range map[string][]byte{names.ScopesFile: scopetest.File(), names.RetentionFile: retentiontest.File()} {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(names.VarTaskRoot, root)
	t.Setenv(names.VarStack, "stille")
	t.Setenv(names.VarParkedQueue, "https://queue")
	t.Setenv("AWS_REGION", "eu-north-1")
	return root
}

func TestAFunctionStartsWithItsConfiguration(t *testing.T) {
	configured(t)
	var out bytes.Buffer
	built, err := assemble(build, slog.New(slog.NewJSONHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if built.(*Container).Log.Info("x"); !strings.Contains(out.String(), `"stackName":"stille"`) {
		t.Errorf("a metric would lack its stack: %s", out.String())
	}
	if c := built.(*Container); c.Stack.Table(names.TableSuppressions) != "stille-suppressions" || c.AWS.Region != "eu-north-1" || c.Log == nil {
		t.Errorf("stack %v, region %q", c.Stack, c.AWS.Region)
	}
}

func TestFunctionKnowsRestoredTablesAndLinkDomains(t *testing.T) {
	configured(t)
	t.Setenv(names.VarRestored, `{"holds":"stille-holds-2"}`)
	built, err := assemble(build, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if stack := built.(*Container).Stack; stack.Table(names.TableHolds) != "stille-holds-2" || stack.Table(names.TableLedger) != "stille-ledger" {
		t.Errorf("its tables are %s and %s", stack.Table(names.TableHolds), stack.Table(names.TableLedger))
	}
	t.Setenv(names.VarRestored, "")
	t.Setenv(names.VarLinkDomains, `{"acme":"links.other.example"}`)
	if built, err = assemble(build, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if entry, _ := built.(*Container).Scopes().Lookup("acme/newsletter"); entry.LinkDomain != "links.other.example" {
		t.Errorf("links lead to %s", entry.LinkDomain)
	}
	t.Setenv(names.VarRestored, "stille-holds-2")
	if _, err := assemble(build, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrConfiguration) || !strings.Contains(err.Error(), names.VarRestored) {
		t.Errorf("names that cannot be read: %v", err)
	}
}

func TestAFunctionNamesEveryMistakeInItsConfiguration(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, root string)
		named []string
	}{
		{"variables and files are missing", func(t *testing.T, _ string) {
			t.Setenv(names.VarTaskRoot, t.TempDir())
			t.Setenv(names.VarStack, "")
			t.Setenv(names.VarParkedQueue, " ")
		}, []string{names.VarStack, names.VarParkedQueue, names.ScopesFile, names.RetentionFile}},
		{"invalid files", func(t *testing.T, root string) {
			for _, name := range []string{names.ScopesFile, names.RetentionFile} {
				if err := os.WriteFile(filepath.Join(root, name), []byte("classes: 1\nscopes: 1\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}, []string{names.ScopesFile, names.RetentionFile}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.spoil(t, configured(t))
			_, err := assemble(build, slog.New(slog.DiscardHandler))
			if !errors.Is(err, ErrConfiguration) {
				t.Fatalf("error %v", err)
			}
			for _, name := range test.named {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("it does not name %s: %v", name, err)
				}
			}
			if code := Lambda("check", build); code != 1 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
