package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/feedback"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
	"stille/shared/unsubscribe/outage"
)

// friday is when the bounces of events/ happened.
var friday = time.Date(2026, 11, 20, 8, 0, 2, 669_000_000, time.UTC)

var errDown = errors.New("the store is down")

func newHandler(h *apitest.House, list outage.List) handler {
	return handler{store: h.Store(list), scopes: h.Scopes, log: h.Log, now: func() time.Time { return h.Now }}
}

// active lists what suppresses the addresses, each as "address: reason in scope".
func active(t *testing.T, h *apitest.House, list *suppressiontest.List, addresses ...string) []string {
	t.Helper()
	var lines []string
	for _, address := range addresses {
		for _, line := range list.Active(h.Key(t, contact.Email, address)) {
			line, _, _ = strings.Cut(line, ", from ")
			lines = append(lines, address+": "+line)
		}
	}
	return lines
}

func naming(recipients ...string) string {
	named := make([]map[string]string, len(recipients))
	for i, r := range recipients {
		named[i] = map[string]string{"emailAddress": r}
	}
	event, _ := json.Marshal(map[string]any{"eventType": "Bounce", "bounce": map[string]any{
		"bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2026-11-20T08:00:00Z", "bouncedRecipients": named,
	}})
	return string(event)
}

func TestRecipientsAreReadInAllForms(t *testing.T) {
	for _, test := range []struct {
		name, recipient string
		stored          int
	}{
		{"an address", "kari@example.no", 1},
		{"in capitals", "Kari@EXAMPLE.no", 1},
		{"in angle brackets", "<kari@example.no>", 1},
		{"with a name", "Kari Nordmann <kari@example.no>", 1},
		{"with a quoted name", `"Nordmann, Kari" <kari@example.no>`, 1},
		{"with an encoded name", "=?utf-8?q?K=C3=A5re?= <kari@example.no>", 1},
		{"no address", "kari", 0},
		{"empty", "", 0},
		{"a name without an address", "Kari Nordmann <>", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
			err := newHandler(h, list).take(t.Context(), sqsbatch.Message{Body: naming(test.recipient)})
			if retried := errors.Is(err, feedback.ErrNoRecipient); retried != (test.stored == 0) || err != nil && !retried {
				t.Fatalf("error %v: an event without an address must be retried, no other", err)
			}
			if got := len(active(t, h, list, "kari@example.no")); got != test.stored || len(list.Entries()) != test.stored {
				t.Errorf("%d stored, %d writes", got, len(list.Entries()))
			}
			if want := fmt.Sprintf(`"stored":%d,"added":%[1]d,"unreadable":%d,"failed":0`, test.stored, 1-test.stored); !strings.Contains(h.Logs.String(), want) {
				t.Errorf("log %s lacks %s", h.Logs.String(), want)
			}
		})
	}
}

func TestUnreadableRecipientIsRetriedAndStopsNobody(t *testing.T) {
	h, list := apitest.New(t), &suppressiontest.List{}
	err := newHandler(h, list).take(t.Context(), sqsbatch.Message{Body: naming("kari@example.no", "nobody", "ola@example.com")})
	if !errors.Is(err, feedback.ErrNoRecipient) {
		t.Fatalf("error %v: a log line alone would be left of nobody's bounce", err)
	}
	want := []string{"kari@example.no: hard-bounce in *", "ola@example.com: hard-bounce in *"}
	if diff := cmp.Diff(want, active(t, h, list, "kari@example.no", "ola@example.com")); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestUnstoredRecipientRetriesTheEvent(t *testing.T) {
	h, list := apitest.New(t), &suppressiontest.List{}
	kari, ola := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.Email, "ola@example.com")
	list.Before = func(_ context.Context, c suppressiontest.Call) error {
		return map[contact.Key]error{kari: errDown}[c.Who.Newest()]
	}
	h.Queue.Err = errors.New("the queue is down")
	over := newHandler(h, list)
	event := sqsbatch.Message{Body: naming("kari@example.no", "ola@example.com")}
	if err := over.take(t.Context(), event); !errors.Is(err, errDown) || !errors.Is(err, h.Queue.Err) {
		t.Fatalf("error %v", err)
	}
	if list.Item(ola).Version != 1 || list.Item(kari).Version != 0 {
		t.Error("the other one was not stored")
	}
	list.Fail(nil)
	for range 2 { // the second time is a repetition
		if err := over.take(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	if list.Item(kari).Version != 1 || list.Item(ola).Version != 1 {
		t.Errorf("versions %d and %d: a repetition changed something", list.Item(kari).Version, list.Item(ola).Version)
	}
}

// What waits holds no address; the event is done with.
func TestAnUnstoredRecipientWaits(t *testing.T) {
	for name, fail := range map[string]func(*apitest.House, *suppressiontest.List){
		"the list":                        func(_ *apitest.House, l *suppressiontest.List) { l.Fail(errDown) },
		"the keys cannot be proven":       func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = errDown },
		"the keys are of another table":   func(h *apitest.House, _ *suppressiontest.List) { h.KeysErr = contact.ErrForeignKeys },
		"a store that takes all the time": func(_ *apitest.House, l *suppressiontest.List) { l.Fail(context.DeadlineExceeded) },
	} {
		t.Run(name, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
			fail(h, list)
			if err := newHandler(h, list).take(t.Context(), sqsbatch.Message{Body: naming("kari@example.no", "ola@example.com")}); err != nil {
				t.Fatal(err)
			}
			var want []outage.OptOut
			for _, address := range []string{"kari@example.no", "ola@example.com"} {
				want = append(want, outage.OptOut{
					Keys: []contact.Key{h.Key(t, contact.Email, address)}, Channel: contact.Email, Scope: scope.Everywhere,
					Reason: suppression.HardBounce, Source: suppression.SourceSESBounce, At: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
				})
			}
			if diff := cmp.Diff(want, h.Queue.Waits()); diff != "" || len(list.Entries()) > 0 {
				t.Errorf("%d writes; waits (-want +got):\n%s", len(list.Entries()), diff)
			}
			h.NoLeak(t, []string{"kari@", "ola@", "example.no"})
		})
	}
}

