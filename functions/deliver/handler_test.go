package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/ledger"
	"stille/shared/link"
	"stille/shared/webhook"
)

var (
	now     = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	errDown = errors.New("it is down")
)

// world is a stack with receivers, in memory.
type world struct {
	*apitest.House
	mu     sync.Mutex
	now    time.Time
	all    webhook.Registry
	regErr error
	claims map[string]time.Time
	queued []webhook.Delivery
	pauses []time.Duration
	full   error // of the queue
	buried []webhook.Delivery
	calls  []call
	answer map[string]error // by the URL
	logs   bytes.Buffer
	last   map[string]hook.Call
}

type call struct{ url, id, body string }

func newWorld(t testing.TB) (*world, handler) {
	t.Helper()
	w := &world{House: apitest.New(t), now: now, claims: map[string]time.Time{}, last: map[string]hook.Call{}, answer: map[string]error{}}
	return w, handler{
		webhooks: w.Registry, keys: w, first: w.First, queue: queue{w}.Put, dead: dead{w}.Put, post: w.post, log: slog.New(slog.NewJSONHandler(&w.logs, nil)),
		now: func() time.Time { return w.now }, jitter: func() float64 { return 1 }, resting: &resting{until: map[string]time.Time{}}, noted: &hook.Sightings{Store: w.Note},
	}
}

func (w *world) Registry(context.Context) (webhook.Registry, error) { return w.all, w.regErr }

func (w *world) RefreshLink(ctx context.Context, _ time.Time) (*link.Keys, error) { return w.Link(ctx) }

func (w *world) First(_ context.Context, id string, at, _, _ time.Time) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, there := w.claims[id]; !there {
		w.claims[id] = at
	}
	return w.claims[id], nil
}

func (w *world) Note(_ context.Context, id string, c hook.Call) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[id] = c
	return errors.New("the table is down")
}

func (w *world) post(_ context.Context, url string, headers map[string]string, body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call{url, headers["Webhook-Id"], string(body)})
	return w.answer[url]
}

type queue struct{ *world }

func (q queue) Put(_ context.Context, pause time.Duration, all ...webhook.Delivery) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full == nil {
		q.queued = append(q.queued, all...)
		q.pauses = append(q.pauses, pause)
	}
	return q.full
}

type dead struct{ *world }

func (d dead) Put(_ context.Context, _ time.Duration, all ...webhook.Delivery) error {
	d.buried = append(d.buried, all...)
	return nil
}

func (w *world) add(url string, withAddress bool) webhook.Webhook {
	added := webhook.Webhook{URL: url, Scope: "acme", WithAddress: withAddress, Credential: hook.Credential{Secret: webhook.NewSecret()}}
	w.all = w.all.Add(added, now)
	return added
}

func clicked(n int) webhook.Delivery {
	return webhook.Of(ledger.Entry{
		ID: fmt.Sprint("entry-", n), Key: "kari", Channel: contact.Email, Action: ledger.Suppressed, Scope: "acme", Reason: "unsubscribed",
		Source: "link", At: now.Add(-1500 * time.Millisecond), RecordedAt: now, Version: int64(n),
	}, now)
}

