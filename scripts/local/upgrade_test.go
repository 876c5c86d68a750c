//go:build stack

package local

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"stille/shared/aws/deployment"
	"stille/shared/names"
)

// remains are what people, tools and purges left on a stack before an update.
type remains struct {
	key  string // of a tool
	link string // the path of a link that opted out
	run  string // a purge with a certificate
}

// leave has a contact opt out by a link, a record held, another purged, and a certificate
// written.
func (p Place) leave(t *testing.T) remains {
	t.Helper()
	var left remains
	left.key = strings.TrimSpace(p.stille(t, "tool", "add", "shop", "--rights", "links,records", "--scopes", "*"))
	left.link = p.mint(t, left.key, "kari@tine.no")
	p.call(t, names.OutputLinks, left.link, "", "List-Unsubscribe=One-Click")
	stored := p.call(t, names.OutputAPI, "/v1/records", left.key, `{"class":"messaging","records":[
		{"id":"held","contact":{"channel":"email","address":"ola@tine.no"},"scope":"tine","basis":"consent","occurredAt":"2020-01-01T00:00:00Z","start":"2020-01-01T00:00:00Z"},
		{"id":"due","contact":{"channel":"email","address":"per@tine.no"},"scope":"tine","basis":"consent","occurredAt":"2020-01-01T00:00:00Z","start":"2020-01-01T00:00:00Z"},
		{"id":"kept","contact":{"channel":"email","address":"eva@tine.no"},"scope":"tine","basis":"customer","occurredAt":"2020-01-01T00:00:00Z"}]}`)
	if strings.Count(stored, `"stored":true`) != 3 {
		t.Fatal(stored)
	}
	p.stille(t, "hold", "set", "--case", "C-17", "--reason", "claim", "--record", "messaging", "held")
	ran := p.stille(t, "purge", "run", "messaging", "--json")
	left.run = runIn(t, ran)
	return left
}

// runIn is the run that an answer names.
func runIn(t *testing.T, answer string) string {
	t.Helper()
	found := regexp.MustCompile(`"run": ?"([^"]+)"`).FindStringSubmatch(answer)
	if found == nil {
		t.Fatal(answer)
	}
	return found[1]
}

// mint returns the path of a link that a tool asked for.
func (p Place) mint(t *testing.T, key, address string) string {
	t.Helper()
	minted := p.call(t, names.OutputAPI, "/v1/links", key, `{"scope":"tine","contacts":[{"channel":"email","address":"`+address+`"}]}`)
	var links struct {
		Results []struct{ URL string }
	}
	if err := json.Unmarshal([]byte(minted), &links); err != nil || len(links.Results) != 1 {
		t.Fatalf("%v: %s", err, minted)
	}
	to, err := url.Parse(links.Results[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	return to.Path
}

// answers are what the stack says of the remains.
func (p Place) answers(t *testing.T, left remains) map[string]string {
	t.Helper()
	said := map[string]string{"the link, opened again": regexp.MustCompile(`data-state="\w+"`).FindString(p.call(t, names.OutputLinks, left.link, "", ""))}
	p.mint(t, left.key, "kari@tine.no") // another link each time
	folder := filepath.Join(t.TempDir(), "proof")
	for _, typed := range []string{
		"check email kari@tine.no --scope tine", "check email eva@tine.no --scope tine", "history email kari@tine.no --json",
		"hold list --json", "hold history --case C-17 --json", "proof messaging held --json", "proof messaging due --json", "proof messaging kept --json",
		"purge show " + left.run + " --json", "certificate get " + left.run + " --out FOLDER --json", "certificate verify FOLDER",
	} {
		answer := p.stille(t, strings.Fields(strings.ReplaceAll(typed, "FOLDER", folder))...)
		said[typed] = strings.ReplaceAll(answer, folder, "FOLDER")
	}
	for what, begins := range map[string]string{
		"the link, opened again": `data-state="stopped"`, "check email kari@tine.no --scope tine": "do not send", "check email eva@tine.no --scope tine": "send",
	} {
		if !strings.HasPrefix(said[what], begins) {
			t.Errorf("%s: %q does not begin with %q", what, said[what], begins)
		}
	}
	return said
}

// stille types a command of the operator, and returns its answer. A no is an answer.
func (p Place) stille(t *testing.T, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), p.tool("bin", "stille"), append(arguments, "--aws", "--stack", string(live))...) //nolint:gosec // our own CLI
	command.Env = p.awsEnvironment()
	said, err := command.Output()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() == 4 {
		err = nil
	}
	if err != nil {
		t.Fatalf("stille %s: %v, %s", strings.Join(arguments, " "), err, ended.Stderr)
	}
	return string(said)
}

// call calls an API of the stack through the emulator's path for it: with a body it is a
// POST, with a key a tool's.
func (p Place) call(t *testing.T, output, path, key, body string) string {
	t.Helper()
	outputs, err := deployment.NewOutputs(cloudformation.NewFromConfig(p.config()), live)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(outputs[output])
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(address.Host, ".")
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, p.endpoint()+"/_aws/execute-api/"+id+"/$default"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d, %v: %s", path, response.StatusCode, err, said)
	}
	return string(said)
}
