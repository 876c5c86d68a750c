package suppression_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// module is where the project's code begins, seen from this package.
const module = "../.."

// parse reads every Go file below a folder that is no test.
func parse(t *testing.T, root string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
			return fs.SkipDir // what setup installs
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		name, _ := filepath.Rel(root, path)
		files[name] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// constants are the names of the constants that are declared with a type.
func constants(files map[string]*ast.File, folder, of string) []string {
	var names []string
	for path, file := range files {
		if filepath.Dir(path) != folder {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				if typed, ok := spec.Type.(*ast.Ident); ok && typed.Name == of {
					names = append(names, spec.Names[0].Name)
				}
			}
			return true
		})
	}
	slices.Sort(names)
	return names
}

// tableRows are the reasons of the rows of the table.
func tableRows(files map[string]*ast.File) []string {
	var reasons []string
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if field, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := field.Key.(*ast.Ident); ok && key.Name == "reason" {
					if value, ok := field.Value.(*ast.Ident); ok {
						reasons = append(reasons, value.Name)
					}
				}
			}
			return true
		})
	}
	slices.Sort(reasons)
	return reasons
}

// undecided lists where one channel is decided on and another is not: a switch
// that names one and not every one, and a comparison with one.
func undecided(files map[string]*ast.File, channels []string) []string {
	named := func(in string, e ast.Expr) string {
		switch e := e.(type) {
		case *ast.SelectorExpr:
			if of, ok := e.X.(*ast.Ident); ok && of.Name == "contact" && slices.Contains(channels, e.Sel.Name) {
				return e.Sel.Name
			}
		case *ast.Ident:
			if in == "shared/contact" && slices.Contains(channels, e.Name) {
				return e.Name
			}
		}
		return ""
	}
	found := map[string]bool{}
	for path, file := range files {
		folder := filepath.Dir(path)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SwitchStmt:
				cases := map[string]bool{}
				for _, clause := range n.Body.List {
					for _, e := range clause.(*ast.CaseClause).List {
						if name := named(folder, e); name != "" {
							cases[name] = true
						}
					}
				}
				if len(cases) > 0 && len(cases) < len(channels) {
					found[path] = true
				}
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && named(folder, n.X)+named(folder, n.Y) != "" {
					found[path] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

func TestEveryReasonHasOneRow(t *testing.T) {
	files := parse(t, ".")
	if diff := cmp.Diff(constants(files, ".", "Reason"), tableRows(files)); diff != "" {
		t.Errorf("(-constants +rows)\n%s", diff)
	}
}

func TestEveryChannelIsDecidedEverywhere(t *testing.T) {
	files := parse(t, module)
	channels := constants(files, "shared/contact", "Channel")
	if len(channels) < 2 {
		t.Fatalf("channels: %v", channels)
	}
	if found := undecided(files, channels); len(found) > 0 {
		t.Errorf("one channel is decided and another is not: %v", found)
	}
}

// A copy of the project gets one more reason and one more channel.
func TestAForgottenReasonOrChannelIsFound(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"shared/contact", "shared/suppression", "shared/link", "shared/unsubscribe", "functions/mint"} {
		if err := os.CopyFS(filepath.Join(root, folder), os.DirFS(filepath.Join(module, folder))); err != nil {
			t.Fatal(err)
		}
	}
	add := func(file, after, line string) {
		t.Helper()
		path := filepath.Join(root, file)
		text, err := os.ReadFile(path)
		if err != nil || strings.Count(string(text), after) != 1 {
			t.Fatalf("%q in %s: error %v", after, file, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), after, after+line, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	add("shared/suppression/reason.go", "// from another list, its reason unknown", "\n\tReserved Reason = \"reserved\"")
	add("shared/contact/contact.go", `SMS   Channel = "sms"`, "\n\tPush Channel = \"push\"")

	files := parse(t, root)
	inTable := tableRows(files)
	forgotten := slices.DeleteFunc(constants(files, "shared/suppression", "Reason"), func(r string) bool { return slices.Contains(inTable, r) })
	if diff := cmp.Diff([]string{"Reserved"}, forgotten); diff != "" {
		t.Errorf("reasons without a row (-want +got)\n%s", diff)
	}
	want := []string{"functions/mint/handler.go", "shared/contact/contact.go", "shared/link/link.go", "shared/unsubscribe/pages/text.go"}
	if diff := cmp.Diff(want, undecided(files, constants(files, "shared/contact", "Channel"))); diff != "" {
		t.Errorf("files that do not decide the new channel (-want +got)\n%s", diff)
	}
}
