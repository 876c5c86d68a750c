// Package apitest is the surroundings of a handler for tests: key sets, the scopes
// and the policy of the tests, one tool with its API key, a log, and the events
// of events/. A House sees every answer and log line of a handler, and so can
// tell whether they hold a person or a key. Only tests import the package.
package apitest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
)

// House is the surroundings of a handler. Tests change its fields between calls.
type House struct {
	Now      time.Time
	Tool     access.Tool // whose key APIKey is
	APIKey   string
	Contacts *contact.KeySet
	Links    *link.Keys
	KeysErr  error // of every key set but the unproven one
	Queue    Queue // the outage queue
	ToolsErr error // of looking up a tool

	UnprovenErr error // of the unproven contact keys
	Scopes      *scope.Registry
	Policy      *retention.Policy
	Log         *slog.Logger
	Logs        bytes.Buffer // what Log wrote

	route   string // of the function whose tests run; "" for another package's
	secrets map[string]string
	answers []string
}

// New returns a house whose tool has every right in every scope.
func New(t testing.TB) *House {
	t.Helper()
	h := &House{
		Now:  time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC),
		Tool: access.Tool{Name: "crm", Rights: access.Rights(), Scopes: []scope.Scope{scope.Everywhere}},
	}
	h.Log = slog.New(slog.NewJSONHandler(&h.Logs, nil))
	folder, err := os.Getwd()
	must(t, err)
	h.route = Route(filepath.Base(folder))
	h.APIKey, _, err = access.NewKey(rand.Reader)
	must(t, err)
	contactSecret, err := keyring.NewContactSecret()
	must(t, err)
	linkSecret, err := keyring.NewLinkSecret()
	must(t, err)
	h.secrets = map[string]string{names.Stack("").ContactKeys(): contactSecret, names.Stack("").LinkKeys(): linkSecret}
	h.Contacts, err = keyring.ParseContact(contactSecret)
	must(t, err)
	h.Links, err = keyring.ParseLink(linkSecret)
	must(t, err)
	h.Scopes, h.Policy = scopetest.Registry(t), retentiontest.Policy(t)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, folder, file string) []byte {
	t.Helper()
	repository, err := root()
	must(t, err)
	content, err := os.ReadFile(filepath.Join(repository, folder, file))
	must(t, err)
	return content
}

// Contact returns the contact key set.
func (h *House) Contact(context.Context) (*contact.KeySet, error) { return h.Contacts, h.KeysErr }

// Link returns the link keys.
func (h *House) Link(context.Context) (*link.Keys, error) { return h.Links, h.KeysErr }

// RefreshLink returns the link keys.
func (h *House) RefreshLink(ctx context.Context, _ time.Time) (*link.Keys, error) { return h.Link(ctx) }

// GetSecretValue is Secrets Manager with the secrets of any stack.
func (h *House) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	for name, value := range h.secrets {
		if strings.HasSuffix(*in.SecretId, name) {
			return &secretsmanager.GetSecretValueOutput{SecretString: &value}, nil
		}
	}
	return nil, errors.New("there is no such secret")
}

// tools is the one tool of a house.
type tools struct{ *House }

func (s tools) Tool(_ context.Context, hash string) (access.Tool, error) {
	if hash != access.Hash(s.APIKey) {
		return access.Tool{}, access.ErrUnknownTool
	}
	return s.House.Tool, s.ToolsErr
}

// Key returns the newest key of a contact.
func (h *House) Key(t testing.TB, ch contact.Channel, address string) contact.Key {
	t.Helper()
	c, err := contact.Normalise(ch, address, "")
	must(t, err)
	key, err := h.Contacts.Key(c)
	must(t, err)
	return key
}

// Class is a class of the policy.
func (h *House) Class(name string) retention.Class {
	class, _ := h.Policy.Class(name)
	return class
}

// Serve answers a request by the call as in production, and checks both against
// the OpenAPI file.
func (h *House) Serve(t testing.TB, call api.Call, req gateway.Request) gateway.Response {
	t.Helper()
	guard := access.NewGuard(tools{h}, func() time.Time { return h.Now })
	resp, err := api.Serve(guard, h.Log, call)(t.Context(), req)
	must(t, err)
	h.answers = append(h.answers, resp.Body)
	if h.route != "" {
		body, err := gateway.Body(req, len(req.Body))
		must(t, err)
		OpenAPI(t).Conforms(t, h.route, string(body), resp)
	}
	return resp
}

// Post returns a request of the house's tool with this JSON body.
func (h *House) Post(body string) gateway.Request {
	return gateway.Request{Body: body, Headers: map[string]string{"authorization": "Bearer " + h.APIKey}}
}

// Event reads a file of events/ into the input of a handler. In the file's text it
// replaces API_KEY by the house's key, and the first of each pair by the second.
func (h *House) Event(t testing.TB, name string, into any, replaced ...string) {
	t.Helper()
	text := strings.NewReplacer(append(replaced, "API_KEY", h.APIKey)...).Replace(string(read(t, "events", name)))
	dec := json.NewDecoder(strings.NewReader(text))
	must(t, dec.Decode(into))
}

// Events lists a function's files in events/.
func Events(t testing.TB, function string) []string {
	t.Helper()
	repository, err := root()
	must(t, err)
	files, err := filepath.Glob(filepath.Join(repository, "events", function+".*.json"))
	must(t, err)
	for i, file := range files {
		files[i] = filepath.Base(file)
	}
	return slices.Sorted(slices.Values(files))
}

// Pointers lists the bad fields that an answer names.
func Pointers(t testing.TB, resp gateway.Response) []string {
	t.Helper()
	var problem struct{ Errors []gateway.Fault }
	must(t, json.Unmarshal([]byte(resp.Body), &problem))
	pointers := make([]string, len(problem.Errors))
	for i, fault := range problem.Errors {
		pointers[i] = fault.Pointer
	}
	return pointers
}

// Body reads the body of an answer, which must have this status.
func Body[T any](t testing.TB, resp gateway.Response, status int) T {
	t.Helper()
	var body T
	if resp.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", resp.StatusCode, status, resp.Body)
	}
	must(t, json.Unmarshal([]byte(resp.Body), &body))
	return body
}

// Token returns the token of a contact's link, in the first brand.
func (h *House) Token(t testing.TB, ch contact.Channel, address string) string {
	t.Helper()
	c, err := contact.Normalise(ch, address, "")
	must(t, err)
	token, err := h.Links.Mint(link.Target{ScopeID: h.Scopes.All()[0].ID, Contact: c})
	must(t, err)
	return token
}
