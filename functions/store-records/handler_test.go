package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
)

var errDown = errors.New("the store is down")

// memory is the class tables: what was put, as "class/id".
type memory struct {
	put   []string
	last  retention.Record
	only  []contact.Key
	old   retention.Record // what is stored under the same id; none where it has no id
	newer bool             // another event of the same id is newer
	err   error
}

func (m *memory) Put(_ context.Context, class string, r retention.Record, may func(retention.Record) error, only ...contact.Key) (retention.Outcome, error) {
	m.only = only
	if m.old.ID != "" {
		if err := may(m.old); err != nil {
			return retention.Outcome{}, err
		}
	}
	m.put, m.last = append(m.put, class+"/"+r.ID), r
	return retention.Outcome{Stored: !m.newer && m.err == nil, Record: r.Replacing(m.old, class)}, m.err
}

type records interface {
	Put(ctx context.Context, class string, record retention.Record, may func(stored retention.Record) error, only ...contact.Key) (retention.Outcome, error)
}

func newHandler(h *apitest.House, to records) handler {
	return handler{keys: h, put: to.Put, scopes: h.Scopes, policy: h.Policy, now: func() time.Time { return h.Now }}
}

// consent is the contract's example with some of its text replaced.
func consent(replaced ...string) string {
	const example = `{"id":"sub-81","contact":{"channel":"email","address":"kari@example.no"},"scope":"acme","basis":"consent","occurredAt":"2024-11-20T08:00:00Z","start":"2024-11-20T08:00:00Z","data":{"list":"spring"}}`
	return strings.NewReplacer(replaced...).Replace(example)
}

func storing(class string, records ...string) string {
	return fmt.Sprintf(`{"class":%q,"records":[%s]}`, class, strings.Join(records, ","))
}

