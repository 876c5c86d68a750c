//go:build infra

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a deployer changes first must leave the tests green. Each test changes a
// copy of the project.

func TestOwnBrandAndClassLeaveTestsGreen(t *testing.T) {
	project := copyOfProject(t)
	rewrite(t, project, "infra/scopes.yaml", func(scopes string) string {
		return strings.ReplaceAll(scopes, "example-brand", "tine")
	})
	rewrite(t, project, "infra/retention.yaml", func(policy string) string {
		classes := strings.Split(policy, "\n  - class: ")
		_, last, _ := strings.Cut(classes[len(classes)-1], "\n")
		return policy + "\n  - class: letters\n" + last
	})
	project.must(t, "go", "test", "./scripts/local", "-run", "PolicyFiles")
	project.must(t, "go", "test", "./functions/...", "./shared/...", "./scripts/stille")
}

func TestOwnModulePathLeavesTestsGreen(t *testing.T) {
	project := copyOfProject(t)
	project.must(t, "make", "module", "MODULE=example.org/tine/opt-outs")
	if got := project.must(t, "go", "list", "-m"); got != "example.org/tine/opt-outs\n" {
		t.Errorf("the module is %q", got)
	}
	if unformatted := project.must(t, "gofmt", "-l", "functions", "infra", "scripts", "shared"); unformatted != "" {
		t.Errorf("not formatted:\n%s", unformatted)
	}
	project.must(t, "go", "vet", "-tags", "store,stack,browser,infra", "./...")
	project.must(t, "go", "test", "./functions/check", "./scripts/local", "./shared/scope")
}

func TestUnresolvableModulePathIsRefused(t *testing.T) {
	project := copyOfProject(t)
	for _, path := range []string{"", "stille", "https://example.org/stille", "example.org", "example.org/ü"} {
		if out, err := project.command("scripts/module", path).CombinedOutput(); err == nil || !strings.Contains(string(out), "make module MODULE=") {
			t.Errorf("%q: error %v, it says %s", path, err, out)
		}
	}
}

// project is the folder of a copy.
type project string

// copyOfProject copies the project's files. They keep their times, so that the
// go command takes the results of tests that read no changed file from its cache.
func copyOfProject(t *testing.T) project {
	t.Helper()
	root := project("../..")
	copied := project(t.TempDir())
	files := root.must(t, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	for file := range strings.SplitSeq(strings.TrimSuffix(files, "\x00"), "\x00") {
		from, to := filepath.Join(string(root), file), filepath.Join(string(copied), file)
		info, err := os.Stat(from)
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		content, readErr := os.ReadFile(from)
		if err := errors.Join(err, readErr, os.MkdirAll(filepath.Dir(to), 0o750)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(to, content, info.Mode()), os.Chtimes(to, info.ModTime(), info.ModTime())); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

func rewrite(t *testing.T, p project, name string, change func(string) string) {
	t.Helper()
	file := filepath.Join(string(p), name)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	after := change(string(before))
	if after == string(before) {
		t.Fatalf("%s did not change", name)
	}
	if err := os.WriteFile(file, []byte(after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs in the project. Without paths in the programs, a copy shares the
// build cache.
func (p project) command(program string, arguments ...string) *exec.Cmd {
	command := exec.Command(program, arguments...)
	command.Dir = string(p)
	command.Env = append(os.Environ(), "GOFLAGS=-trimpath", "GOTOOLCHAIN=local")
	return command
}

// must returns what a program says, and fails the test where the program fails.
func (p project) must(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	out, err := p.command(program, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(arguments, " "), err, out)
	}
	return string(out)
}
