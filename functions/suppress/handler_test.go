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

type list interface {
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

func newHandler(h *apitest.House, list list) handler {
	return handler{keys: h, store: list.Apply, scopes: h.Scopes, now: func() time.Time { return h.Now }}
}

func TestNoteAndTimeMayBeNull(t *testing.T) {
	h, list := apitest.New(t), &suppressiontest.List{}
	resp := h.Serve(t, newHandler(h, list).call(), h.Post(`{"scope":"acme","reason":"stop","at":null,"note":null,"contacts":[`+email+`]}`))
	if got := apitest.Body[response](t, resp, http.StatusOK).Results; !got[0].Added {
		t.Error("the opt-out is not added")
	}
}

func TestAContactIsAddedOnce(t *testing.T) {
	h, list := apitest.New(t), &suppressiontest.List{}
	body := `{"scope":"acme","reason":"stop","contacts":[` + sms + `,{"channel":"sms","address":"912"},` + email + `],"at":"2026-11-20T09:00:00+01:00","note":"case/1"}`
	for n, added := range []bool{true, false} {
		resp := h.Serve(t, newHandler(h, list).call(), h.Post(body))
		want := []result{
			{Added: added, Suppressed: true, Key: h.Key(t, contact.SMS, "+4791234567")},
			{Reason: "invalid-address"},
			{Added: added, Suppressed: true, Key: h.Key(t, contact.Email, "kari@example.no")},
		}
		if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
			t.Errorf("time %d: results (-want +got):\n%s", n, diff)
		}
	}
	want := suppression.Change{
		Action: suppression.Suppress, Scope: "acme", Reason: suppression.Stop,
		At: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Source: "tool:crm", Note: "case/1",
	}
	if got := list.Changes()[0]; !got.At.Equal(want.At) {
		t.Errorf("at %v", got.At)
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
}

func TestEveryReasonButErasureMayBeGiven(t *testing.T) {
	for reason, want := range map[string]int{
		"unsubscribed": 200, "stop": 200, "manual": 200, "objection": 200, "complaint": 200, "hard-bounce": 200, "imported": 200,
		"erasure": 400, "": 400, "Stop": 400, "bounced": 400,
	} {
		t.Run("reason "+reason, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(fmt.Sprintf(`{"scope":"*","reason":%q,"contacts":[%s]}`, reason, email)))
			if resp.StatusCode != want || len(list.Changes()) != map[int]int{200: 1}[want] {
				t.Fatalf("status %d, want %d; %d changes", resp.StatusCode, want, len(list.Changes()))
			}
			if want == 200 && (list.Changes()[0].Reason != suppression.Reason(reason) || !list.Changes()[0].At.Equal(h.Now) || list.Changes()[0].Scope != "*") {
				t.Errorf("changed %+v", list.Changes()[0])
			}
		})
	}
}

