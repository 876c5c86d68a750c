package api_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
)

var errDown = errors.New("the store is down")

// toolName answers a request without fields with the tool's name.
func toolName(_ context.Context, tool access.Tool, _ struct{}, faults *api.Invalid) (any, error) {
	return tool.Name, faults.Err()
}

func TestEveryErrorHasItsAnswer(t *testing.T) {
	reads := api.Handle(toolName)
	fails := func(err error) api.Call {
		return func(context.Context, access.Tool, gateway.Request) (gateway.Response, error) {
			return gateway.Response{}, fmt.Errorf("wrapped: %w", err)
		}
	}
	for _, test := range []struct {
		name   string
		call   api.Call
		change func(*apitest.House, *gateway.Request)
		status int
		logged bool
	}{
		{"a request that can be answered", reads, nil, 200, false},
		{"one without a key", reads, func(_ *apitest.House, r *gateway.Request) { delete(r.Headers, "authorization") }, 401, false},
		{"one with a key nobody has", reads, func(h *apitest.House, _ *gateway.Request) { h.APIKey = apitest.New(t).APIKey }, 401, false},
		{"one with a revoked key", reads, func(h *apitest.House, _ *gateway.Request) { h.Tool.RevokedAt = h.Now }, 401, false},
		{"one whose key cannot be looked up", reads, func(h *apitest.House, _ *gateway.Request) { h.ToolsErr = errDown }, 503, true},
		{"a body that is no JSON", reads, func(_ *apitest.House, r *gateway.Request) { r.Body = `{"scope":` }, 400, false},
		{"no body", reads, func(_ *apitest.House, r *gateway.Request) { r.Body = "" }, 400, false},
		{"a body that is not the base64 it is said to be", reads, func(_ *apitest.House, r *gateway.Request) { r.IsBase64Encoded = true }, 400, false},
		{"a body in base64", reads, func(_ *apitest.House, r *gateway.Request) {
			r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte("{}")), true
		}, 200, false},
		{"a body of the most bytes", reads, func(_ *apitest.House, r *gateway.Request) { r.Body = "{}" + strings.Repeat(" ", api.MaxBody-2) }, 200, false},
		{"a body of one byte more", reads, func(_ *apitest.House, r *gateway.Request) { r.Body = "{}" + strings.Repeat(" ", api.MaxBody-1) }, 413, false},
		{"a field there is not", reads, func(_ *apitest.House, r *gateway.Request) { r.Body = `{"x":1}` }, 400, false},
		{"a right the key lacks", fails(access.ErrForbidden), nil, 403, false},
		{"keys of another table", fails(contact.ErrForeignKeys), nil, 503, true},
		{"a store that fails", fails(errDown), nil, 503, true},
		{"a panic", func(context.Context, access.Tool, gateway.Request) (gateway.Response, error) { panic(apitest.Address) }, nil, 500, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			req, shown := h.Post("{}"), h.APIKey
			if test.change != nil {
				test.change(h, &req)
			}
			resp := h.Serve(t, test.call, req)
			if resp.StatusCode != test.status || h.Logs.Len() > 0 != test.logged {
				t.Errorf("status %d, want %d; log %s", resp.StatusCode, test.status, h.Logs.String())
			}
			if want := map[bool]string{true: "application/json", false: "application/problem+json"}[test.status == 200]; resp.Headers["content-type"] != want {
				t.Errorf("content type %s", resp.Headers["content-type"])
			}
			if strings.Contains(resp.Body, errDown.Error()) {
				t.Error("the answer tells what failed inside")
			}
			h.NoLeak(t, []string{shown})
		})
	}
}

func TestKeysAreReadOnlyForContacts(t *testing.T) {
	h := apitest.New(t)
	h.KeysErr = errDown
	var faults api.Invalid
	if _, err := api.Parse(t.Context(), h, nil, &faults); errors.Is(err, errDown) || len(faults) != 1 {
		t.Errorf("without contacts: %v", err)
	}
	if _, err := api.Parse(t.Context(), h, []api.Contact{{}}, &faults); !errors.Is(err, errDown) {
		t.Errorf("with one: %v", err)
	}
}

func TestContactsAreParsedInTheirOrder(t *testing.T) {
	h := apitest.New(t)
	var faults api.Invalid
	got, err := api.Parse(t.Context(), h, []api.Contact{
		{Channel: "sms", Address: "912 34 567", Region: "NO"}, {Channel: "fax", Address: "1"}, {Channel: "email", Address: "kari@"}, {Channel: "email", Address: "KARI@example.no"},
	}, &faults)
	if diff := cmp.Diff(error(faults), err); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	var keys []contact.Key
	for _, c := range got {
		keys = append(keys, c.Key())
	}
	want := []contact.Key{h.Key(t, contact.SMS, "+4791234567"), "", "", h.Key(t, contact.Email, "kari@example.no")}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(api.Invalid{{Pointer: "/contacts/1/channel", Detail: `must be "email" or "sms"`}}, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

const oneBrand = `
scopes:
  - {id: 1, scope: acme, controller: Acme AS, name: {en: Acme}, policyURL: "https://acme.example/p", contact: p@acme.example, linkDomain: links.acme.example}
  - {id: 2, scope: acme/offers, name: {en: offers}, topicOptOut: true}
`

func TestAScopeIsFoundOrIsAFault(t *testing.T) {
	one, err := scope.Load([]byte(oneBrand))
	if err != nil {
		t.Fatal(err)
	}
	two := apitest.New(t).Scopes
	for _, test := range []struct {
		name     string
		registry *scope.Registry
		named    string
		want     scope.Scope
		fault    bool
	}{
		{"a brand", two, "acme", "acme", false},
		{"a topic", two, "acme/newsletter", "acme/newsletter", false},
		{"every scope", two, "*", "*", false},
		{"none of one brand", one, "", "acme", false},
		{"none of two brands", two, "", "", true},
		{"one there is not", two, "amce", "", true},
		{"a topic there is not", two, "acme/offers", "", true},
		{"one in another case", two, "ACME", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var faults api.Invalid
			got := api.Scope(test.registry, test.named, &faults)
			if got != test.want || (len(faults) == 1 && faults[0].Pointer == "/scope") != test.fault || faults.Err() == nil == test.fault {
				t.Errorf("scope %q, faults %v", got, faults)
			}
		})
	}
}
