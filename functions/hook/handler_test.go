package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with HMAC-SHA1
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
	"stille/shared/unsubscribe/outage"
)

const secret = "a-secret"

var errDown = errors.New("it does not answer")

// world is the surroundings of the handler, in memory.
type world struct {
	*apitest.House
	*suppressiontest.List
	hooks     hook.Registry
	hooksErr  error
	queued    []suppression.Change
	queueErr  error
	memoryErr error
	unread    []unreadable
	unreadErr error

	mu    sync.Mutex
	ids   map[string]time.Time
	notes int
}

func (w *world) Registry(context.Context) (hook.Registry, error) { return w.hooks, w.hooksErr }

func (w *world) Note(context.Context, string, hook.Call) error { w.notes++; return errDown }

func (w *world) First(_ context.Context, id string, at, _, _ time.Time) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, seen := w.ids[id]; !seen {
		w.ids[id] = at
	}
	return w.ids[id], w.memoryErr
}

// Send is the dead-letter queue.
func (w *world) Send(_ context.Context, value any, _ string) error {
	w.unread = append(w.unread, value.(unreadable))
	return w.unreadErr
}

// store is the list with its queue, as outage.Store has them.
type store struct{ *world }

func (s store) Apply(ctx context.Context, person contact.Contact, c suppression.Change, now time.Time) (contact.Known, suppression.Outcome, error) {
	who, err := s.Contacts.Known(person)
	if err != nil {
		return who, suppression.Outcome{}, err
	}
	outcome, err := s.List.Apply(ctx, who, c, now)
	if err != nil && s.queueErr == nil && c.Action == suppression.Suppress {
		s.mu.Lock()
		s.queued = append(s.queued, c)
		s.mu.Unlock()
		err = fmt.Errorf("%w: %w", outage.ErrQueued, err)
	}
	return who, outcome, err
}

func newWorld(t *testing.T) (*world, handler) {
	t.Helper()
	w := &world{House: apitest.New(t), List: &suppressiontest.List{}, ids: map[string]time.Time{}}
	for _, provider := range []string{"postmark", "brevo", "mailchimp", "twilio"} {
		w.hooks = append(w.hooks, hook.Hook{Provider: provider, Scope: "acme/newsletter", URL: "https://tools/in/" + provider + "/acme/newsletter", Credential: hook.Credential{Secret: secret}})
	}
	return w, handler{hooks: w.Registry, apply: store{w}.Apply, first: w.First, park: w.Send, log: w.Log, now: func() time.Time { return w.Now }, noted: &hook.Sightings{Store: w.Note}}
}

func call(method, path, query, body string) gateway.Request {
	var req gateway.Request
	req.RequestContext.HTTP.Method, req.RawPath, req.RawQueryString, req.Body = method, path, query, body
	return req
}

const (
	newsletter = "/in/brevo/acme/newsletter"
	left       = `{"event":"unsubscribed","email":"kari@example.no","ts_event":1763625600}`
)

func status(t *testing.T, h handler, req gateway.Request) int {
	t.Helper()
	resp, err := h.serve(t.Context(), req)
	if err != nil || resp.Body != "" {
		t.Fatalf("error %v, body of %d bytes", err, len(resp.Body))
	}
	return resp.StatusCode
}

