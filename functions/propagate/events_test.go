package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/eventbus"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
	"stille/shared/webhook"
)

func TestEffectiveChangesAreSentAsEvents(t *testing.T) {
	w := newWorld()
	release := suppression.Change{Action: suppression.Release, Scope: "acme", Reason: suppression.Unsubscribed, At: optedOut.Add(time.Hour), Source: suppression.SourceTool}
	all := batch(
		w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)),
		w.change(t, kari, release),
		w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut.Add(time.Minute))), // noted: older than the release
	)
	if got := w.list.Entries()[2].Action; got != ledger.Noted {
		t.Fatalf("the third change is %s", got)
	}
	all.Records = append(all.Records, events.DynamoDBEventRecord{EventName: "MODIFY"}, events.DynamoDBEventRecord{EventName: "REMOVE"})
	if err := apitest.Deliver(t, w.handler().handle, all); err != nil {
		t.Fatal(err)
	}
	detail := eventbus.ContactChanged{Key: kari, Channel: contact.Email, Scope: "acme", Reason: "unsubscribed", At: optedOut, Ledger: "entry-1"}
	released := detail
	released.At, released.Ledger = release.At, "entry-2"
	want := []eventbus.Event{{Type: "ContactSuppressed", At: sunday, Detail: detail}, {Type: "ContactReleased", At: sunday, Detail: released}}
	if diff := cmp.Diff(want, w.sent); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestUnreadableEntriesAreParkedAndTheOthersContinue(t *testing.T) {
	for name, spoil := range map[string]func(*world, *events.DynamoDBEventRecord){
		"an entry that cannot be read": func(_ *world, r *events.DynamoDBEventRecord) {
			r.Change.NewImage["version"] = events.NewStringAttribute("one")
		},
		"a contact whose item cannot be read": func(w *world, _ *events.DynamoDBEventRecord) { w.list.Spoil(kari) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.keep("sub-1", kari, "acme", consented)
			b := batch(
				w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)),
				w.change(t, ola, suppress("acme", suppression.Unsubscribed, optedOut)),
			)
			spoil(w, &b.Records[0])
			if err := apitest.Deliver(t, w.handler().handle, b); err != nil {
				t.Fatal(err)
			}
			if len(w.sent) != 1 || w.sent[0].Detail.(eventbus.ContactChanged).Key != ola {
				t.Errorf("%d events", len(w.sent))
			}
			if len(w.parked) != 1 || w.parked[0].Event != "entry-1" || w.parked[0].Keys["key"] != string(kari) || w.parked[0].Stream != "ledger-stream" {
				t.Errorf("parked %+v", w.parked)
			}
			w.sent, w.parkErr = nil, errDown
			if err := apitest.Deliver(t, w.handler().handle, b); !errors.Is(err, apitest.ErrRetried) || len(w.sent) != 0 {
				t.Errorf("not parked: error %v, %d events", err, len(w.sent))
			}
		})
	}
}

func TestAnUnreadableRecordBlocksNoOther(t *testing.T) {
	w := newWorld()
	w.keep("broken", kari, "acme", consented)
	w.keep("sub-1", kari, "acme", consented)
	w.unreadable["broken"] = true
	if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)))); err != nil {
		t.Fatal(err)
	}
	w.expect(t, map[string]time.Time{"sub-1": optedOut.Truncate(time.Second)})
	if len(w.sent) != 1 || !strings.Contains(w.logs.String(), "cannot be read") {
		t.Errorf("%d events, log %s", len(w.sent), w.logs.String())
	}
}

func TestAFailingBusHoldsUpNoWithdrawal(t *testing.T) {
	w := newWorld()
	w.busErr = errDown
	w.keep("sub-1", kari, "acme", consented)
	b := batch(w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)))
	if err := apitest.Deliver(t, w.handler().handle, b); err != nil || w.withdrawn != 1 || len(w.parked) != 1 || w.parked[0].Reason != errDown.Error() {
		t.Errorf("error %v, %d withdrawn, %d parked", err, w.withdrawn, len(w.parked))
	}
	w.parkErr = errDown
	if err := apitest.Deliver(t, w.handler().handle, b); !errors.Is(err, apitest.ErrRetried) {
		t.Errorf("neither sent nor parked: error %v", err)
	}
}

