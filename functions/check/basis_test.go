package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

// shelf is class tables in memory, one record to a contact and scope.
type shelf struct {
	records []retention.Stored
	spoilt  contact.Key // a contact whose record cannot be read
	err     error
	asked   int // contacts that were looked up
}

func (s *shelf) Evidence(_ context.Context, _ string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error) {
	said := make([]suppression.Evidence, len(contacts))
	s.asked += len(contacts)
	for i, keys := range contacts {
		for _, key := range keys {
			if key == s.spoilt {
				said[i].Err = retention.ErrUnreadable
			}
			for _, in := range scopes {
				for _, r := range s.records {
					if r.Subject == key && r.Scope == in {
						said[i].Records = append(said[i].Records, r)
					}
				}
			}
		}
	}
	return said, s.err
}

// requiring is a check that requires a basis.
func requiring(in, purpose, contacts string) string {
	return strings.Replace(asking(in, purpose, contacts), "{", `{"require":"basis",`, 1)
}

func consentOf(key contact.Key, at time.Time) retention.Stored {
	return retention.Stored{Record: retention.Record{
		ID: "sub-81", Subject: key, Scope: "acme", Basis: retention.Consent, OccurredAt: at, Start: at,
	}}
}

func TestARequiredBasisIsNamedOrMissing(t *testing.T) {
	h := apitest.New(t)
	kari, ola := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.Email, "ola@example.no")
	silent, broken := h.Key(t, contact.SMS, "+4791234567"), h.Key(t, contact.Email, "siri@example.no")
	over := newHandler(h, marked(silent, "acme", suppression.Stop, h.Now))
	records := &shelf{spoilt: broken, records: []retention.Stored{
		consentOf(kari, h.Now.AddDate(-1, 0, 0)), consentOf(ola, h.Now.AddDate(-3, 0, 0)), consentOf(silent, h.Now.AddDate(-1, 0, 0)),
	}}
	over.checker.Records = records
	contacts := strings.Join([]string{
		email, `{"channel":"email","address":"ola@example.no"}`, sms, `{"channel":"email","address":"siri@example.no"}`,
		`{"channel":"email","address":"per@example.no"}`, `{"channel":"email","address":"per@"}`,
	}, ",")
	want := []result{
		{Send: true, Key: kari, Basis: "consent", BasisUntil: "2027-11-22", Evidence: "sub-81"},
		{Reason: "basis-expired", Scope: "acme/newsletter", BasisUntil: "2025-11-22", Key: ola},
		{Reason: "stop", Scope: "acme", Since: h.Now, Key: silent},
		{Reason: "unreadable", Key: broken},
		{Reason: "no-basis", Scope: "acme/newsletter", Key: h.Key(t, contact.Email, "per@example.no")},
		{Reason: "invalid-address"},
	}
	resp := h.Serve(t, over.call(), h.Post(requiring("acme/newsletter", "", contacts)))
	if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if records.asked != 4 {
		t.Errorf("the records of %d contacts were read, want 4", records.asked)
	}
}

func TestOnlyAMarketingCheckThatRequiresReadsRecords(t *testing.T) {
	for name, body := range map[string]string{
		"a transactional check": requiring("acme", "transactional", email),
		"no requirement":        asking("acme", "marketing", email),
	} {
		h := apitest.New(t)
		over := newHandler(h, &suppressiontest.List{})
		over.checker.Records = &shelf{err: errDown}
		resp := h.Serve(t, over.call(), h.Post(body))
		want := []result{{Send: true, Key: h.Key(t, contact.Email, "kari@example.no")}}
		if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// globex requires a basis, and acme does not.
func TestAScopeRequiresABasisOfEveryCall(t *testing.T) {
	h := apitest.New(t)
	h.Scopes = scopetest.RequiringBasis(t)
	kari := h.Key(t, contact.Email, "kari@example.no")
	of := func(in scope.Scope, year int) retention.Stored {
		r := consentOf(kari, h.Now.AddDate(year, 0, 0))
		r.ID, r.Scope = string(in), in
		return r
	}
	live := result{Send: true, Key: kari, Basis: "consent", BasisUntil: "2027-11-22", Evidence: "globex"}
	none := result{Reason: "no-basis", Scope: "globex", Key: kari}
	for _, test := range []struct {
		name, in, purpose string
		records           []retention.Stored
		want              result
	}{
		{"with a basis", "globex", "marketing", []retention.Stored{of("globex", -1)}, live},
		{"without a purpose", "globex", "", nil, none},
		{"without a basis", "globex", "marketing", nil, none},
		{"with another brand's basis", "globex", "marketing", []retention.Stored{of("acme", -1)}, none},
		{"with an ended basis", "globex", "marketing", []retention.Stored{of("globex", -3)}, result{Reason: "basis-expired", Scope: "globex", BasisUntil: "2025-11-22", Key: kari}},
		{"a service message", "globex", "transactional", nil, result{Send: true, Key: kari}},
		{"a brand that requires none", "acme", "marketing", nil, result{Send: true, Key: kari}},
		{"no scope", "", "marketing", nil, result{Send: true, Key: kari}},
		{"every scope", "*", "marketing", nil, result{Send: true, Key: kari}},
		{"every scope, a service message", "*", "transactional", nil, result{Send: true, Key: kari}},
	} {
		t.Run(test.name, func(t *testing.T) {
			over := newHandler(h, &suppressiontest.List{})
			over.checker.Records = &shelf{records: test.records}
			resp := h.Serve(t, over.call(), h.Post(asking(test.in, test.purpose, email)))
			if diff := cmp.Diff([]result{test.want}, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANullIsAMemberThatIsAbsent(t *testing.T) {
	h := apitest.New(t)
	over := newHandler(h, &suppressiontest.List{})
	ask := func(body string) []result {
		resp := h.Serve(t, over.call(), h.Post(body))
		return apitest.Body[response](t, resp, http.StatusOK).Results
	}
	want := ask(`{"contacts":[` + email + `]}`)
	for _, name := range []string{"scope", "purpose", "require"} {
		if diff := cmp.Diff(want, ask(fmt.Sprintf(`{"%s":null,"contacts":[%s]}`, name, email))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOnlyABasisCanBeRequired(t *testing.T) {
	for _, value := range []string{`""`, `"Basis"`, `"consent"`, `true`, `["basis"]`, `{}`, `1`} {
		h := apitest.New(t)
		body := strings.Replace(asking("acme", "transactional", email), "{", fmt.Sprintf(`{"require":%s,`, value), 1)
		resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(body))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(resp.Body, "/require") {
			t.Errorf("%s: status %d: %s", value, resp.StatusCode, resp.Body)
		}
	}
}

func TestWithoutTheRecordsNobodyIsSentTo(t *testing.T) {
	h := apitest.New(t)
	over := newHandler(h, &suppressiontest.List{})
	over.checker.Records = &shelf{err: errDown}
	resp := h.Serve(t, over.call(), h.Post(requiring("acme", "", email)))
	if resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(resp.Body, "send") {
		t.Errorf("status %d: %s", resp.StatusCode, resp.Body)
	}
}

func TestWithoutAMessagingClassThereIsNoBasis(t *testing.T) {
	h := apitest.New(t)
	over := newHandler(h, &suppressiontest.List{})
	h.Policy, over.checker.Records = &retention.Policy{}, &shelf{err: errDown}
	resp := h.Serve(t, over.call(), h.Post(requiring("acme", "", email)))
	want := []result{{Reason: "no-basis", Scope: "acme", Key: h.Key(t, contact.Email, "kari@example.no")}}
	if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}
