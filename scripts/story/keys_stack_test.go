//go:build stack

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/aws/dynamo"
	"stille/shared/names"
)

// restart gives a function a new environment, and with it a new container.
func (s *story) restart(t *testing.T, function string) {
	t.Helper()
	functions, name := lambda.NewFromConfig(s.stack.Config()), aws.String(names.DefaultStack.Function(function))
	got, err := functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	got.Environment.Variables["RESTARTED"] = time.Now().String()
	if _, err := functions.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: name, Environment: &lambdatypes.Environment{Variables: got.Environment.Variables},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRotatedKeysOpenOldAndNewLinks(t *testing.T) {
	s := tellNew(t, io.Discard)
	before, after := s.newPerson("before"), s.newPerson("after")
	after.sms = "+4794" + s.id
	mint := func(p person) []minted {
		t.Helper()
		links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
		if err != nil {
			t.Fatal(err)
		}
		return links
	}
	old := mint(before)
	for _, l := range old { // the containers have the old keys in memory
		if got, err := s.api.get(t.Context(), l.URL); err != nil || got.status != http.StatusOK {
			t.Fatalf("an old link answers %d, error %v", got.status, err)
		}
	}
	said, err := s.operator(t.Context(), "keys", "rotate", "link")
	if err != nil || !strings.HasPrefix(said, "rotated: ") {
		t.Fatalf("it says %q, error %v", said, err)
	}
	if _, err := s.operator(t.Context(), "keys", "rotate", "link"); err == nil || !strings.Contains(err.Error(), "refused: the link key") {
		t.Errorf("at once again: %v, want a refusal", err)
	}
	s.restart(t, names.Mint)
	fresh := mint(after)
	letter := func(l minted) string { return l.URL[strings.Index(l.URL, "/s/")+3:][:1] }
	if letter(old[1]) == letter(fresh[1]) {
		t.Errorf("a new SMS link begins with %s, as the old one", letter(fresh[1]))
	}
	for _, l := range append(fresh, old...) {
		got, err := s.api.post(t.Context(), l.URL, url.Values{"List-Unsubscribe": {"One-Click"}})
		if err != nil || got.status != http.StatusOK {
			t.Errorf("a link answers %d, error %v", got.status, err)
		}
	}
	for _, p := range []person{before, after} {
		if err := s.expect(t.Context(), p, false, false); err != nil {
			t.Error(err)
		}
	}
}

// The test adds a contact key and removes it.
func TestNewContactKeyIsNotPromotedTooEarly(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("rotated")
	if err := s.optOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	cfg := s.stack.Config()
	secrets, name := secretsmanager.NewFromConfig(cfg), aws.String(names.DefaultStack.ContactKeys())
	before, err := secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: name})
	if err != nil {
		t.Fatal(err)
	}
	said, err := s.operator(t.Context(), "keys", "rotate", "contact")
	if err != nil || !strings.HasPrefix(said, "added: ") || !strings.Contains(said, "\nnext, from ") {
		t.Fatalf("it says %q, error %v", said, err)
	}
	listed := s.listedKeys(t)
	if len(listed) != 2 || !listed[0].Primary || !listed[1].Pending {
		t.Fatalf("listed are %+v", listed)
	}
	defer func() {
		list := dynamo.NewSuppressions(dynamo.NewClient(cfg), names.DefaultStack)
		if err := list.RemoveCanary(t.Context(), listed[1].ID); err != nil {
			t.Error(err)
		}
		if _, err := secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: before.SecretString}); err != nil {
			t.Error(err)
		}
		s.restart(t, names.Check)
		if err := s.expect(t.Context(), p, false, false); err != nil {
			t.Error(err)
		}
	}()
	for _, refused := range [][]string{
		{"keys", "rotate", "contact"},
		{"keys", "destroy", "contact", listed[0].ID},
		{"keys", "destroy", "contact", listed[1].ID},
		{"keys", "destroy", "link", listed[0].ID},
		{"keys", "destroy", "proof", listed[0].ID},
	} {
		if _, err := s.operator(t.Context(), refused...); err == nil || !strings.Contains(err.Error(), "refused: ") {
			t.Errorf("%v: %v, want a refusal", refused, err)
		}
	}
	if err := s.expect(t.Context(), p, false, false); err != nil {
		t.Errorf("in a warm container: %v", err)
	}
	s.restart(t, names.Check)
	if err := s.expect(t.Context(), p, false, false); err != nil {
		t.Errorf("in a new container: %v", err)
	}
}

type listedKey struct {
	ID               string
	Primary, Pending bool
}

// listedKeys are the contact keys, as the operator's CLI lists them.
func (s *story) listedKeys(t *testing.T) []listedKey {
	t.Helper()
	said, err := s.operator(t.Context(), "keys", "list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var listing struct {
		Sets []struct {
			Set  string
			Keys []listedKey
		}
	}
	if err := json.Unmarshal([]byte(said), &listing); err != nil {
		t.Fatal(err)
	}
	if len(listing.Sets) != 4 || listing.Sets[0].Set != "contact" {
		t.Fatalf("listed are %+v", listing)
	}
	return listing.Sets[0].Keys
}
