//go:build infra

package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The second folder is a repository with a commit, and Go is not told to leave out
// paths: the build itself must leave both out.
func TestSameSourcesGiveSameBytesInAnyFolder(t *testing.T) {
	first, second := copyOfOneFunction(t), copyOfOneFunction(t)
	second.must(t, "git", "init", "-q")
	second.must(t, "git", "add", ".")
	second.must(t, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "copy")
	before, after := first.builds(t), second.builds(t)
	for _, name := range []string{"check/bootstrap", "check/retention.yaml", "check/scopes.yaml", "stille.cdx.json"} {
		if len(before[name]) == 0 || !bytes.Equal(before[name], after[name]) {
			t.Errorf("%s has %d bytes, then %d others", name, len(before[name]), len(after[name]))
		}
	}
	if len(before) != len(after) || len(before) != 4 {
		t.Errorf("%d files, then %d", len(before), len(after))
	}
}

func TestBillOfMaterialsNamesWhatWasBuilt(t *testing.T) {
	project := copyOfOneFunction(t)
	var bill struct {
		BOMFormat  string
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(project.builds(t)["stille.cdx.json"], &bill); err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, c := range bill.Components {
		if want := "pkg:golang/" + c.Name + "@" + c.Version; c.PURL != want {
			t.Errorf("%s, want %s", c.PURL, want)
		}
		named[c.Name] = c.Version
	}
	const lambda, tests = "github.com/aws/aws-lambda-go", "pgregory.net/rapid"
	version := project.must(t, "go", "list", "-m", "-f", "{{.Version}}", lambda)
	if bill.BOMFormat != "CycloneDX" || named[lambda]+"\n" != version || named["std"] == "" {
		t.Errorf("%s with %v, want %s in version %s", bill.BOMFormat, named, lambda, version)
	}
	if _, found := named[tests]; found {
		t.Errorf("%s is named, which only tests need", tests)
	}
}

// copyOfOneFunction is a copy of the project with the function check alone: one is
// linked in a tenth of the time.
func copyOfOneFunction(t *testing.T) project {
	t.Helper()
	copied := copyOfProject(t)
	folders, err := filepath.Glob(filepath.Join(string(copied), "functions", "*", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range folders {
		if folder := filepath.Dir(main); filepath.Base(folder) != "check" {
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
		}
	}
	return copied
}

// builds returns the files that scripts/build leaves in dist.
func (p project) builds(t *testing.T) map[string][]byte {
	t.Helper()
	build := p.command("scripts/build", "linux", "arm64", "infra")
	build.Env = append(build.Env, "GOFLAGS=-buildvcs=auto") // what Go does where nothing is said
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string][]byte{}
	dist := filepath.Join(string(p), "dist")
	err := filepath.WalkDir(dist, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dist, file)
		if err != nil {
			return err
		}
		files[name], err = os.ReadFile(file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