// deliver hands messages to the function and returns those that failed.
func deliver(t *testing.T, h handler, all ...any) []string {
	t.Helper()
	var o order
	for i, d := range all {
		body, ok := d.(string)
		if !ok {
			text, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			body = string(text)
		}
		o.Records = append(o.Records, events.SQSMessage{MessageId: fmt.Sprint("message-", i), Body: body})
	}
	answer, err := h.handle(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	failed := []string{}
	for _, f := range answer.(events.SQSEventResponse).BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// work delivers what the queue holds, until it is empty.
func (w *world) work(t *testing.T, h handler) {
	t.Helper()
	for len(w.queued) > 0 {
		next := w.queued[0]
		w.queued = w.queued[1:]
		if failed := deliver(t, h, next); len(failed) > 0 {
			t.Fatal("a message stays in the queue")
		}
	}
}

func TestAChangeReachesEveryWebhookOfItsScope(t *testing.T) {
	w, h := newWorld(t)
	w.add("https://one.example", false)
	w.add("https://two.example", false)
	w.all = w.all.Add(webhook.Webhook{URL: "https://other.example", Scope: "globex"}, now)
	deliver(t, h, clicked(1))
	w.work(t, h)
	if len(w.calls) != 2 || w.calls[0].url != "https://one.example" || w.calls[1].url != "https://two.example" || w.calls[0].id != "entry-1" {
		t.Errorf("calls %v", w.calls)
	}
	if logs := w.logs.String(); !strings.Contains(logs, `"ClickToDelivered":1500,`) || !strings.Contains(logs, `"Unit":"Milliseconds"`) || strings.Contains(logs, "example") {
		t.Error("no metric, or a URL in the log")
	}
}

func TestAFailedDeliveryKeepsItsIDAndBody(t *testing.T) {
	w, h := newWorld(t)
	one := w.add("https://one.example", false)
	w.answer[one.URL] = errDown
	d, _ := clicked(1).To(one)
	for range 3 {
		deliver(t, h, d)
		d = w.queued[len(w.queued)-1]
	}
	if diff := cmp.Diff([]time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second}, w.pauses); diff != "" {
		t.Error(diff)
	}
	if len(w.calls) != 3 || w.calls[0] != w.calls[2] {
		t.Errorf("calls %v", w.calls)
	}
	w.now = now.Add(25 * time.Hour)
	deliver(t, h, d)
	if len(w.buried) != 1 || w.buried[0].Reason != errDown.Error() || len(w.queued) != 3 {
		t.Fatalf("after a day %d dead letters", len(w.buried))
	}
	w.answer[one.URL] = nil
	deliver(t, h, w.buried[0])
	if len(w.calls) != 5 || w.calls[4] != w.calls[0] {
		t.Error("a dead letter that is retried is another call")
	}
}

func TestTheLastCallOfAWebhookIsStored(t *testing.T) {
	w, h := newWorld(t)
	one := w.add("https://one.example", false)
	w.answer[one.URL] = errors.New("the receiver answered 500")
	for _, want := range []hook.Call{{At: now, Failure: "the receiver answered 500"}, {At: now.Add(time.Second)}} {
		w.now = want.At
		deliver(t, h, func() webhook.Delivery { d, _ := clicked(1).To(one); return d }())
		if diff := cmp.Diff(map[string]hook.Call{"webhook/" + one.ID(): want}, w.last); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		delete(w.answer, one.URL)
	}
}

func TestASlowReceiverHoldsUpNoOther(t *testing.T) {
	w, h := newWorld(t)
	slow, fast := w.add("https://slow.example", false), w.add("https://fast.example", false)
	w.answer[slow.URL] = errTimeout
	toSlow, _ := clicked(1).To(slow)
	toFast, _ := clicked(1).To(fast)
	deliver(t, h, toSlow)
	deliver(t, h, toSlow, toFast, toSlow)
	if len(w.calls) != 2 || w.calls[1].url != fast.URL || len(w.queued) != 3 {
		t.Errorf("calls %v, %d queued", w.calls, len(w.queued))
	}
	w.now = now.Add(rest)
	w.answer[slow.URL] = nil
	deliver(t, h, toSlow)
	if len(w.calls) != 3 {
		t.Error("the receiver is not called after its rest")
	}
}

func TestAnAddressIsSentOnceAndNeverShown(t *testing.T) {
	const address = "kari.canary@example.no"
	kari, err := contact.Normalise(contact.Email, address, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []string{"with", "without"} {
		t.Run("the message "+first+" the address first", func(t *testing.T) {
			w, h := newWorld(t)
			one := w.add("https://one.example", true)
			without, pause := clicked(1).To(one)
			with := without
			with.Queued = now.Add(time.Millisecond)
			if with.Sealed, err = w.Links.Seal(kari); err != nil || pause == 0 {
				t.Fatalf("error %v, pause %s", err, pause)
			}
			messages := []any{with, without, with, without}
			if first == "without" {
				messages[0], messages[1] = without, with
			}
			w.answer[one.URL] = errDown
			deliver(t, h, messages[0])
			w.answer[one.URL] = nil
			w.now = now.Add(time.Minute)
			for _, m := range append(messages[1:2], w.queued[0]) {
				deliver(t, h, m)
			}
			if len(w.calls) != 2 || w.calls[0] != w.calls[1] || strings.Contains(w.calls[0].body, address) != (first == "with") {
				t.Errorf("%d calls", len(w.calls))
			}
			w.now = now.Add(25 * time.Hour)
			w.answer[one.URL] = errDown
			d := w.queued[0]
			deliver(t, h, d)
			text, err := json.Marshal([]any{w.queued, w.buried})
			if err != nil || len(w.buried) != 1 || strings.Contains(string(text)+w.logs.String(), "canary") {
				t.Error("no dead letter, or the address in a message or in the log")
			}
		})
	}
}

func TestUnsealableAddressIsLeftOut(t *testing.T) {
	w, h := newWorld(t)
	one := w.add("https://one.example", true)
	d, _ := clicked(1).To(one)
	d.Sealed = "AQ"
	deliver(t, h, d)
	if len(w.calls) != 1 || strings.Contains(w.calls[0].body, "address") {
		t.Errorf("calls %v", w.calls)
	}
	w.KeysErr = errDown
	deliver(t, h, d)
	if len(w.calls) != 1 || len(w.queued) != 1 {
		t.Error("while the keys cannot be read, the delivery does not wait for them")
	}
}

func TestAMessageStaysWhileTheQueueIsFull(t *testing.T) {
	w, h := newWorld(t)
	one := w.add("https://one.example", false)
	to, _ := clicked(1).To(one)
	w.answer[one.URL], w.full = errDown, errDown
	if diff := cmp.Diff([]string{"message-0", "message-1"}, slices.Sorted(slices.Values(deliver(t, h, to, "{}")))); diff != "" {
		t.Error(diff)
	}
	w.full, w.regErr = nil, errDown
	if failed := deliver(t, h, to, clicked(2)); len(failed) != 0 || len(w.queued) != 2 {
		t.Errorf("without the registry: %d failed, %d queued", len(failed), len(w.queued))
	}
	w.regErr, w.all, w.queued = nil, nil, nil
	if failed := deliver(t, h, to); len(failed) != 0 || len(w.queued) != 0 {
		t.Error("a removed webhook is tried on")
	}
}

func TestATrialSaysWhatTheReceiverAnswered(t *testing.T) {
	w, h := newWorld(t)
	one := w.add("https://one.example", true)
	try := func(id string) webhook.TrialAnswer {
		answer, err := h.handle(t.Context(), order{TrialOrder: webhook.TrialOrder{Test: id, ID: "test-1"}})
		if err != nil {
			t.Fatal(err)
		}
		return answer.(webhook.TrialAnswer)
	}
	if got := try(one.ID()); got.Failure != "" || len(w.calls) != 1 || !strings.Contains(w.calls[0].body, `"webhook.test"`) || w.calls[0].id != "test-1" {
		t.Errorf("failure %q, calls %v", got.Failure, w.calls)
	}
	w.answer[one.URL] = errTimeout
	if got := try(one.ID()); got.Failure != errTimeout.Error() || len(w.queued) != 0 {
		t.Errorf("failure %q", got.Failure)
	}
	if got := try("unknown"); !strings.Contains(got.Failure, "within a minute") {
		t.Errorf("failure %q", got.Failure)
	}
}

func TestEventsOfDeliverAreTaken(t *testing.T) {
	want := map[string][]string{"deliver.batch.json": {"contact.released", "contact.suppressed"}, "deliver.test.json": {"webhook.test"}}
	for _, name := range apitest.Events(t, "deliver") {
		t.Run(name, func(t *testing.T) {
			w, h := newWorld(t)
			one := w.add("https://one.example", false)
			var o order
			w.Event(t, name, &o, "WEBHOOK_ID", one.ID())
			if _, err := h.handle(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			w.work(t, h)
			var types []string
			for _, c := range w.calls {
				var event webhook.Event
				if err := json.Unmarshal([]byte(c.body), &event); err != nil {
					t.Fatal(err)
				}
				types = append(types, event.Type)
			}
			slices.Sort(types)
			if diff := cmp.Diff(want[name], types); diff != "" {
				t.Errorf("calls (-want +got)\n%s", diff)
			}
		})
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}