func TestAStoredRecordIsAnsweredWithItsDay(t *testing.T) {
	day := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, test := range []struct {
		name, class, record string
		want                result
		contact             bool
	}{
		{"the contract's example", "messaging", consent(), result{Stored: true, KeptThrough: "2026-11-20", DueFrom: day("2026-11-20T23:00:00Z")}, true},
		{"a consent in the evening belongs to the next day in Oslo", "messaging", consent("08:00:00Z", "23:30:00Z"), result{Stored: true, KeptThrough: "2026-11-21", DueFrom: day("2026-11-21T23:00:00Z")}, true},
		{"a customer whose service runs", "messaging", consent("consent", "customer", `"start":"2024-11-20T08:00:00Z",`, ""), result{Stored: true}, true},
		{"a conversation that runs", "communication", `{"id":"conv-1","occurredAt":"2026-11-20T08:00:00Z"}`, result{Stored: true}, false},
		{"a conversation that ended on 31 August", "communication", `{"id":"conv-1","occurredAt":"2026-08-31T10:00:00Z","start":"2026-08-31T10:00:00Z"}`, result{Stored: true, KeptThrough: "2027-02-28", DueFrom: day("2027-02-28T23:00:00Z")}, false},
		{"a class without special rules", "contact", `{"id":"user-1","occurredAt":"2026-08-31T10:00:00Z","start":"2026-08-31T10:00:00Z"}`, result{Stored: true, KeptThrough: "2031-08-31", DueFrom: day("2031-08-31T22:00:00Z")}, false},
		{"no start", "communication", `{"id":"conv-1","occurredAt":"2026-11-20T08:00:00Z","start":null}`, result{Stored: true}, false},
		{"null for all that is optional", "communication", `{"id":"conv-1","occurredAt":"2026-11-20T08:00:00Z","contact":null,"scope":null,"basis":null,"start":null,"lastActivityAt":null,"objects":null,"data":null}`, result{Stored: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, to := apitest.New(t), &memory{}
			resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing(test.class, test.record)))
			if test.contact {
				test.want.Key = h.Key(t, contact.Email, "kari@example.no")
			}
			if diff := cmp.Diff([]result{test.want}, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// letters lets a class's records have objects in a bucket of that name.
func letters(h *apitest.House, class string) {
	for i := range h.Policy.Classes {
		if h.Policy.Classes[i].Name == class {
			h.Policy.Classes[i].Buckets = []string{"letters"}
		}
	}
}

func TestARecordIsStoredAsItWasGiven(t *testing.T) {
	h, to := apitest.New(t), &memory{}
	letters(h, "messaging")
	body := storing("messaging", consent(`"data"`, `"lastActivityAt":"2026-11-01T00:00:00Z","objects":["s3://letters/key"],"data"`))
	apitest.Body[response](t, h.Serve(t, newHandler(h, to).call(), h.Post(body)), http.StatusOK)
	at := time.Date(2024, 11, 20, 8, 0, 0, 0, time.UTC)
	want := retention.Record{
		ID: "sub-81", Subject: h.Key(t, contact.Email, "kari@example.no"), Scope: "acme", Basis: retention.Consent, OccurredAt: at, Start: at,
		LastActivityAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Objects: []string{"s3://letters/key"}, Data: []byte(`{"list":"spring"}`),
	}
	if diff := cmp.Diff(want, to.last); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestVersionWithALowerMinimumIsRefused(t *testing.T) {
	h := apitest.New(t)
	for i := range h.Policy.Classes {
		h.Policy.Classes[i].Minimum, h.Policy.Classes[i].KeptBy = h.Policy.Classes[i].Keep, "bokføringsloven § 13"
	}
	stored := retention.Record{
		ID: "user-1", Scope: "acme", OccurredAt: time.Date(2024, 8, 31, 10, 0, 0, 0, time.UTC), Start: time.Date(2024, 8, 31, 10, 0, 0, 0, time.UTC),
	}
	for name, c := range map[string]struct {
		record string
		reason string
	}{
		"an earlier start": {`{"id":"user-1","scope":"acme","occurredAt":"2026-08-31T10:00:00Z","start":"2010-08-31T10:00:00Z"}`, keptByLaw},
		"a later start":    {`{"id":"user-1","scope":"acme","occurredAt":"2026-08-31T10:00:00Z","start":"2026-08-31T10:00:00Z"}`, ""},
		"running again":    {`{"id":"user-1","scope":"acme","occurredAt":"2026-08-31T10:00:00Z"}`, ""},
		"an older event":   {`{"id":"user-1","scope":"acme","occurredAt":"2020-08-31T10:00:00Z","start":"2010-08-31T10:00:00Z"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			to := &memory{old: stored}
			resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("contact", c.record)))
			got := apitest.Body[response](t, resp, http.StatusOK).Results[0]
			if got.Reason != c.reason || c.reason != "" && (got.Stored || len(to.put) > 0 || got.KeptBy != "bokføringsloven § 13" || got.KeptThrough != "2029-08-31") {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

func TestAnErasedRecordIsAnsweredWithItsErasure(t *testing.T) {
	h := apitest.New(t)
	erased := h.Now.Add(-time.Hour)
	to := &memory{old: retention.Record{ID: "conv-1", Scope: "acme", OccurredAt: erased.Add(-time.Hour), WithdrawnAt: erased}}
	for _, start := range []string{"", `,"start":"2026-11-21T10:00:00Z"`} {
		resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("communication", `{"id":"conv-1","scope":"acme","occurredAt":"2026-11-21T10:00:00Z"`+start+`}`)))
		got := apitest.Body[response](t, resp, http.StatusOK).Results[0]
		if !got.Stored || got.KeptThrough != "" || !got.DueFrom.Equal(erased) {
			t.Errorf("start %q: answered %+v", start, got)
		}
	}
}

func TestAnOlderEventIsAnsweredNotStored(t *testing.T) {
	h, to := apitest.New(t), &memory{newer: true}
	resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("messaging", consent())))
	if apitest.Body[response](t, resp, http.StatusOK).Results[0].Stored {
		t.Error("it is said to be stored")
	}
}

func TestTheOnlyBrandOwnsTheRecord(t *testing.T) {
	h, to := apitest.New(t), &memory{}
	var err error
	if h.Scopes, err = scope.Load([]byte(`
scopes:
  - {id: 1, scope: acme, controller: Acme AS, name: {en: Acme}, policyURL: "https://acme.example/p", contact: p@acme.example, linkDomain: links.acme.example}
`)); err != nil {
		t.Fatal(err)
	}
	h.Tool.Scopes = []scope.Scope{"acme"}
	resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("messaging", consent(`"scope":"acme",`, ""))))
	apitest.Body[response](t, resp, http.StatusOK)
	if to.last.Scope != "acme" {
		t.Errorf("scope %q", to.last.Scope)
	}
}

func TestBadFieldsAreNamedAndNothingIsStored(t *testing.T) {
	good := consent()
	many := strings.Split(strings.Repeat(good+"\n", 101), "\n")[:101]
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"nothing", `{}`, []string{"/class", "/records"}},
		{"no records", storing("messaging"), []string{"/records"}},
		{"too many records", storing("messaging", many...), []string{"/records"}},
		{"a class there is not", storing("marketing", good), []string{"/class"}},
		{"one of three is bad", storing("messaging", good, consent("2024-11-20", "1999-12-31"), good), []string{"/records/1/start", "/records/1/occurredAt"}},
		{"a messaging record without anything", storing("messaging", `{}`),
			[]string{"/records/0/occurredAt", "/records/0/id", "/records/0/contact", "/records/0/scope", "/records/0/basis"}},
		{"a consent without its time", storing("messaging", consent(`"start":"2024-11-20T08:00:00Z",`, "")), []string{"/records/0/start"}},
		{"an invalid address", storing("messaging", consent("kari@example.no", "kari@")), []string{"/records/0/contact/address"}},
		{"an invalid address, where none is needed", storing("communication", `{"id":"c-1","occurredAt":"2026-11-20T08:00:00Z","contact":{"channel":"sms","address":"912"}}`), []string{"/records/0/contact/address"}},
		{"a channel there is not", storing("messaging", consent(`"email"`, `"fax"`)), []string{"/records/0/contact/channel"}},
		{"an invalid contact", storing("messaging", consent(`{"channel":"email","address":"kari@example.no"}`, `"kari"`)), []string{"/records/0/contact"}},
		{"a field of a contact that there is not", storing("messaging", consent(`"address"`, `"regoin":"NO","address"`)), []string{"/records/0/contact/regoin"}},
		{"a field of a contact of the wrong type", storing("messaging", consent(`"kari@example.no"`, `7`)), []string{"/records/0/contact/address"}},
		{"a scope there is not", storing("messaging", consent("acme", "amce")), []string{"/records/0/scope"}},
		{"a basis there is not", storing("messaging", consent(`"consent"`, `"contract"`)), []string{"/records/0/basis"}},
		{"an address as id", storing("messaging", consent("sub-81", "kari@example.no")), []string{"/records/0/id"}},
		{"a number as id", storing("messaging", consent("sub-81", "+4791234567")), []string{"/records/0/id"}},
		{"times in the future", storing("communication", `{"id":"c-1","occurredAt":"2026-11-24T08:00:00Z","start":"2026-11-24T08:00:00Z","lastActivityAt":"2026-11-24T08:00:00Z"}`),
			[]string{"/records/0/start", "/records/0/occurredAt", "/records/0/lastActivityAt"}},
		{"objects that are none", storing("communication", `{"id":"c-1","occurredAt":"2026-11-20T08:00:00Z","objects":["s3://letters/key","http://x","s3://letters/key","s3://other/key"]}`),
			[]string{"/records/0/objects/1", "/records/0/objects/2", "/records/0/objects/3"}},
		{"an object where the class has none", storing("messaging", consent(`"data"`, `"objects":["s3://letters/key"],"data"`)), []string{"/records/0/objects/0"}},
		{"wrong types", `{"class":1,"records":[7,{"id":1,"occurredAt":"now","start":5,"objects":"x","basis":[]}]}`,
			[]string{"/class", "/records/0", "/records/1/basis", "/records/1/id", "/records/1/objects", "/records/1/occurredAt", "/records/1/start"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, to := apitest.New(t), &memory{}
			letters(h, "communication")
			resp := h.Serve(t, newHandler(h, to).call(), h.Post(test.body))
			if resp.StatusCode != http.StatusBadRequest || len(to.put) != 0 {
				t.Fatalf("status %d, %d stored: %s", resp.StatusCode, len(to.put), resp.Body)
			}
			if diff := cmp.Diff(test.want, apitest.Pointers(t, resp)); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARecordOfAnotherBrandIsNotReplaced(t *testing.T) {
	for stored, want := range map[scope.Scope]string{"acme": "", "globex": forbidden, "": forbidden} {
		h, to := apitest.New(t), &memory{old: retention.Record{ID: "sub-81", Scope: stored}}
		h.Tool.Scopes = []scope.Scope{"acme"}
		resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("messaging", consent())))
		got := apitest.Body[response](t, resp, http.StatusOK).Results[0]
		if got.Reason != want || got.Stored != (want == "") || len(to.put) != map[bool]int{true: 1}[got.Stored] {
			t.Errorf("over one of %q: %+v; %d stored", stored, got, len(to.put))
		}
	}
}

func TestARefusedRecordDoesNotFailTheOthers(t *testing.T) {
	for err, reason := range map[error]string{retention.ErrUnreadable: unreadable, retention.ErrBeingPurged: beingPurged, retention.ErrHeld: held, retention.ErrObjectTaken: objectTaken, retention.ErrObjects: tooMany} {
		h, to := apitest.New(t), &memory{err: err}
		resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("messaging", consent(), consent("sub-81", "sub-82"))))
		for i, got := range apitest.Body[response](t, resp, http.StatusOK).Results {
			if got.Stored || got.Reason != reason || got.KeptThrough != "" {
				t.Errorf("record %d: %+v", i, got)
			}
		}
	}
}

func TestRetiredClassTakesNoRecord(t *testing.T) {
	h, to := apitest.New(t), &memory{}
	for i := range h.Policy.Classes {
		h.Policy.Classes[i].Retired = h.Policy.Classes[i].Name == "messaging"
	}
	got := apitest.Body[response](t, h.Serve(t, newHandler(h, to).call(), h.Post(storing("messaging", consent()))), http.StatusOK).Results
	want := []result{{Reason: retired, Key: h.Key(t, contact.Email, "kari@example.no")}}
	if diff := cmp.Diff(want, got); diff != "" || len(to.put) > 0 {
		t.Errorf("%d stored, results (-want +got):\n%s", len(to.put), diff)
	}
}

func TestDuplicateIsNamedUnlessItsIDIsPersonal(t *testing.T) {
	for id, shown := range map[string]string{"sub-80": "sub-80", apitest.Address: ""} {
		h, to := apitest.New(t), &memory{err: retention.DuplicateError{ID: id}}
		got := apitest.Body[response](t, h.Serve(t, newHandler(h, to).call(), h.Post(storing("messaging", consent()))), http.StatusOK).Results
		want := []result{{Reason: duplicate, DuplicateOf: shown, Key: h.Key(t, contact.Email, "kari@example.no")}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	}
}

func TestOnlyMessagingRecordsAreUniquePerContact(t *testing.T) {
	for class, want := range map[string]int{"messaging": 1, "communication": 0} {
		h, to := apitest.New(t), &memory{}
		apitest.Body[response](t, h.Serve(t, newHandler(h, to).call(), h.Post(storing(class, consent()))), http.StatusOK)
		if len(to.only) != want || want > 0 && to.only[0] != h.Key(t, contact.Email, "kari@example.no") {
			t.Errorf("%s: the only one under %d keys, want %d", class, len(to.only), want)
		}
	}
}

func TestTheNewestEndDecidesTheDay(t *testing.T) {
	end := time.Date(2026, 8, 31, 10, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		old  retention.Record
		want string
	}{
		"it ended later":   {retention.Record{ID: "conv-1", Start: end, StartAsOf: end}, "2027-02-28"},
		"it ended before":  {retention.Record{ID: "conv-1", Start: end.Add(-90 * 24 * time.Hour), StartAsOf: end.Add(-90 * 24 * time.Hour)}, "2027-01-31"},
		"it runs again":    {retention.Record{ID: "conv-1", StartAsOf: end}, ""},
		"nothing was said": {retention.Record{ID: "conv-1"}, "2027-01-31"},
	} {
		h, to := apitest.New(t), &memory{old: test.old}
		resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("communication", `{"id":"conv-1","occurredAt":"2026-07-31T10:00:00Z","start":"2026-07-31T10:00:00Z"}`)))
		if got := apitest.Body[response](t, resp, http.StatusOK).Results[0].KeptThrough; got != test.want {
			t.Errorf("%s: kept through %q, want %q", name, got, test.want)
		}
	}
}

func TestARecordNeedsTheRightInItsScope(t *testing.T) {
	for _, test := range []struct {
		name, body string
		right      access.Right
		want       int
	}{
		{"its own brand", storing("messaging", consent()), access.Records, 200},
		{"a topic of its brand", storing("messaging", consent("acme", "acme/newsletter")), access.Records, 200},
		{"another brand", storing("messaging", consent("acme", "globex")), access.Records, 403},
		{"a record of another brand behind an own record", storing("messaging", consent(), consent("acme", "globex")), access.Records, 403},
		{"no scope, which is every one's", storing("communication", `{"id":"c-1","occurredAt":"2026-11-20T08:00:00Z"}`), access.Records, 403},
		{"without the right", storing("messaging", consent()), access.Suppress, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, to := apitest.New(t), &memory{}
			h.Tool.Rights, h.Tool.Scopes = []access.Right{test.right}, []scope.Scope{"acme"}
			resp := h.Serve(t, newHandler(h, to).call(), h.Post(test.body))
			if resp.StatusCode != test.want || len(to.put) != map[int]int{200: 1}[test.want] {
				t.Errorf("status %d, want %d; %d stored", resp.StatusCode, test.want, len(to.put))
			}
		})
	}
}

func TestAFailedWriteIsNotAnswered200(t *testing.T) {
	for name, spoil := range map[string]func(*apitest.House, *memory){
		"the table fails":              func(_ *apitest.House, m *memory) { m.err = errDown },
		"the keys cannot be read":      func(h *apitest.House, _ *memory) { h.KeysErr = errDown },
		"the keys are another table's": func(h *apitest.House, _ *memory) { h.KeysErr = contact.ErrForeignKeys },
	} {
		t.Run(name, func(t *testing.T) {
			h, to := apitest.New(t), &memory{}
			spoil(h, to)
			if resp := h.Serve(t, newHandler(h, to).call(), h.Post(storing("messaging", consent()))); resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
}

func TestEventsOfRecordAreAnswered(t *testing.T) {
	want := map[string]string{"store-records.consent.json": "messaging/sub-81", "store-records.conversation.json": "communication/conv-17"}
	apitest.EachEvent(t, "store-records", want, func(t *testing.T, h *apitest.House, req gateway.Request, want string) {
		to := &memory{}
		apitest.Body[response](t, h.Serve(t, newHandler(h, to).call(), req), http.StatusOK)
		if diff := cmp.Diff([]string{want}, to.put); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
}

func TestTheExamplesOfRecordAreAnswered(t *testing.T) {
	h := apitest.New(t)
	h.AnswersItsExamples(t, newHandler(h, &memory{}).call())
}

func TestRecordHasItsFront(t *testing.T) {
	good := storing("messaging", consent())
	apitest.Front(t, access.Records, good, func(h *apitest.House) api.Call { return newHandler(h, &memory{}).call() })
}

func TestTheOpenAPIFileHasTheLimits(t *testing.T) {
	spec := apitest.OpenAPI(t)
	if got := spec.At(t, "components", "schemas", "RecordsRequest", "properties", "records", "maxItems"); got != uint64(maxRecords) {
		t.Errorf("at most %v records", got)
	}
	reasons := spec.Texts(t, "components", "schemas", "RecordsAnswer", "properties", "results", "items", "properties", "reason", "enum")
	if diff := cmp.Diff([]string{beingPurged, duplicate, forbidden, held, keptByLaw, objectTaken, retired, tooMany, unreadable}, reasons); diff != "" {
		t.Errorf("reasons (-code +file)\n%s", diff)
	}
	bases := spec.Texts(t, "components", "schemas", "Basis", "enum")
	if diff := cmp.Diff([]string{string(retention.Consent), string(retention.Customer)}, bases); diff != "" {
		t.Errorf("bases (-code +file)\n%s", diff)
	}
}
