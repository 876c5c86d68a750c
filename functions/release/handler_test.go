package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

const (
	email = `{"channel":"email","address":"Kari@Example.no"}`
	sms   = `{"channel":"sms","address":"+47 912 34 567"}`
)

var errDown = errors.New("the store is down")

// optedOut is a list on which the contact stands for the reasons, since the
// day before yesterday.
func optedOut(key contact.Key, reasons ...suppression.Reason) *suppressiontest.List {
	since := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	marks := map[suppression.Reason]suppression.Mark{}
	for _, r := range reasons {
		marks[r] = suppression.Mark{First: since, Last: since, Source: suppression.SourceLink}
	}
	list := &suppressiontest.List{}
	list.Plant(suppression.Item{Key: key, Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{"acme": marks}})
	return list
}

func newHandler(h *apitest.House, list *suppressiontest.List) handler {
	return handler{keys: h, list: list, scopes: h.Scopes, now: func() time.Time { return h.Now }}
}

func releasing(in, consentedAt string, contacts ...string) string {
	return fmt.Sprintf(`{"scope":%q,"contacts":[%s],"consentedAt":%q,"evidence":"form/4711"}`, in, strings.Join(contacts, ","), consentedAt)
}

const yesterday = "2026-11-21T09:00:00+01:00"

func TestNewerConsentReleasesAndIsIdempotent(t *testing.T) {
	h := apitest.New(t)
	mail, number := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.SMS, "+4791234567")
	list := optedOut(mail, suppression.Unsubscribed, suppression.Objection)
	for n := range 2 {
		resp := h.Serve(t, newHandler(h, list).call(), h.Post(releasing("acme", yesterday, sms, email, `{"channel":"sms","address":"912"}`)))
		want := []result{{Reason: "not-suppressed", Key: number}, {Released: true, Key: mail}, {Reason: "invalid-address"}}
		if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
			t.Errorf("time %d: results (-want +got):\n%s", n, diff)
		}
	}
	change := suppression.Change{
		Action: suppression.Release, Scope: "acme", At: time.Date(2026, 11, 21, 8, 0, 0, 999999999, time.UTC), Source: "tool:crm", Note: "form/4711",
	}
	want := []suppression.Change{change, change}
	want[0].Reason, want[1].Reason = suppression.Unsubscribed, suppression.Objection
	if diff := cmp.Diff(want, list.Changes()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestWhyAContactIsNotReleased(t *testing.T) {
	for _, test := range []struct {
		name, scope, consentedAt string
		reasons                  []suppression.Reason
		want                     string
		changes                  int
	}{
		{"consent before the opt-out", "acme", "2026-11-20T07:59:59.999Z", []suppression.Reason{"unsubscribed"}, "older-than-opt-out", 0},
		{"consent in the opt-out's instant", "acme", "2026-11-20T08:00:00.000Z", []suppression.Reason{"stop"}, "older-than-opt-out", 0},
		{"nobody said no", "acme", yesterday, nil, "not-suppressed", 0},
		{"the no is the brand's, the consent a topic's", "acme/newsletter", yesterday, []suppression.Reason{"unsubscribed"}, "not-suppressed", 0},
		{"the no is the brand's, the consent every one's", "*", yesterday, []suppression.Reason{"unsubscribed"}, "not-suppressed", 0},
		{"a complaint", "acme", yesterday, []suppression.Reason{"complaint"}, "needs-operator", 0},
		{"a complaint of the brand, the consent a topic's", "acme/newsletter", yesterday, []suppression.Reason{"complaint"}, "needs-operator", 0},
		{"a hard bounce beside an opt-out, which is lifted", "acme", yesterday, []suppression.Reason{"hard-bounce", "unsubscribed"}, "needs-operator", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			key := h.Key(t, contact.Email, "kari@example.no")
			list := optedOut(key, test.reasons...)
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(releasing(test.scope, test.consentedAt, email)))
			want := []result{{Reason: test.want, Key: key}}
			if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" || len(list.Changes()) != test.changes {
				t.Errorf("%d changes; results (-want +got):\n%s", len(list.Changes()), diff)
			}
		})
	}
}

