//go:build stack

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stille/scripts/documents/documentstest"
)

// newcomer is the folder of a reader of the documents: the stack file and the
// operator's command lie where `make run` puts them.
func newcomer(t *testing.T) (folder string, run func(program, script string) (string, error)) {
	t.Helper()
	folder = t.TempDir()
	tools := filepath.Join(folder, ".local", "bin")
	if err := os.MkdirAll(tools, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, target := range map[string]string{
		filepath.Join(folder, ".local", "stack.json"): deployed.place.File,
		filepath.Join(tools, "stille"):                filepath.Join(deployed.root, ".local", "bin", "stille"),
	} {
		if err := os.Symlink(target, file); err != nil {
			t.Fatal(err)
		}
	}
	return folder, func(program, script string) (string, error) {
		command := exec.CommandContext(t.Context(), program, "-")
		if program == "bash" {
			command = exec.CommandContext(t.Context(), program, "-eu", "-o", "pipefail", "-s")
		}
		command.Dir, command.Stdin = folder, strings.NewReader(script)
		command.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"))
		out, err := command.CombinedOutput()
		return string(out), err
	}
}

func documentsOf(t *testing.T) []documentstest.Document {
	t.Helper()
	all, err := documentstest.All(deployed.root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// answersAreNoFailures lets a script continue after exit code 4: the tests'
// stack always has open tasks.
const answersAreNoFailures = "stille() { command stille \"$@\" || [ $? -eq 4 ]; }\n"

func TestDocumentedShellCommandsWork(t *testing.T) {
	ran := 0
	for _, d := range documentsOf(t) {
		script := strings.Join(d.Blocks("sh local"), "\n")
		if script == "" {
			continue
		}
		ran++
		_, run := newcomer(t)
		out, err := run("bash", answersAreNoFailures+script)
		if err != nil || strings.Contains(out, `"errors"`) || strings.Contains(out, `"stored":false`) || strings.Contains(out, `"released":false`) {
			t.Errorf("%s: %v\n%s", d.Path, err, out)
		}
	}
	if ran < 2 {
		t.Errorf("%d documents have commands to run", ran)
	}
}

func TestDocumentedOperatorCommandsExist(t *testing.T) {
	tried := 0
	_, run := newcomer(t)
	for _, d := range documentsOf(t) {
		for _, command := range d.Commands() {
			tried++
			// The command line is read before help is printed, so a command or
			// a flag that does not exist fails.
			if out, err := run("bash", command+" --help"); err != nil {
				t.Errorf("%s: %s: %v\n%s", d.Path, command, err, out)
			}
		}
	}
	if tried < 20 {
		t.Errorf("the documents show %d commands", tried)
	}
}

func TestDocumentedChecksSayNoInDoubt(t *testing.T) {
	yes := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, `{"results":[{"send":true}]}`)
	}))
	defer yes.Close()
	moved := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, yes.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer moved.Close()
	s := tellNew(t, new(strings.Builder))
	silent := s.newPerson("documented")
	if err := s.optOut(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(deployed.root, ".local", "venv", "bin", "python")
	for label, language := range map[string]struct{ program, call string }{
		"python local": {python, "print(may_send(%q, %q, 'email', %q))\n"},
		"js local":     {"node", "maySend(%q, %q, 'email', %q).then(answer => console.log(answer ? 'True' : 'False'));\n"},
	} {
		var code string
		for _, d := range documentsOf(t) {
			code += strings.Join(d.Blocks(label), "\n")
		}
		for _, test := range []struct{ what, api, key, address, want string }{
			{"a person who may be sent to", s.stack.API, s.stack.APIKey, "new." + s.id + "@example.no", "True"},
			{"a person who opted out", s.stack.API, s.stack.APIKey, silent.email, "False"},
			{"a wrong key", s.stack.API, "wrong", "new." + s.id + "@example.no", "False"},
			{"a redirect to a yes", moved.URL, s.stack.APIKey, "new." + s.id + "@example.no", "False"},
			{"no server", "http://127.0.0.1:1", s.stack.APIKey, "new." + s.id + "@example.no", "False"},
		} {
			_, run := newcomer(t)
			out, err := run(language.program, code+"\n"+fmt.Sprintf(language.call, test.api, test.key, test.address))
			if err != nil || strings.TrimSpace(out) != test.want {
				t.Errorf("%s, %s: %q, error %v", label, test.what, out, err)
			}
		}
	}
}