func TestWebhooksAreToldWhateverTheBusDoes(t *testing.T) {
	w := newWorld()
	w.busErr = errDown
	release := suppression.Change{Action: suppression.Release, Scope: "acme", Reason: suppression.Unsubscribed, At: optedOut.Add(time.Hour), Source: suppression.SourceTool}
	b := batch(
		w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)),
		w.change(t, kari, release),
		w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut.Add(time.Minute))), // noted: older than the release
	)
	if err := apitest.Deliver(t, w.handler().handle, b); err != nil {
		t.Fatal(err)
	}
	first := webhook.Event{Type: "contact.suppressed", Timestamp: sunday, Data: webhook.Data{ID: "entry-1", Key: kari, Channel: contact.Email, Scope: "acme", Reason: "unsubscribed", At: optedOut, Version: 1}}
	second := first
	second.Type, second.Data.ID, second.Data.At, second.Data.Version = "contact.released", "entry-2", release.At, 2
	want := []webhook.Delivery{{Event: first, Link: true, Queued: sunday}, {Event: second, Queued: sunday}}
	if diff := cmp.Diff(want, w.told); diff != "" || len(w.parked) != 2 {
		t.Errorf("%d parked, told (-want +got):\n%s", len(w.parked), diff)
	}
}

func TestAnUntoldChangeComesAgain(t *testing.T) {
	w := newWorld()
	w.toldErr = errDown
	w.keep("sub-1", kari, "acme", consented)
	b := batch(w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)))
	if err := apitest.Deliver(t, w.handler().handle, b); !errors.Is(err, apitest.ErrRetried) || w.withdrawn != 1 || len(w.parked) != 0 {
		t.Errorf("error %v, %d withdrawn, %d parked", err, w.withdrawn, len(w.parked))
	}
	w.toldErr = nil
	if err := apitest.Deliver(t, w.handler().handle, b); err != nil || len(w.told) != 1 || len(w.sent) != 1 {
		t.Errorf("error %v, %d told, %d events", err, len(w.told), len(w.sent))
	}
}

func TestEventsGoOutInOrderByTens(t *testing.T) {
	w := newWorld()
	var entries []ledger.Entry
	var want []string
	for n := range 25 {
		key := contact.Key(fmt.Sprintf("contact-%d", n))
		entries = append(entries, w.change(t, key, suppress("acme", suppression.Unsubscribed, optedOut)))
		want = append(want, entries[n].ID)
	}
	b := batch(entries...)
	if err := apitest.Deliver(t, w.handler().handle, b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{10, 10, 5}, w.puts); diff != "" {
		t.Errorf("events a call (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, w.ids()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	// The entries behind a failure are delivered again, and with them their events.
	w.sent, w.failing = nil, "contact-7"
	if err := apitest.Deliver(t, w.handler().handle, b); !errors.Is(err, apitest.ErrRetried) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[:7], w.ids()); diff != "" {
		t.Errorf("before the failure (-want +got):\n%s", diff)
	}
}

func TestEventsOfPropagateAreTaken(t *testing.T) {
	want := map[string][]string{
		"propagate.opt-out.json": {"ContactSuppressed"}, "propagate.release.json": {"ContactReleased"}, "propagate.noted.json": nil,
		"propagate.rekeyed.json": nil,
	}
	for _, name := range apitest.Events(t, "propagate") {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			var b events.DynamoDBEvent
			apitest.New(t).Event(t, name, &b, "CONTACT_KEY", string(kari))
			if err := apitest.Deliver(t, w.handler().handle, b); err != nil {
				t.Fatal(err)
			}
			var types []string
			for _, e := range w.sent {
				types = append(types, e.Type)
				if e.Detail.(eventbus.ContactChanged).Key != kari {
					t.Error("the event is about another contact")
				}
			}
			if diff := cmp.Diff(want[name], types); diff != "" || len(w.parked) != 0 {
				t.Errorf("%d parked, events (-want +got):\n%s", len(w.parked), diff)
			}
		})
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}

func TestOptOutsAreCountedByChannelAndSource(t *testing.T) {
	w := newWorld()
	through := suppress("acme", suppression.Unsubscribed, optedOut)
	through.Source = suppression.Through("acme/newsletter")
	imported := suppress("acme", suppression.Unsubscribed, optedOut)
	imported.Source = "import:ola@example.no"
	b := batch(w.change(t, kari, through), w.change(t, ola, imported))
	if err := apitest.Deliver(t, w.handler().handle, b); err != nil {
		t.Fatal(err)
	}
	logs := w.logs.String()
	for _, says := range []string{`"from":"email link","OptOuts":1`, `"from":"email import","OptOuts":1`, `"channel":"email","ClickToEnforced":`, `"Unit":"Milliseconds"`} {
		if !strings.Contains(logs, says) {
			t.Errorf("no %s in\n%s", says, logs)
		}
	}
	if strings.Contains(logs, "ola@") || strings.Contains(logs, string(kari)) {
		t.Errorf("the log names somebody:\n%s", logs)
	}
}