func TestAnUnreadableItemNeedsAnOperatorAlone(t *testing.T) {
	h := apitest.New(t)
	mail, number := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.SMS, "+4791234567")
	list := optedOut(mail, suppression.Stop)
	list.Spoil(number)
	resp := h.Serve(t, newHandler(h, list).call(), h.Post(releasing("acme", yesterday, sms, email)))
	want := []result{{Reason: "needs-operator", Key: number}, {Released: true, Key: mail}}
	if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestBadFieldsAreNamedAndNothingIsLifted(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"nothing", `{}`, []string{"/scope", "/consentedAt", "/evidence", "/contacts"}},
		{"everything", `{"scope":"amce","contacts":[` + email + `,{"channel":"fax"}],"consentedAt":"2026-11-22T03:05:00.000000001Z","evidence":"she said so","at":1}`,
			[]string{"/at", "/scope", "/consentedAt", "/evidence", "/contacts/1/channel"}},
		{"wrong types", `{"scope":{},"contacts":{},"consentedAt":"today","evidence":[]}`, []string{"/consentedAt", "/contacts", "/evidence", "/scope"}},
		{"no time", strings.Replace(releasing("acme", yesterday, email), `"`+yesterday+`"`, "null", 1), []string{"/consentedAt"}},
		{"a time before there were computers", releasing("acme", "1969-12-31T23:59:59Z", email), []string{"/consentedAt"}},
		{"evidence that is too long", strings.Replace(releasing("acme", yesterday, email), "form/4711", strings.Repeat("e", 65), 1), []string{"/evidence"}},
		{"too many contacts", releasing("acme", yesterday, strings.Split(strings.Repeat(email+"\n", 1001), "\n")[:1001]...), []string{"/contacts"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			list := optedOut(h.Key(t, contact.Email, "kari@example.no"), suppression.Unsubscribed)
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(test.body))
			if resp.StatusCode != http.StatusBadRequest || len(list.Changes()) != 0 {
				t.Fatalf("status %d, %d changes", resp.StatusCode, len(list.Changes()))
			}
			if diff := cmp.Diff(test.want, apitest.Pointers(t, resp)); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheOnlyBrandMustNameTheScope(t *testing.T) {
	h := apitest.New(t)
	var err error
	if h.Scopes, err = scope.Load([]byte(`
scopes:
  - {id: 1, scope: acme, controller: Acme AS, name: {en: Acme}, policyURL: "https://acme.example/p", contact: p@acme.example, linkDomain: links.acme.example}
`)); err != nil {
		t.Fatal(err)
	}
	resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(releasing("", yesterday, email)))
	if diff := cmp.Diff([]string{"/scope"}, apitest.Pointers(t, resp)); diff != "" {
		t.Error(diff)
	}
}

func TestConsentOfThisVeryInstantCounts(t *testing.T) {
	h := apitest.New(t)
	list := optedOut(h.Key(t, contact.Email, "kari@example.no"), suppression.Unsubscribed)
	resp := h.Serve(t, newHandler(h, list).call(), h.Post(releasing("acme", "2026-11-22T03:00:00Z", email)))
	if got := apitest.Body[response](t, resp, http.StatusOK).Results; !got[0].Released {
		t.Errorf("not released: %s", got[0].Reason)
	}
}

// Somebody said no at 02:59:30.3, half a minute ago.
func TestAConsentOfAnotherClockIsReadOnce(t *testing.T) {
	for _, test := range []struct{ name, consentedAt, want string }{
		{"the whole second of the opt-out", "2026-11-22T02:59:30Z", ""},
		{"a fraction before the opt-out", "2026-11-22T02:59:30.1Z", "older-than-opt-out"},
		{"the fraction of the opt-out", "2026-11-22T02:59:30.3Z", "older-than-opt-out"},
		{"the second before", "2026-11-22T02:59:29Z", "older-than-opt-out"},
		{"this whole second", "2026-11-22T03:00:00Z", ""},
		{"three minutes ahead", "2026-11-22T03:03:00Z", ""},
		{"five minutes ahead", "2026-11-22T03:05:00Z", ""},
		{"without seconds", "2026-11-22T03:00Z", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			key, said := h.Key(t, contact.Email, "kari@example.no"), h.Now.Add(-30*time.Second+300*time.Millisecond)
			list := &suppressiontest.List{}
			list.Plant(suppression.Item{Key: key, Channel: contact.Email, Version: 1, Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{
				"acme": {suppression.Unsubscribed: {First: said, Last: said, Source: suppression.SourceTool}},
			}})
			h.Now = h.Now.Add(500 * time.Millisecond)
			over := newHandler(h, list)
			want := []result{{Released: test.want == "", Reason: test.want, Key: key}}
			for range 2 { // the answer to the first may have been lost
				resp := h.Serve(t, over.call(), h.Post(releasing("acme", test.consentedAt, email)))
				if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				h.Now = h.Now.Add(3 * time.Second)
			}
			h.Now = h.Now.Add(-6 * time.Second) // the next opt-out is told to a container with a slower clock
			no := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: h.Now.Add(-time.Second), Source: suppression.SourceLink}
			if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, no, no.At); err != nil {
				t.Fatal(err)
			}
			if suppression.Decide(list.Item(key), suppression.Marketing, "acme").Send {
				t.Error("an opt-out after the release lost")
			}
		})
	}
}

