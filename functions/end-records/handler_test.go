package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

var errDown = errors.New("the store is down")

// memory is the class tables: records by "class/id", and errors of some.
type memory struct {
	mu      sync.Mutex
	records map[string]retention.Record
	errs    map[string]error
	err     error // of everything
}

func (m *memory) OfSubject(_ context.Context, class string, subject contact.Key) ([]string, error) {
	var ids []string
	for name, r := range m.records {
		if strings.HasPrefix(name, class+"/") && r.Subject == subject {
			ids = append(ids, r.ID)
		}
	}
	return append(ids, "purged-meanwhile"), m.err
}

func (m *memory) End(_ context.Context, class, id string, decide func(retention.Record) (retention.Record, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	stored, there := m.records[class+"/"+id]
	switch {
	case m.err != nil:
		return m.err
	case !there:
		return retention.ErrNoRecord
	}
	next, err := decide(stored)
	if err == nil {
		err = m.errs[id]
	}
	if err == nil {
		m.records[class+"/"+id] = next
	}
	return err
}

func (m *memory) keep(class string, r retention.Record) { m.records[class+"/"+r.ID] = r }

func newHandler(h *apitest.House, to records) handler {
	return handler{keys: h, records: to, scopes: h.Scopes, policy: h.Policy, now: func() time.Time { return h.Now }}
}

var (
	spoke = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	ended = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
)

const (
	conversation = `{"class":"communication","at":"2026-11-21T08:00:00Z","ids":["conv-1"]}`
	service      = `{"class":"messaging","at":"2026-11-21T08:00:00Z","scope":"acme","contacts":[{"channel":"email","address":"kari@example.no"}]}`
)

// full is the class tables with a conversation and what there is of one person.
func full(t *testing.T, h *apitest.House) *memory {
	t.Helper()
	m := &memory{records: map[string]retention.Record{}, errs: map[string]error{}}
	kari := h.Key(t, contact.Email, "kari@example.no")
	m.keep("communication", retention.Record{ID: "conv-1", OccurredAt: spoke, Scope: "acme"})
	m.keep("messaging", retention.Record{ID: "sub-1", Subject: kari, Scope: "acme", Basis: retention.Customer, OccurredAt: spoke})
	m.keep("messaging", retention.Record{ID: "sub-2", Subject: kari, Scope: "acme/newsletter", Basis: retention.Customer, OccurredAt: spoke})
	m.keep("messaging", retention.Record{ID: "sub-3", Subject: kari, Scope: "globex", Basis: retention.Consent, OccurredAt: spoke, Start: spoke})
	m.keep("messaging", retention.Record{ID: "sub-4", Subject: h.Key(t, contact.SMS, "+4791234567"), Scope: "acme", Basis: retention.Customer, OccurredAt: spoke})
	m.keep("contact", retention.Record{ID: "user-1", Subject: kari, OccurredAt: spoke})
	return m
}

func ask(t *testing.T, h *apitest.House, m *memory, body string) []result {
	t.Helper()
	return apitest.Body[response](t, h.Serve(t, newHandler(h, m).call(), h.Post(body)), http.StatusOK).Results
}

func TestRecordsEndAndRunAgain(t *testing.T) {
	h := apitest.New(t)
	m := full(t, h)
	for _, step := range []struct {
		name, at string
		want     result
		start    time.Time
	}{
		{"it ended", `"2026-11-21T09:00:00+01:00"`, result{Updated: true}, ended},
		{"the same again", `"2026-11-21T08:00:00Z"`, result{Updated: true}, ended},
		{"an earlier end", `"2026-11-20T08:00:00Z"`, result{Reason: older}, ended},
		{"it runs again", `null`, result{Updated: true}, time.Time{}},
		{"and again", `null`, result{Updated: true}, time.Time{}},
		{"the end from before that", `"2026-11-21T08:00:00Z"`, result{Reason: older}, time.Time{}},
		{"its end is announced", `"2026-11-23T02:00:00Z"`, result{Updated: true}, time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)},
		{"that is taken back", `null`, result{Updated: true}, time.Time{}},
	} {
		got := ask(t, h, m, fmt.Sprintf(`{"class":"communication","at":%s,"ids":["conv-1"]}`, step.at))
		if diff := cmp.Diff([]result{step.want}, got); diff != "" || !m.records["communication/conv-1"].Start.Equal(step.start) {
			t.Errorf("%s: start %v, results (-want +got):\n%s", step.name, m.records["communication/conv-1"].Start, diff)
		}
	}
}

