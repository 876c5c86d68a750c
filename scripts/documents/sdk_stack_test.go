//go:build stack

package documents_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stille/shared/sdk/vectorstest"
)

const mailReadme = "shared/sdk/README.md"

// goProgram is what the documents leave out of the Go snippet.
const goProgram = `package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

func main() {
	ctx := context.Background()
%s
	if err := errors.Join(err, awsErr, sendErr); err != nil {
		fmt.Println(err)
	}
}
`

// snippet returns the first block of the SDKs' document with a label.
func snippet(t *testing.T, label string) string {
	t.Helper()
	for _, d := range all(t) {
		if blocks := d.Blocks(label); d.Path == mailReadme && len(blocks) > 0 {
			return blocks[0]
		}
	}
	t.Fatalf("%s has no block %q", mailReadme, label)
	return ""
}

// mailbox starts an API and SES, and returns their address and what SES got.
func mailbox(t *testing.T) (string, func() vectorstest.MailSeen) {
	t.Helper()
	cases, err := vectorstest.MailCases()
	if err != nil {
		t.Fatal(err)
	}
	server, stop, err := vectorstest.Serve(nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	base := fmt.Sprintf("%s/mail/%d", server.URL, len(cases)-1)
	return base, func() vectorstest.MailSeen {
		resp, err := http.Get(base + "/seen")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var seen vectorstest.MailSeen
		if err := json.NewDecoder(resp.Body).Decode(&seen); err != nil {
			t.Fatal(err)
		}
		return seen
	}
}

func TestAMailIsSentInFifteenLines(t *testing.T) {
	project, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	tools := filepath.Join(project, ".local", "sdk")
	if _, err := os.Stat(tools); err != nil {
		t.Fatal("run: scripts/setup sdk")
	}
	folder := t.TempDir()
	packages := filepath.Join(folder, "node_modules")
	if err := os.Mkdir(packages, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"stille":   filepath.Join(project, "shared", "sdk", "typescript"),
		"@aws-sdk": filepath.Join(tools, "npm", "node_modules", "@aws-sdk"),
	} {
		if err := os.Symlink(target, filepath.Join(packages, name)); err != nil {
			t.Fatal(err)
		}
	}
	for label, program := range map[string]struct {
		file, text, from string
		command          []string
	}{
		"python mail": {"mail.py", "%s", folder, []string{filepath.Join(tools, "venv", "bin", "python")}},
		"js mail":     {"mail.mjs", "%s", folder, []string{"node"}},
		"go mail":     {"mail.go", goProgram, project, []string{"go", "run"}},
	} {
		t.Run(label, func(t *testing.T) {
			text := snippet(t, label)
			if lines := strings.Count(text, "\n"); lines >= 15 {
				t.Errorf("it has %d lines, want less than 15", lines)
			}
			file := filepath.Join(folder, program.file)
			if err := os.WriteFile(file, fmt.Appendf(nil, program.text, text), 0o600); err != nil {
				t.Fatal(err)
			}
			base, seen := mailbox(t)
			run := exec.CommandContext(t.Context(), program.command[0], append(program.command[1:], file)...)
			run.Dir = program.from
			run.Env = append(os.Environ(), "STILLE_API="+base, "STILLE_KEY="+vectorstest.Key, "AWS_ENDPOINT_URL_SESV2="+base,
				"AWS_REGION=eu-north-1", "AWS_DEFAULT_REGION=eu-north-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
				"PYTHONPATH="+filepath.Join(project, "shared", "sdk", "python"), "PYTHONDONTWRITEBYTECODE=1")
			out, err := run.Output()
			if err != nil || string(out) != snippet(t, "text mail") {
				t.Errorf("%v\n%s", err, out)
			}
			if got := seen(); got.Mails != 1 || got.Wrong != "" {
				t.Errorf("SES got %d mails, and %q", got.Mails, got.Wrong)
			}
		})
	}
}

// Without a network: nothing is downloaded, and nothing is built by the user.
func TestTheSDKsInstallFromTheirFolders(t *testing.T) {
	project, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	sdk := filepath.Join(project, "shared", "sdk")
	for name, script := range map[string]string{
		"python3": `python3 -m venv v && v/bin/pip install -q --no-index --disable-pip-version-check ` + sdk + `/python &&
			v/bin/python -c 'import stille.ses; print(stille.Client.__name__)' && test -f v/lib/python3*/site-packages/stille/py.typed`,
		"npm": `npm init -y >npm.log && npm install --offline --silent ` + sdk + `/typescript &&
			node -e 'console.log(require("stille").Client.name)' && echo 'import { Sender } from "stille"; new Sender({}, {}, { scope: "a", configurationSet: "b" })' >a.mjs && node a.mjs`,
		"go": `go mod init example.org/tool 2>go.log && go mod edit -replace stille=` + project + ` && go get stille/shared/sdk/go/sesmail 2>go.log &&
			printf 'package main\nimport ("fmt"; "stille/shared/sdk/go")\nfunc main() { _, err := client.New("https://a.example", "k"); fmt.Println("Client", err) }' >main.go && go run .`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Fatal("there is no " + name)
			}
			run := exec.CommandContext(t.Context(), "bash", "-eu", "-c", script)
			run.Dir = t.TempDir()
			run.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "PIP_NO_CACHE_DIR=1")
			if out, err := run.CombinedOutput(); err != nil || !strings.Contains(string(out), "Client") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestDocumentedSnippetsFollowNoRedirect(t *testing.T) {
	var asked atomic.Int32
	yes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, `{"results":[{"send":true}]}`)
	}))
	t.Cleanup(yes.Close)
	var code atomic.Int32
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", yes.URL+r.URL.Path)
		w.WriteHeader(int(code.Load()))
		fmt.Fprint(w, `{"results":[{"send":true}]}`)
	}))
	t.Cleanup(moved.Close)
	shell, _, _ := strings.Cut(snippet(t, "sh local"), "may_send email")
	_, shell, _ = strings.Cut(shell, "\n") // the line that reads the stack file
	for program, script := range map[string]string{
		"python3": snippet(t, "python local") + "\nprint(may_send('%[1]s', 'key', 'email', 'kari@example.no'))",
		"node":    snippet(t, "js local") + "\nmaySend('%[1]s', 'key', 'email', 'kari@example.no').then(console.log)",
		"bash":    "api=%[1]s key=key\n" + strings.ReplaceAll(shell, "%", "%%") + "\nmay_send email kari@example.no && echo true || echo false",
	} {
		run := func(api string) string {
			command := exec.CommandContext(t.Context(), program)
			command.Stdin = strings.NewReader(fmt.Sprintf(script, api))
			out, err := command.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v", program, err)
			}
			return strings.ToLower(strings.TrimSpace(string(out)))
		}
		if got := run(yes.URL); got != "true" {
			t.Errorf("%s says %s to a yes", program, got)
		}
		before := asked.Load()
		for _, status := range []int32{301, 302, 303, 307, 308} {
			code.Store(status)
			if got := run(moved.URL); got != "false" || asked.Load() != before {
				t.Errorf("%s says %s to status %d", program, got, status)
			}
		}
	}
}