func TestReleasingNeedsTheRightAndTheScope(t *testing.T) {
	for _, test := range []struct {
		name, scope string
		right       access.Right
		title       string
	}{
		{"its own brand", "acme", access.Release, ""},
		{"a topic of its brand", "acme/newsletter", access.Release, ""},
		{"another brand", "globex", access.Release, `it lacks the scope "globex"`},
		{"every scope", "*", access.Release, `it lacks the scope "*"`},
		{"the right to suppress only", "acme", access.Suppress, `it lacks the right "release"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			list := optedOut(h.Key(t, contact.Email, "kari@example.no"), suppression.Unsubscribed)
			h.Tool.Rights, h.Tool.Scopes = []access.Right{test.right}, []scope.Scope{"acme"}
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(releasing(test.scope, yesterday, email)))
			status := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[test.title == ""]
			if got := apitest.Body[struct{ Title string }](t, resp, status).Title; !strings.HasSuffix(got, test.title) {
				t.Errorf("title %q, want the ending %q", got, test.title)
			}
			if status != http.StatusOK && len(list.Changes()) != 0 {
				t.Errorf("%d changes", len(list.Changes()))
			}
		})
	}
}

func TestAnUnsettledCallIsNotAnswered200(t *testing.T) {
	for name, spoil := range map[string]func(*apitest.House, *suppressiontest.List){
		"the list fails":                   func(_ *apitest.House, l *suppressiontest.List) { l.Fail(errDown) },
		"the keys cannot be read":          func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = errDown },
		"the keys are another table's":     func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = contact.ErrForeignKeys },
		"the tools' table does not answer": func(h *apitest.House, _ *suppressiontest.List) { h.ToolsErr = errDown },
	} {
		t.Run(name, func(t *testing.T) {
			h := apitest.New(t)
			list := optedOut(h.Key(t, contact.Email, "kari@example.no"), suppression.Unsubscribed)
			spoil(h, list)
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(releasing("acme", yesterday, email)))
			if resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(resp.Body, "released") {
				t.Errorf("status %d: %s", resp.StatusCode, resp.Body)
			}
		})
	}
}

func TestEventsOfReleaseAreAnswered(t *testing.T) {
	want := map[string]int{"release.signed-up-again.json": 1, "release.everywhere.json": 2}
	apitest.EachEvent(t, "release", want, func(t *testing.T, h *apitest.House, req gateway.Request, want int) {
		resp := h.Serve(t, newHandler(h, optedOut(h.Key(t, contact.Email, "kari@example.no"), "unsubscribed")).call(), req)
		if got := apitest.Body[response](t, resp, http.StatusOK).Results; len(got) != want {
			t.Errorf("%d results, want %d", len(got), want)
		}
	})
}

func TestTheExamplesOfReleaseAreAnswered(t *testing.T) {
	h := apitest.New(t)
	h.AnswersItsExamples(t, newHandler(h, optedOut(h.Key(t, contact.Email, "kari@example.no"), "unsubscribed")).call())
}

func TestReleaseHasItsFront(t *testing.T) {
	apitest.Front(t, access.Release, releasing("acme", yesterday, email), func(h *apitest.House) api.Call {
		return newHandler(h, &suppressiontest.List{}).call()
	})
}