func TestBounceEndsServiceMessagesAndKeepsOptOut(t *testing.T) {
	h, list := apitest.New(t), &suppressiontest.List{}
	key := h.Key(t, contact.Email, "kari@example.no")
	optOut := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: friday, Source: suppression.SourceLink}
	if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, optOut, h.Now); err != nil {
		t.Fatal(err)
	}
	if err := newHandler(h, list).take(t.Context(), sqsbatch.Message{Body: naming("kari@example.no")}); err != nil {
		t.Fatal(err)
	}
	want := []string{"kari@example.no: hard-bounce in *", "kari@example.no: unsubscribed in acme"}
	if diff := cmp.Diff(want, active(t, h, list, "kari@example.no")); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	for _, in := range []scope.Scope{"acme", "globex"} {
		if suppression.Decide(list.Item(key), suppression.Transactional, in).Send {
			t.Errorf("service messages of %s go to an address that does not exist", in)
		}
	}
}

func TestEventsOfFeedbackAreTaken(t *testing.T) {
	want := map[string][]string{
		"feedback.hard-bounce.json":            {"kari@example.no: hard-bounce in *"},
		"feedback.bounce-notification.json":    {"kari@example.no: hard-bounce in *", "ola@example.com: hard-bounce in *"},
		"feedback.complaint.json":              {"kari@example.no: complaint in acme"},
		"feedback.complaint-notification.json": {"kari@example.no: complaint in *"},
		"feedback.raw.json":                    {"kari@example.no: complaint in globex"},
		"feedback.batch.json":                  {"kari@example.no: hard-bounce in *", "ola@example.com: complaint in acme"},
		"feedback.echo.json":                   nil,
		"feedback.left-list.json":              {"kari@example.no: unsubscribed in acme"},
		"feedback.subscription.json":           {"kari@example.no: unsubscribed in acme"},
		"feedback.transient.json":              nil,
		"feedback.not-spam.json":               nil,
		"feedback.delivery.json":               nil,
		"feedback.greeting.json":               nil,
	}
	for _, name := range apitest.Events(t, "feedback") {
		t.Run(name, func(t *testing.T) {
			h, list := apitest.New(t), &suppressiontest.List{}
			var batch events.SQSEvent
			h.Event(t, name, &batch)
			got, err := sqsbatch.Each(h.Log, newHandler(h, list).take)(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[name], active(t, h, list, "kari@example.no", "ola@example.com")); diff != "" {
				t.Errorf("list (-want +got):\n%s", diff)
			}
			failed := []events.SQSBatchItemFailure{}
			if name == "feedback.batch.json" {
				failed = []events.SQSBatchItemFailure{{ItemIdentifier: batch.Records[1].MessageId}}
			}
			if diff := cmp.Diff(failed, got.BatchItemFailures); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if lines := strings.Count(h.Logs.String(), `"msg":"feedback"`); lines != len(batch.Records)-len(failed) {
				t.Errorf("%d lines for %d events", lines, len(batch.Records))
			}
			h.NoLeak(t, []string{"kari@", "ola@", "example.no"})
		})
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}