func TestCallsAreAnsweredByTheirProof(t *testing.T) {
	for _, test := range []struct {
		name   string
		req    gateway.Request
		want   int
		stored bool
	}{
		{"an opt-out", call(http.MethodPost, newsletter, "key="+secret, left), 200, true},
		{"an encoded scope", call(http.MethodPost, "/in/brevo/acme%2Fnewsletter", "key="+secret, left), 200, true},
		{"another event", call(http.MethodPost, newsletter, "key="+secret, `{"event":"opened"}`), 200, false},
		{"nothing", call(http.MethodPost, newsletter, "key="+secret, `[]`), 200, false},
		{"no JSON", call(http.MethodPost, newsletter, "key="+secret, `{`), 400, false},
		{"another secret", call(http.MethodPost, newsletter, "key=guess", left), 401, false},
		{"no secret", call(http.MethodPost, newsletter, "", left), 401, false},
		{"a query that cannot be read", call(http.MethodPost, newsletter, "key="+secret+";%zz", left), 401, false},
		{"another scope", call(http.MethodPost, "/in/brevo/acme", "key="+secret, left), 404, false},
		{"another provider", call(http.MethodPost, "/in/fax/acme/newsletter", "key="+secret, left), 404, false},
		{"no scope", call(http.MethodPost, "/in/brevo", "key="+secret, left), 404, false},
		{"too much", call(http.MethodPost, newsletter, "key="+secret, strings.Repeat(" ", api.MaxBody+1)), 413, false},
		{"a visit", call(http.MethodGet, "/in/mailchimp/acme/newsletter", "key="+secret, ""), 200, false},
		{"a visit without proof", call(http.MethodGet, "/in/mailchimp/acme/newsletter", "", ""), 401, false},
		{"a visit of a provider that does not visit", call(http.MethodGet, newsletter, "key="+secret, ""), 405, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, h := newWorld(t)
			if got := status(t, h, test.req); got != test.want {
				t.Errorf("status %d, want %d", got, test.want)
			}
			want := []string{}
			if test.stored {
				want = []string{"unsubscribed in acme/newsletter, from hook:brevo"}
			}
			if diff := cmp.Diff(want, w.Active(w.Key(t, contact.Email, "kari@example.no"))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			w.NoLeak(t, []string{"kari@", secret})
		})
	}
}

func TestRepeatedCallChangesNothing(t *testing.T) {
	w, h := newWorld(t)
	for range 3 {
		status(t, h, call(http.MethodPost, newsletter, "key="+secret, left))
	}
	if len(w.Entries()) != 1 || w.notes != 1 {
		t.Errorf("%d ledger entries, %d stored times of a call", len(w.Entries()), w.notes)
	}
}

func texted(form url.Values) gateway.Request {
	parts := "https://tools/in/twilio/acme/newsletter"
	for _, name := range slices.Sorted(maps.Keys(form)) {
		parts += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(parts))
	req := call(http.MethodPost, "/in/twilio/acme/newsletter", "", form.Encode())
	req.Headers = map[string]string{"x-twilio-signature": base64.StdEncoding.EncodeToString(mac.Sum(nil))}
	return req
}

func TestRedeliveredSTARTLiftsNoNewerSTOP(t *testing.T) {
	w, h := newWorld(t)
	key := w.Key(t, contact.SMS, "+47 912 34 567")
	for i, step := range []struct {
		id, body string
		silent   bool
	}{{"SM1", "STOP", true}, {"SM2", "START", false}, {"SM1", "STOP", false}, {"SM3", "Stopp!", true}, {"SM2", "START", true}} {
		w.Now = w.Now.Add(time.Second)
		if got := status(t, h, texted(url.Values{"From": {"+4791234567"}, "Body": {step.body}, "MessageSid": {step.id}})); got != 200 {
			t.Fatal(got)
		}
		if silent := len(w.Active(key)) > 0; silent != step.silent {
			t.Errorf("step %d: silent %v", i, silent)
		}
	}
}

func TestDoubtAboutARepetitionMeansSilence(t *testing.T) {
	w, h := newWorld(t)
	w.memoryErr = errDown
	key := w.Key(t, contact.SMS, "+47 912 34 567")
	for _, step := range []struct {
		body string
		want int
	}{{"STOP", 200}, {"START", 503}} {
		w.Now = w.Now.Add(time.Second)
		got := status(t, h, texted(url.Values{"From": {"+4791234567"}, "Body": {step.body}, "MessageSid": {step.body}}))
		if got != step.want || len(w.Active(key)) != 1 {
			t.Errorf("%s: status %d, %d marks", step.body, got, len(w.Active(key)))
		}
	}
}

