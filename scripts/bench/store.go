package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/aws/keyring"
	"stille/shared/names"
)

// benchStack is the stack whose tables and secrets the store pretends to hold.
const benchStack names.Stack = "bench"

// store answers at once for Secrets Manager and DynamoDB, in memory: a key set
// with its canaries, one tool, and nobody suppressed.
type store struct {
	key     string // of the tool
	secret  string
	answers map[string]string // by table
}

func newStore() (*store, error) {
	secret, err := keyring.NewContactSecret()
	if err != nil {
		return nil, err
	}
	set, err := keyring.ParseContact(secret)
	if err != nil {
		return nil, err
	}
	canaries, err := set.Canaries()
	if err != nil {
		return nil, err
	}
	key, hash, err := access.NewKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	var marks []string
	for id, canary := range canaries {
		marks = append(marks, fmt.Sprintf(`%q:{"S":%q}`, id, canary))
	}
	return &store{key: key, secret: secret, answers: map[string]string{
		benchStack.Tools(): fmt.Sprintf(`{"Item":{"hash":{"S":%q},"name":{"S":"bench"},"rights":{"L":[{"S":%q}]},"scopes":{"L":[{"S":"*"}]},"createdAt":{"S":"2026-11-22T03:00:00Z"}}}`, hash, access.Check),
		"canaries":         `{"Item":{"key":{"S":"canaries"},` + strings.Join(marks, ",") + `}}`,
	}}, nil
}

// event is a check of one contact, as an HTTP API sends it.
func (s *store) event() ([]byte, error) {
	req := gateway.Request{
		RouteKey: "POST /v1/check", RawPath: "/v1/check", Headers: map[string]string{"authorization": "Bearer " + s.key},
		Body: `{"scope":"acme","contacts":[{"channel":"email","address":"kari@example.no"}]}`,
	}
	return json.Marshal(req)
}

func (s *store) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var asked struct {
		TableName string
		Key       map[string]struct{ S string }
	}
	if err := json.NewDecoder(req.Body).Decode(&asked); err != nil {
		http.Error(w, "no request", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	answer := `{}`
	switch {
	case strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".GetSecretValue"):
		quoted, _ := json.Marshal(s.secret)
		answer = `{"SecretString":` + string(quoted) + `}`
	case asked.TableName == benchStack.Tools():
		answer = s.answers[asked.TableName]
	case asked.Key[names.AttrKey].S == "canaries":
		answer = s.answers["canaries"]
	}
	_, _ = w.Write([]byte(answer))
}
