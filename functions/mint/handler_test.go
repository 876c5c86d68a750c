package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/link/domain"
	"stille/shared/scope"
)

const (
	email = `{"channel":"email","address":"Kari@Example.no"}`
	sms   = `{"channel":"sms","address":"+47 912 34 567"}`
)

func newHandler(h *apitest.House) handler {
	return handler{keys: h, scopes: h.Scopes, isAlive: deadDomain("").Check}
}

// deadDomain is the one domain that does not answer.
type deadDomain string

func (d deadDomain) Check(_ context.Context, asked string) error {
	if asked == string(d) {
		return domain.DeadError{Domain: asked}
	}
	return nil
}

func TestNoLinkLeadsToADeadDomain(t *testing.T) {
	for name, test := range map[string]struct {
		scope, base string
		status      int
	}{
		"its brand":      {"acme", "", http.StatusServiceUnavailable},
		"its topic":      {"acme/newsletter", "", http.StatusServiceUnavailable},
		"another brand":  {"globex", "", http.StatusOK},
		"no domain used": {"acme", "http://127.0.0.1:4566", http.StatusOK},
	} {
		h := apitest.New(t)
		handler := newHandler(h)
		handler.base, handler.isAlive = test.base, deadDomain("links.acme.example").Check
		resp := h.Serve(t, handler.call(), h.Post(fmt.Sprintf(`{"scope":%q,"contacts":[%s]}`, test.scope, email)))
		if resp.StatusCode != test.status {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
		refused := resp.Headers["content-type"] == "application/problem+json" && strings.Contains(resp.Body, "links.acme.example does not answer")
		if refused != (test.status == http.StatusServiceUnavailable) || strings.Contains(resp.Body, "store") {
			t.Errorf("%s: %s", name, resp.Body)
		}
	}
}

// opened reads the target from a result's link, with the keys that made the
// link.
func opened(t *testing.T, h *apitest.House, r result, base string) link.Target {
	t.Helper()
	path, ok := strings.CutPrefix(r.URL, base)
	if !ok {
		t.Fatalf("the link does not begin with %s", base)
	}
	path, _, _ = strings.Cut(path, "?")
	ch, token := contact.Email, strings.TrimPrefix(path, "/e/")
	if strings.HasPrefix(path, "/s/") {
		ch, token = contact.SMS, strings.TrimPrefix(path, "/s/")
	}
	target, err := h.Links.Open(ch, token)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestALinkOpensAsItWasMinted(t *testing.T) {
	for _, test := range []struct {
		name, scope, contact, base, address string
		channel                             contact.Channel
		id                                  uint16
	}{
		{"an e-mail link of a brand", "acme", email, "https://links.acme.example", "kari@example.no", contact.Email, 1},
		{"an SMS link of a brand", "globex", sms, "https://links.globex.example", "+4791234567", contact.SMS, 3},
		{"a link of a topic", "acme/newsletter", email, "https://links.acme.example", "kari@example.no", contact.Email, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			resp := h.Serve(t, newHandler(h).call(), h.Post(fmt.Sprintf(`{"scope":%q,"contacts":[%s]}`, test.scope, test.contact)))
			got := apitest.Body[response](t, resp, http.StatusOK).Results[0]
			target := opened(t, h, got, test.base)
			if target.ScopeID != test.id || target.Contact.Channel() != test.channel || target.Contact.Address() != test.address {
				t.Error("the link is another contact's, or another scope's")
			}
			if got.Key != h.Key(t, test.channel, test.address) {
				t.Error("the key is another contact's")
			}
		})
	}
}

func TestAnEmailLinkHasHeadersAndLanguage(t *testing.T) {
	h := apitest.New(t)
	with := newHandler(h)
	with.base = "http://127.0.0.1:4566/links"
	resp := h.Serve(t, with.call(), h.Post(`{"scope":"acme","lang":"nb","contacts":[`+email+`,{"channel":"email","address":"kari@"},`+sms+`]}`))
	got := apitest.Body[response](t, resp, http.StatusOK).Results
	mail := "http://127.0.0.1:4566/links/e/" + h.Token(t, contact.Email, "kari@example.no") + "?lang=nb"
	want := []result{
		{Key: h.Key(t, contact.Email, "kari@example.no"), URL: mail, Headers: map[string]string{
			"List-Unsubscribe": "<" + mail + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		}},
		{Reason: "invalid-address"},
		{Key: h.Key(t, contact.SMS, "+4791234567"), URL: "http://127.0.0.1:4566/links/s/" + h.Token(t, contact.SMS, "+4791234567") + "?lang=nb"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestLanguageAndRegionMayBeNull(t *testing.T) {
	h := apitest.New(t)
	resp := h.Serve(t, newHandler(h).call(), h.Post(`{"scope":"acme","lang":null,"contacts":[{"channel":"email","address":"kari@example.no","region":null}]}`))
	if got := apitest.Body[response](t, resp, http.StatusOK).Results; got[0].URL == "" || strings.Contains(got[0].URL, "lang") {
		t.Error("there is no link, or it has a language")
	}
}

func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"nothing, with two brands", `{}`, []string{"/scope", "/contacts"}},
		{"everything", `{"scope":"amce","lang":"no","contacts":[{"channel":"fax","address":"x"}],"x":1}`, []string{"/x", "/scope", "/contacts/0/channel"}},
		{"every scope", `{"scope":"*","contacts":[` + email + `]}`, []string{"/scope"}},
		{"too many contacts", `{"scope":"acme","contacts":[` + strings.Repeat(email+",", 1000) + email + `]}`, []string{"/contacts"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			resp := h.Serve(t, newHandler(h).call(), h.Post(test.body))
			if resp.StatusCode != http.StatusBadRequest {
				t.Fatalf("status %d", resp.StatusCode)
			}
			if diff := cmp.Diff(test.want, apitest.Pointers(t, resp)); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
		})
	}
}

// brand is a scopes.yaml of one brand with a topic of each kind.
const brand = `
scopes:
  - {id: 1, scope: acme, controller: Acme AS, name: {en: Acme}, policyURL: "https://acme.example/p", contact: p@acme.example, linkDomain: links.acme.example}
  - {id: 2, scope: acme/offers, name: {en: offers}, topicOptOut: true}
  - {id: 3, scope: acme/tips, name: {en: tips}}
`

func TestATopicNeedsItsOwnOptOut(t *testing.T) {
	for named, want := range map[string]int{"acme/offers": 200, "acme/tips": 400, "": 200, "*": 400} {
		t.Run("scope "+named, func(t *testing.T) {
			h := apitest.New(t)
			var err error
			if h.Scopes, err = scope.Load([]byte(brand)); err != nil {
				t.Fatal(err)
			}
			resp := h.Serve(t, newHandler(h).call(), h.Post(fmt.Sprintf(`{"scope":%q,"contacts":[%s]}`, named, email)))
			if resp.StatusCode != want {
				t.Fatalf("status %d, want %d", resp.StatusCode, want)
			}
			if diff := cmp.Diff([]string{"/scope"}, apitest.Pointers(t, resp)); want == 400 && diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALinkNeedsTheRightAndTheScope(t *testing.T) {
	for _, test := range []struct {
		name, scope string
		right       access.Right
		want        int
	}{
		{"its own brand", "acme", access.Links, 200},
		{"a topic of its brand", "acme/newsletter", access.Links, 200},
		{"another brand", "globex", access.Links, 403},
		{"without the right", "acme", access.Check, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			h.Tool.Rights, h.Tool.Scopes = []access.Right{test.right}, []scope.Scope{"acme"}
			resp := h.Serve(t, newHandler(h).call(), h.Post(fmt.Sprintf(`{"scope":%q,"contacts":[%s]}`, test.scope, email)))
			if resp.StatusCode != test.want || strings.Contains(resp.Body, "/e/") != (test.want == 200) {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, test.want, resp.Body)
			}
		})
	}
}

func TestNoLinkIsMintedWithoutItsKeys(t *testing.T) {
	for name, err := range map[string]error{"keys that cannot be read": errors.New("down"), "keys of another table": contact.ErrForeignKeys} {
		t.Run(name, func(t *testing.T) {
			h := apitest.New(t)
			h.KeysErr = err
			if resp := h.Serve(t, newHandler(h).call(), h.Post(`{"scope":"acme","contacts":[`+email+`]}`)); resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
}

func TestEventsOfMintAreAnswered(t *testing.T) {
	want := map[string]int{"mint.two-channels.json": 2, "mint.topic.json": 1}
	apitest.EachEvent(t, "mint", want, func(t *testing.T, h *apitest.House, req gateway.Request, want int) {
		got := apitest.Body[response](t, h.Serve(t, newHandler(h).call(), req), http.StatusOK).Results
		if len(got) != want {
			t.Errorf("%d links, want %d", len(got), want)
		}
		for _, r := range got {
			opened(t, h, r, "https://links.acme.example")
		}
	})
}

func TestOnlyTheLinkHoldsThePerson(t *testing.T) {
	const planted = `{"channel":"email","address":"` + apitest.Address + `"},{"channel":"sms","address":"` + apitest.Number + `"}`
	h := apitest.New(t)
	tokens := []string{h.Token(t, contact.Email, apitest.Address), h.Token(t, contact.SMS, apitest.Number)}
	for _, body := range []string{
		`{"scope":"acme","contacts":[` + planted + `]}`,
		`{"scope":"` + apitest.Address + `","lang":"` + apitest.Number + `","contacts":[` + planted + `]}`,
		`{"scope":"acme","contacts":[{"channel":"sms","address":"` + apitest.Address + `"},{"channel":"email","address":"` + tokens[0] + `"}]}`,
		`{"scope":"acme","contacts":["` + apitest.Address + `"]`,
	} {
		h.Serve(t, newHandler(h).call(), h.Post(body))
	}
	h.Tool.Scopes = nil
	h.Serve(t, newHandler(h).call(), h.Post(`{"scope":"acme","contacts":[`+planted+`]}`))
	h.KeysErr = errors.New("down")
	h.Serve(t, newHandler(h).call(), h.Post(`{"scope":"acme","contacts":[`+planted+`]}`))
	if h.Logs.Len() == 0 {
		t.Error("there was nothing to look through")
	}
	h.NoLeak(t, tokens)
}

func TestTheExamplesOfMintAreAnswered(t *testing.T) {
	h := apitest.New(t)
	h.AnswersItsExamples(t, newHandler(h).call())
}

func TestMintHasItsFront(t *testing.T) {
	good := `{"scope":"acme","contacts":[{"channel":"email","address":"kari@example.no"}]}`
	apitest.Front(t, access.Links, good, func(h *apitest.House) api.Call { return newHandler(h).call() })
}

func TestLanguageIsTakenInAnyForm(t *testing.T) {
	for lang, want := range map[string]string{
		"no": "nb", "NB": "nb", "nb-NO": "nb", "en_US": "en", "sv_SE": "sv", "de-AT": "de", "nn-NO": "nn", "da_DK.UTF-8": "da", "fr": "", "klingon": "", "": "",
	} {
		t.Run(lang, func(t *testing.T) {
			h := apitest.New(t)
			resp := h.Serve(t, newHandler(h).call(), h.Post(`{"scope":"acme","lang":"`+lang+`","contacts":[`+sms+`]}`))
			_, query, _ := strings.Cut(resp.Body, "?lang=")
			if got, _, _ := strings.Cut(query, `"`); resp.StatusCode != 200 || got != want {
				t.Errorf("status %d, language %q, want %q", resp.StatusCode, got, want)
			}
		})
	}
}