func TestOptOutOfAnOutageIsQueued(t *testing.T) {
	w, h := newWorld(t)
	w.Fail(errDown)
	if got := status(t, h, call(http.MethodPost, newsletter, "key="+secret, left)); got != 200 || len(w.queued) != 1 {
		t.Errorf("status %d, %d queued", got, len(w.queued))
	}
	w.queueErr = errDown
	if got := status(t, h, call(http.MethodPost, newsletter, "key="+secret, left)); got != 503 {
		t.Errorf("status %d: the provider must call again", got)
	}
	if got := status(t, h, texted(url.Values{"From": {"+4791234567"}, "Body": {"START"}, "MessageSid": {"SM9"}})); got != 503 {
		t.Errorf("a START that is not stored: status %d", got)
	}
	w.hooksErr = errDown
	if got := status(t, h, call(http.MethodPost, newsletter, "key="+secret, left)); got != 503 {
		t.Errorf("without the registry: status %d", got)
	}
}

func TestAnUnreadableEntryWaitsForAnOperator(t *testing.T) {
	long := `{"event":"unsubscribed","email":"` + strings.Repeat("x", mostUnread) + `"}`
	broken := `{"event":"unsubscribed","email":"kari at example"}`
	for _, test := range []struct {
		name, body string
		status     int
		stored     int
		want       [][]string // the entries of each message
		cut        bool       // the first message
	}{
		{"beside others", `[` + broken + `,` + left + `,7]`, 200, 1, [][]string{{broken, "7"}}, false},
		{"a body that cannot be read", `[{"email":"kari@example.no"`, 400, 0, [][]string{{`[{"email":"kari@example.no"`}}, false},
		{"too long for a message", `[` + long + `,` + broken + `]`, 200, 0, [][]string{{long[:mostUnread]}, {long[mostUnread:], broken}}, true},
		{"nothing unreadable", left, 200, 1, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, h := newWorld(t)
			if got := status(t, h, call(http.MethodPost, newsletter, "key="+secret, test.body)); got != test.status || len(w.Entries()) != test.stored {
				t.Errorf("status %d, %d stored", got, len(w.Entries()))
			}
			var got [][]string
			for _, message := range w.unread {
				var entries []string
				for _, entry := range message.Entries {
					entries = append(entries, string(entry))
				}
				got = append(got, entries)
				if message.Provider != "brevo" || message.Scope != "acme/newsletter" || !message.At.Equal(w.Now) || message.Cut != (test.cut && len(got) == 1) {
					t.Errorf("%s in %s at %s, cut %v", message.Provider, message.Scope, message.At, message.Cut)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			w.NoLeak(t, []string{"kari at", "kari@"})
			w.unreadErr = errDown
			again := call(http.MethodPost, newsletter, "key="+secret, test.body)
			if got := status(t, h, again); (got == 503) != (len(test.want) > 0) {
				t.Errorf("without the queue: status %d", got)
			}
		})
	}
}

func TestOneContactsFailureStopsNoOther(t *testing.T) {
	w, h := newWorld(t)
	kari := w.Key(t, contact.Email, "kari@example.no")
	w.queueErr = errDown
	w.Before = func(_ context.Context, c suppressiontest.Call) error {
		return map[contact.Key]error{kari: errDown}[c.Who.Newest()]
	}
	events := []string{left}
	for i := range 100 {
		events = append(events, fmt.Sprintf(`{"event":"unsubscribed","email":"p%d@example.no"}`, i))
	}
	if got := status(t, h, call(http.MethodPost, newsletter, "key="+secret, "["+strings.Join(events, ",")+"]")); got != 503 || len(w.Entries()) != 100 {
		t.Errorf("status %d, %d stored", got, len(w.Entries()))
	}
}

func TestEventsOfHookAreTaken(t *testing.T) {
	want := map[string]string{
		"hook.brevo.json":    "unsubscribed in acme, from hook:brevo",
		"hook.postmark.json": "hard-bounce in acme, from hook:postmark",
	}
	for _, name := range apitest.Events(t, "hook") {
		t.Run(name, func(t *testing.T) {
			w, h := newWorld(t)
			for i := range w.hooks {
				w.hooks[i].Scope = "acme"
			}
			var req gateway.Request
			w.Event(t, name, &req, "HOOK_SECRET", secret)
			if got := status(t, h, req); got != 200 {
				t.Errorf("status %d", got)
			}
			if diff := cmp.Diff([]string{want[name]}, w.Active(w.Key(t, contact.Email, "kari@example.no"))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}