func TestBadFieldsAreNamedAndNothingIsWritten(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"nothing, with two brands", `{}`, []string{"/reason", "/scope", "/contacts"}},
		{"everything", `{"scope":"amce","reason":"x","contacts":[` + email + `,{"channel":"fax"}],"at":"1900-01-01T00:00:00Z","note":"told us on the phone"}`,
			[]string{"/reason", "/at", "/note", "/scope", "/contacts/1/channel"}},
		{"wrong types", `{"scope":{},"reason":1,"contacts":{},"at":"today","note":[]}`, []string{"/at", "/contacts", "/note", "/reason", "/scope"}},
		{"an invalid time", `{"scope":"acme","reason":"stop","contacts":[` + email + `],"at":"yesterday"}`, []string{"/at"}},
		{"a time without text", `{"scope":"acme","reason":"stop","contacts":[` + email + `],"at":1763625600}`, []string{"/at"}},
		{"a time of no text", `{"scope":"acme","reason":"stop","contacts":[` + email + `],"at":""}`, []string{"/at"}},
		{"a time before there were computers", `{"scope":"acme","reason":"stop","contacts":[` + email + `],"at":"1969-12-31T23:59:59Z"}`, []string{"/at"}},
		{"a note that is too long", `{"scope":"acme","reason":"stop","contacts":[` + email + `],"note":"` + strings.Repeat("n", 65) + `"}`, []string{"/note"}},
		{"too many contacts", `{"scope":"acme","reason":"stop","contacts":[` + strings.Repeat(email+",", 1000) + email + `]}`, []string{"/contacts"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
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

func TestOptOutIsNeverRefusedForItsClock(t *testing.T) {
	for at, since := range map[string]string{
		`"2026-11-22T03:00:00Z"`: "2026-11-22T03:00:00Z", // now
		`"2026-11-22T03:00:02Z"`: "2026-11-22T03:00:00Z",
		`"2026-11-24T03:00:00Z"`: "2026-11-22T03:00:00Z",
		`null`:                   "2026-11-22T03:00:00Z",
		`"2026-11-20T08:00Z"`:    "2026-11-20T08:00:00Z",
		`"2026-11-20 08:00:00z"`: "2026-11-20T08:00:00Z",
	} {
		h, list := apitest.New(t), &suppressiontest.List{}
		resp := h.Serve(t, newHandler(h, list).call(), h.Post(`{"scope":"acme","reason":"stop","contacts":[`+email+`],"at":`+at+`}`))
		got := apitest.Body[response](t, resp, http.StatusOK).Results[0]
		d := suppression.Decide(list.Item(got.Key), suppression.Marketing, "acme")
		if !got.Added || !got.Suppressed || d.Send || d.Since.Format(time.RFC3339Nano) != since {
			t.Errorf("at %s: %+v, %+v", at, got, d)
		}
	}
}

// Ten days ago somebody said no, five days ago yes.
func TestTheAnswerTellsWhetherTheContactIsSilent(t *testing.T) {
	for _, test := range []struct {
		name, scope, at string
		elsewhere       scope.Scope // where another reason stands
		want            result
	}{
		{"older than the consent", "acme", "2026-11-15T03:00:00Z", "", result{Reason: "older-than-consent"}},
		{"newer than the consent", "acme", "2026-11-19T03:00:00Z", "", result{Added: true, Suppressed: true}},
		{"in the consent's instant", "acme", "2026-11-17T03:00:00Z", "", result{Added: true, Suppressed: true}},
		{"older, with another reason", "acme", "2026-11-15T03:00:00Z", "acme", result{Suppressed: true}},
		{"older, with a reason above", "acme", "2026-11-15T03:00:00Z", "*", result{Suppressed: true}},
		{"older, with a topic's reason", "acme", "2026-11-15T03:00:00Z", "acme/newsletter", result{Reason: "older-than-consent"}},
		{"older, with another brand's reason", "acme", "2026-11-15T03:00:00Z", "globex", result{Reason: "older-than-consent"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
			key := h.Key(t, contact.Email, "kari@example.no")
			day := 24 * time.Hour
			said := suppression.Mark{First: h.Now.Add(-10 * day), Last: h.Now.Add(-10 * day), Source: "tool"}
			lifted := said
			lifted.ReleasedAt = h.Now.Add(-5 * day)
			marks := map[scope.Scope]map[suppression.Reason]suppression.Mark{"acme": {suppression.Stop: lifted}}
			if test.elsewhere != "" {
				if marks[test.elsewhere] == nil {
					marks[test.elsewhere] = map[suppression.Reason]suppression.Mark{}
				}
				marks[test.elsewhere][suppression.Objection] = said
			}
			list.Plant(suppression.Item{Key: key, Channel: contact.Email, Marks: marks, Version: 1})
			test.want.Key = key
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(fmt.Sprintf(`{"scope":%q,"reason":"stop","contacts":[%s],"at":%q}`, test.scope, email, test.at)))
			if diff := cmp.Diff(test.want, apitest.Body[response](t, resp, http.StatusOK).Results[0]); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSuppressingNeedsTheRightAndTheScope(t *testing.T) {
	for _, test := range []struct {
		name, scope string
		right       access.Right
		want        int
	}{
		{"its own brand", "acme", access.Suppress, 200},
		{"another brand", "globex", access.Suppress, 403},
		{"every scope", "*", access.Suppress, 403},
		{"the right to release only", "acme", access.Release, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
			h.Tool.Rights, h.Tool.Scopes = []access.Right{test.right}, []scope.Scope{"acme"}
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(fmt.Sprintf(`{"scope":%q,"reason":"stop","contacts":[%s]}`, test.scope, email)))
			if resp.StatusCode != test.want || len(list.Changes()) != map[int]int{200: 1}[test.want] {
				t.Errorf("status %d, want %d; %d changes", resp.StatusCode, test.want, len(list.Changes()))
			}
		})
	}
}

func TestAFailedWriteIsNotAnswered200(t *testing.T) {
	for name, spoil := range map[string]func(*apitest.House, *suppressiontest.List){
		"the list fails":               func(_ *apitest.House, l *suppressiontest.List) { l.Fail(errDown) },
		"the keys cannot be read":      func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = errDown },
		"the keys are another table's": func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = contact.ErrForeignKeys },
	} {
		t.Run(name, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
			spoil(h, list)
			resp := h.Serve(t, newHandler(h, list).call(), h.Post(`{"scope":"acme","reason":"stop","contacts":[`+email+`]}`))
			if resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(resp.Body, "added") {
				t.Errorf("status %d: %s", resp.StatusCode, resp.Body)
			}
		})
	}
}

func TestEventsOfSuppressAreAnswered(t *testing.T) {
	want := map[string]suppression.Reason{"suppress.objection.json": "objection", "suppress.stop.json": "stop"}
	apitest.EachEvent(t, "suppress", want, func(t *testing.T, h *apitest.House, req gateway.Request, want suppression.Reason) {
		list := &suppressiontest.List{}
		resp := h.Serve(t, newHandler(h, list).call(), req)
		if got := apitest.Body[response](t, resp, http.StatusOK).Results; !got[0].Added || list.Changes()[0].Reason != want {
			t.Errorf("added %v for %s, want %s", got[0].Added, list.Changes()[0].Reason, want)
		}
	})
}

func TestTheExamplesOfSuppressAreAnswered(t *testing.T) {
	h := apitest.New(t)
	h.AnswersItsExamples(t, newHandler(h, &suppressiontest.List{}).call())
}

func TestSuppressHasItsFront(t *testing.T) {
	good := `{"scope":"acme","reason":"stop","contacts":[` + email + `]}`
	apitest.Front(t, access.Suppress, good, func(h *apitest.House) api.Call { return newHandler(h, &suppressiontest.List{}).call() })
}

func TestARefusedScopeNamesThoseThereAre(t *testing.T) {
	for asked, want := range map[string]string{
		`"scope":"acne",`: "must be one of acme, acme/newsletter, globex, or * for all",
		"":                "must be given, because there is more than one brand: acme, acme/newsletter, globex, or * for all",
	} {
		h := apitest.New(t)
		resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(`{`+asked+`"reason":"stop","contacts":[`+email+`]}`))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(resp.Body, want) {
			t.Errorf("status %d: %s", resp.StatusCode, resp.Body)
		}
	}
}
