package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

const (
	email = `{"channel":"email","address":"Kari@Example.no"}`
	sms   = `{"channel":"sms","address":"+47 912 34 567"}`
)

var errDown = errors.New("the store is down")

// list is the suppression list.
type list interface {
	Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error)
}

func newHandler(h *apitest.House, list list) handler {
	checker := suppression.Checker{List: list, Policy: func(context.Context) (*retention.Policy, error) { return h.Policy, nil }}
	return handler{keys: h, checker: checker, scopes: h.Scopes, now: func() time.Time { return h.Now }, log: h.Log}
}

// marked is a list on which the contact with this key is suppressed.
func marked(key contact.Key, s scope.Scope, r suppression.Reason, since time.Time) *suppressiontest.List {
	list, mark := &suppressiontest.List{}, suppression.Mark{First: since, Last: since}
	list.Plant(suppression.Item{Key: key, Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{s: {r: mark}}})
	return list
}

func asking(scope, purpose, contacts string) string {
	return fmt.Sprintf(`{"scope":%q,"purpose":%q,"contacts":[%s]}`, scope, purpose, contacts)
}

func TestTheAnswerSaysSendOrWhyNot(t *testing.T) {
	since := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	empty := func(contact.Key) *suppressiontest.List { return &suppressiontest.List{} }
	stopped := func(in scope.Scope, r suppression.Reason) func(contact.Key) *suppressiontest.List {
		return func(key contact.Key) *suppressiontest.List { return marked(key, in, r, since) }
	}
	unreadable := func(key contact.Key) *suppressiontest.List {
		list := &suppressiontest.List{}
		list.Spoil(key)
		return list
	}
	for _, test := range []struct {
		name, scope, purpose string
		list                 func(contact.Key) *suppressiontest.List
		want                 result
	}{
		{"nothing is known of the contact", "acme", "marketing", empty, result{Send: true}},
		{"the purpose is marketing unless said", "acme", "", stopped("acme", suppression.Unsubscribed), result{Reason: "unsubscribed", Scope: "acme", Since: since}},
		{"an opt-out of the brand stops its topic", "acme/newsletter", "marketing", stopped("acme", suppression.Unsubscribed), result{Reason: "unsubscribed", Scope: "acme", Since: since}},
		{"an opt-out of a topic leaves the brand", "acme", "marketing", stopped("acme/newsletter", suppression.Unsubscribed), result{Send: true}},
		{"an opt-out of one brand leaves the other", "globex", "marketing", stopped("acme", suppression.Unsubscribed), result{Send: true}},
		{"an opt-out everywhere stops a brand", "globex", "marketing", stopped("*", suppression.Objection), result{Reason: "objection", Scope: "*", Since: since}},
		{"without a scope any opt-out stops", "", "marketing", stopped("globex", suppression.Stop), result{Reason: "stop", Scope: "globex", Since: since}},
		{"in every scope any opt-out stops", "*", "marketing", stopped("acme/newsletter", suppression.Manual), result{Reason: "manual", Scope: "acme/newsletter", Since: since}},
		{"a complaint stops", "acme", "marketing", stopped("acme", suppression.Complaint), result{Reason: "complaint", Scope: "acme", Since: since}},
		{"an erasure stops", "acme", "marketing", stopped("acme", suppression.Erasure), result{Reason: "erasure", Scope: "acme", Since: since}},
		{"an import stops", "acme", "marketing", stopped("acme", suppression.Imported), result{Reason: "imported", Scope: "acme", Since: since}},
		{"an opt-out does not stop a transactional message", "acme", "transactional", stopped("*", suppression.Objection), result{Send: true}},
		{"a hard bounce stops a transactional message", "acme", "transactional", stopped("*", suppression.HardBounce), result{Reason: "hard-bounce", Scope: "*", Since: since}},
		{"a hard bounce of another brand stops nothing", "acme", "transactional", stopped("globex", suppression.HardBounce), result{Send: true}},
		{"an item that cannot be read stops", "acme", "marketing", unreadable, result{Reason: "unreadable"}},
		{"an item that cannot be read stops a transactional message", "acme", "transactional", unreadable, result{Reason: "unreadable"}},
		{"a scope there is not stops", "amce", "marketing", empty, result{Reason: "unknown-scope"}},
		{"a scope there is not stops a transactional message", "amce", "transactional", empty, result{Reason: "unknown-scope"}},
		{"a scope is not guessed from its case", "Acme", "marketing", empty, result{Reason: "unknown-scope"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			key := h.Key(t, contact.Email, "kari@example.no")
			resp := h.Serve(t, newHandler(h, test.list(key)).call(), h.Post(asking(test.scope, test.purpose, email)))
			test.want.Key = key
			want := response{AsOf: h.Now, Results: []result{test.want}}
			if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResultsComeInTheOrderAsked(t *testing.T) {
	h := apitest.New(t)
	mail, number := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.SMS, "+4791234567")
	list := marked(number, "acme", suppression.Stop, h.Now)
	broken := `{"channel":"email","address":"kari@"}`
	resp := h.Serve(t, newHandler(h, list).call(), h.Post(asking("acme", "", strings.Join([]string{sms, broken, email, sms}, ","))))
	stop := result{Reason: "stop", Scope: "acme", Since: h.Now, Key: number}
	want := []result{stop, {Reason: "invalid-address"}, {Send: true, Key: mail}, stop}
	if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestAnInvalidAddressIsNeverSentTo(t *testing.T) {
	for name, given := range map[string]string{
		"an address without a domain":      `{"channel":"email","address":"kari@"}`,
		"a number on the e-mail channel":   `{"channel":"email","address":"+4791234567"}`,
		"an address on the SMS channel":    `{"channel":"sms","address":"kari@example.no"}`,
		"a number without a country":       `{"channel":"sms","address":"912 34 567"}`,
		"a number in a region there isn't": `{"channel":"sms","address":"912 34 567","region":"XX"}`,
		"nothing":                          `{"channel":"email"}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := apitest.New(t)
			resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(asking("acme", "transactional", given)))
			if diff := cmp.Diff([]result{{Reason: "invalid-address"}}, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANationalNumberIsTheSameContact(t *testing.T) {
	h := apitest.New(t)
	resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(asking("acme", "", `{"channel":"sms","address":"912 34 567","region":"NO"}`)))
	want := []result{{Send: true, Key: h.Key(t, contact.SMS, "+4791234567")}}
	if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestOneToAThousandContactsAreAnswered(t *testing.T) {
	for n, want := range map[int]int{0: 400, 1: 200, 1000: 200, 1001: 400} {
		t.Run(fmt.Sprintf("%d contacts", n), func(t *testing.T) {
			h := apitest.New(t)
			contacts := strings.TrimSuffix(strings.Repeat(email+",", n), ",")
			resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(asking("acme", "", contacts)))
			if resp.StatusCode != want {
				t.Fatalf("status %d, want %d", resp.StatusCode, want)
			}
			if want == http.StatusOK {
				if got := len(apitest.Body[response](t, resp, want).Results); got != n {
					t.Errorf("%d results", got)
				}
			} else if diff := cmp.Diff([]string{"/contacts"}, apitest.Pointers(t, resp)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"an empty object", `{}`, []string{"/contacts"}},
		{"wrong types", `{"scope":1,"purpose":[],"contacts":"kari"}`, []string{"/contacts", "/purpose", "/scope"}},
		{"fields there are not", `{"scop":"acme","contacts":[{"chanel":"email","address":"x"}]}`, []string{"/contacts/0/chanel", "/scop", "/contacts/0/channel"}},
		{"values there are not", `{"purpose":"spam","contacts":[` + email + `,{"channel":"fax","address":"x"},{"channel":"","address":"x"}]}`, []string{"/purpose", "/contacts/1/channel", "/contacts/2/channel"}},
		{"contacts that are none", `{"contacts":[7,null,` + email + `,{"channel":"email","address":7}]}`, []string{"/contacts/0", "/contacts/3/address", "/contacts/1/channel"}},
		{"a list", `[]`, []string{""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(test.body))
			if resp.StatusCode != http.StatusBadRequest {
				t.Fatalf("status %d", resp.StatusCode)
			}
			if diff := cmp.Diff(test.want, apitest.Pointers(t, resp)); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeysRightsAndScopesAreChecked(t *testing.T) {
	everywhere, acme := []scope.Scope{"*"}, []scope.Scope{"acme"}
	check, links := []access.Right{access.Check}, []access.Right{access.Links, access.Transactional}
	both := []access.Right{access.Check, access.Transactional}
	for _, test := range []struct {
		name           string
		rights         []access.Right
		scopes         []scope.Scope
		scope, purpose string
		want           int
		title          string
	}{
		{"its own brand", check, acme, "acme", "marketing", 200, ""},
		{"a topic of its brand", check, acme, "acme/newsletter", "marketing", 200, ""},
		{"another brand", check, acme, "globex", "marketing", 403, `it lacks the scope "globex"`},
		{"every scope", check, acme, "*", "marketing", 403, `it lacks the scope "*"`},
		{"no scope", check, acme, "", "marketing", 403, `it lacks the scope "*"`},
		{"every scope, of a key for every scope", check, everywhere, "*", "marketing", 200, ""},
		{"without the right", links, everywhere, "acme", "marketing", 403, `it lacks the right "check"`},
		{"without the right, in a scope there is not", links, everywhere, "amce", "marketing", 403, `it lacks the right "check"`},
		{"in a scope there is not", check, acme, "glbex", "marketing", 200, ""},
		{"transactional without that right", check, everywhere, "acme", "transactional", 403, `it lacks the right "transactional"`},
		{"transactional without that right, in a scope there is not", check, everywhere, "amce", "transactional", 403, `it lacks the right "transactional"`},
		{"transactional with that right", both, acme, "acme", "transactional", 200, ""},
		{"transactional in another brand", both, acme, "globex", "transactional", 403, `it lacks the scope "globex"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			h.Tool.Rights, h.Tool.Scopes = test.rights, test.scopes
			resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(asking(test.scope, test.purpose, email)))
			got := apitest.Body[struct{ Title string }](t, resp, test.want).Title
			if test.title == "" && got != "" || !strings.HasSuffix(got, test.title) {
				t.Errorf("title %q, want the ending %q", got, test.title)
			}
		})
	}
}

func TestTheOnlyBrandMayOmitTheScope(t *testing.T) {
	h := apitest.New(t)
	var err error
	if h.Scopes, err = scope.Load([]byte(`
scopes:
  - {id: 1, scope: acme, controller: Acme AS, name: {en: Acme}, policyURL: "https://acme.example/p", contact: p@acme.example, linkDomain: links.acme.example}
`)); err != nil {
		t.Fatal(err)
	}
	h.Tool.Scopes = []scope.Scope{"acme"}
	resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(asking("", "marketing", email)))
	if got := apitest.Body[response](t, resp, http.StatusOK).Results; len(got) != 1 || !got[0].Send {
		t.Errorf("results %+v", got)
	}
}

func TestNobodyIsToldToSendWhereSomethingFails(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*apitest.House, *suppressiontest.List)
	}{
		"the list fails":                   {func(_ *apitest.House, l *suppressiontest.List) { l.Fail(errDown) }},
		"the keys cannot be read":          {func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = errDown }},
		"the keys are another table's":     {func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = contact.ErrForeignKeys }},
		"the tools' table does not answer": {func(h *apitest.House, _ *suppressiontest.List) { h.ToolsErr = errDown }},
	} {
		t.Run(name, func(t *testing.T) {
			h := apitest.New(t)
			var list suppressiontest.List
			test.spoil(h, &list)
			resp := h.Serve(t, newHandler(h, &list).call(), h.Post(asking("acme", "", email)))
			if resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(resp.Body, "send") {
				t.Errorf("status %d: %s", resp.StatusCode, resp.Body)
			}
		})
	}
}

func TestEventsOfCheckAreAnswered(t *testing.T) {
	want := map[string]int{"check.two-contacts.json": 200, "check.transactional.json": 200, "check.without-key.json": 401}
	apitest.EachEvent(t, "check", want, func(t *testing.T, h *apitest.House, req gateway.Request, want int) {
		if resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), req); resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	})
}