func TestAnEarlierEndIsRefusedByALaw(t *testing.T) {
	h := apitest.New(t)
	m := full(t, h)
	for i := range h.Policy.Classes {
		h.Policy.Classes[i].Minimum, h.Policy.Classes[i].KeptBy = h.Policy.Classes[i].Keep, "a law"
	}
	m.keep("contact", retention.Record{ID: "user-1", OccurredAt: spoke.AddDate(-3, 0, 0), Start: spoke})
	for _, step := range []struct {
		at   string
		want result
	}{{"2025-11-20T08:00:00Z", result{Reason: keptByLaw}}, {"2026-11-21T08:00:00Z", result{Updated: true}}} {
		got := ask(t, h, m, fmt.Sprintf(`{"class":"contact","at":%q,"ids":["user-1"]}`, step.at))
		if diff := cmp.Diff([]result{step.want}, got); diff != "" {
			t.Errorf("ended at %s, results (-want +got):\n%s", step.at, diff)
		}
	}
}

func TestOnlyRecordsOfClassAndScopeAreFound(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string // that ended
		reason     string
	}{
		{"of the brand", service, []string{"sub-1"}, ""},
		{"of a topic", strings.Replace(service, `"acme"`, `"acme/newsletter"`, 1), []string{"sub-2"}, ""},
		{"on the other channel", strings.Replace(service, `"channel":"email","address":"kari@example.no"`, `"channel":"sms","address":"+4791234567"`, 1), []string{"sub-4"}, ""},
		{"in no scope, which is every one's", strings.NewReplacer("messaging", "contact", `"acme"`, `"*"`).Replace(service), []string{"user-1"}, ""},
		{"a consent", strings.Replace(service, `"acme"`, `"globex"`, 1), nil, notAService},
		{"in another class", strings.Replace(service, "messaging", "communication", 1), nil, unknown},
		{"of nobody", strings.Replace(service, "kari@", "ola@", 1), nil, unknown},
		{"an invalid address", strings.Replace(service, "kari@example.no", "kari@", 1), nil, suppression.InvalidAddress},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			m := full(t, h)
			got := ask(t, h, m, test.body)[0]
			if got.Updated != (test.reason == "") || got.Reason != test.reason || (got.Key == "") != (test.reason == suppression.InvalidAddress) {
				t.Errorf("%+v, want reason %q", got, test.reason)
			}
			var after []string
			for _, r := range m.records {
				if r.Start.Equal(ended) {
					after = append(after, r.ID)
				}
			}
			if diff := cmp.Diff(test.want, after); diff != "" {
				t.Errorf("ended (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANewerRecordDoesNotFailTheOthers(t *testing.T) {
	h := apitest.New(t)
	m := full(t, h)
	kari := h.Key(t, contact.Email, "kari@example.no")
	for n, at := range []time.Time{spoke, h.Now, spoke} {
		m.keep("communication", retention.Record{ID: fmt.Sprintf("conv-%d", n), Subject: kari, Scope: "acme", OccurredAt: at})
	}
	got := ask(t, h, m, strings.Replace(service, "messaging", "communication", 1))
	if diff := cmp.Diff([]result{{Reason: older, Key: kari}}, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if !m.records["communication/conv-0"].Start.Equal(ended) || !m.records["communication/conv-1"].Start.IsZero() || !m.records["communication/conv-2"].Start.Equal(ended) {
		t.Errorf("records %+v", m.records)
	}
}

func TestARefusedRecordDoesNotFailTheOthers(t *testing.T) {
	h := apitest.New(t)
	m := full(t, h)
	h.Tool.Scopes = []scope.Scope{"acme"}
	for id, err := range map[string]error{"conv-2": retention.ErrUnreadable, "conv-3": retention.ErrBeingPurged, "conv-4": dynamo.ErrUnwritable} {
		m.keep("communication", retention.Record{ID: id, Scope: "acme"})
		m.errs[id] = err
	}
	m.keep("communication", retention.Record{ID: "conv-5", Scope: "globex"})
	m.keep("communication", retention.Record{ID: "conv-6"})
	got := ask(t, h, m, strings.Replace(conversation, `"conv-1"`, `"none","conv-2","conv-3","conv-4","conv-5","conv-6","conv-1"`, 1))
	want := []result{{Reason: unknown}, {Reason: unreadable}, {Reason: beingPurged}, {Reason: unreadable}, {Reason: forbidden}, {Reason: forbidden}, {Updated: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestBadFieldsAreNamedAndNothingIsChanged(t *testing.T) {
	ids := `"conv-1"` + strings.Repeat(`,"conv-1"`, 1000)
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"nothing", `{}`, []string{"/class", "/at", "/ids"}},
		{"no time", strings.Replace(conversation, `"at":"2026-11-21T08:00:00Z",`, "", 1), []string{"/at"}},
		{"an invalid time", strings.Replace(conversation, "2026-11-21T08:00:00Z", "now", 1), []string{"/at"}},
		{"more than a day ahead", strings.Replace(conversation, "2026-11-21T08:00:00Z", "2026-11-23T03:00:01Z", 1), []string{"/at"}},
		{"before 2000", strings.Replace(conversation, "2026-11-21T08:00:00Z", "1999-12-31T23:59:59Z", 1), []string{"/at"}},
		{"the time that stands for none", strings.Replace(conversation, "2026-11-21T08:00:00Z", "0001-01-01T00:00:00Z", 1), []string{"/at"}},
		{"no ids", strings.Replace(conversation, `"conv-1"`, "", 1), []string{"/ids"}},
		{"too many ids", strings.Replace(conversation, `"conv-1"`, ids, 1), []string{"/ids"}},
		{"ids that are none", strings.Replace(conversation, `"conv-1"`, `"","conv-1","kari@example.no"`, 1), []string{"/ids/0", "/ids/2"}},
		{"ids in a scope", strings.Replace(conversation, `"ids"`, `"scope":"acme","ids"`, 1), []string{"/scope"}},
		{"ids and contacts", strings.Replace(service, `"scope"`, `"ids":["sub-1"],"scope"`, 1), []string{"/ids"}},
		{"no contacts", `{"class":"messaging","at":null,"scope":"acme","contacts":[]}`, []string{"/contacts"}},
		{"contacts without a scope", strings.Replace(service, `"scope":"acme",`, "", 1), []string{"/scope"}},
		{"a scope and a class there are not, and a channel", strings.NewReplacer("acme", "amce", "messaging", "marketing", `"email"`, `"fax"`).Replace(service),
			[]string{"/class", "/scope", "/contacts/0/channel"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := apitest.New(t)
			m := full(t, h)
			resp := h.Serve(t, newHandler(h, m).call(), h.Post(test.body))
			if resp.StatusCode != http.StatusBadRequest {
				t.Fatalf("status %d: %s", resp.StatusCode, resp.Body)
			}
			if diff := cmp.Diff(test.want, apitest.Pointers(t, resp)); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(full(t, h).records, m.records); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndingNeedsTheRightInTheScope(t *testing.T) {
	for name, test := range map[string]struct {
		body  string
		right access.Right
		scope scope.Scope
		want  int
	}{
		"contacts of its brand":               {service, access.Records, "acme", 200},
		"contacts of another brand":           {service, access.Records, "globex", 403},
		"records by id, with any scope":       {conversation, access.Records, "globex", 200},
		"records by id, without the right":    {conversation, access.Suppress, "acme", 403},
		"contacts everywhere, with one brand": {strings.Replace(service, `"acme"`, `"*"`, 1), access.Records, "acme", 403},
	} {
		t.Run(name, func(t *testing.T) {
			h := apitest.New(t)
			h.Tool.Rights, h.Tool.Scopes = []access.Right{test.right}, []scope.Scope{test.scope}
			if resp := h.Serve(t, newHandler(h, full(t, h)).call(), h.Post(test.body)); resp.StatusCode != test.want {
				t.Errorf("status %d, want %d", resp.StatusCode, test.want)
			}
		})
	}
}

func TestWhatWasNotWrittenIsNotAnswered200(t *testing.T) {
	for _, body := range []string{conversation, service} {
		h := apitest.New(t)
		m := full(t, h)
		m.err = errDown
		if resp := h.Serve(t, newHandler(h, m).call(), h.Post(body)); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}

func TestEventsOfEndAreAnswered(t *testing.T) {
	want := map[string][]result{
		"end-records.conversations.json":   {{Updated: true}, {Reason: unknown}},
		"end-records.service-goes-on.json": {{Updated: true}},
	}
	apitest.EachEvent(t, "end-records", want, func(t *testing.T, h *apitest.House, req gateway.Request, want []result) {
		m := full(t, h)
		m.keep("communication", retention.Record{ID: "conv-17", OccurredAt: spoke})
		got := apitest.Body[response](t, h.Serve(t, newHandler(h, m).call(), req), http.StatusOK).Results
		for i := range got {
			got[i].Key = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

func TestTheExamplesOfEndAreAnswered(t *testing.T) {
	h := apitest.New(t)
	h.AnswersItsExamples(t, newHandler(h, full(t, h)).call())
}

func TestEndHasItsFront(t *testing.T) {
	apitest.Front(t, access.Records, service, func(h *apitest.House) api.Call { return newHandler(h, full(t, h)).call() })
}

func TestTheOpenAPIFileHasTheLimits(t *testing.T) {
	spec := apitest.OpenAPI(t)
	if got := spec.At(t, "components", "schemas", "EndedRequest", "properties", "ids", "maxItems"); got != uint64(maxIDs) {
		t.Errorf("at most %v ids", got)
	}
	reasons := spec.Texts(t, "components", "schemas", "EndedAnswer", "properties", "results", "items", "properties", "reason", "enum")
	code := []string{beingPurged, forbidden, held, suppression.InvalidAddress, keptByLaw, notAService, older, unknown, unreadable}
	if diff := cmp.Diff(code, reasons); diff != "" {
		t.Errorf("reasons (-code +file)\n%s", diff)
	}
}
