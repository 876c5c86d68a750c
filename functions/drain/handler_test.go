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
	"stille/shared/contact"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
)

var errDown = errors.New("the store is down")

// noted is a list that notes how it is called.
type noted struct {
	suppressiontest.List
	applied  []string // key and time of every change asked for
	fails    func(contact.Key) error
	deadline time.Time // of the newest call
}

func newList() *noted {
	n := &noted{fails: func(contact.Key) error { return nil }}
	n.Before = func(ctx context.Context, c suppressiontest.Call) error {
		n.deadline, _ = ctx.Deadline()
		n.applied = append(n.applied, c.Who.Newest().Short()+c.Change.At.Format(" 15:04:05"))
		return errors.Join(n.fails(c.Who.Newest()), ctx.Err())
	}
	return n
}

type list interface {
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

func newHandler(h *apitest.House, list list) handler {
	h.Now = sunday.Add(time.Hour)
	return handler{keys: h, links: unsubscribe.Links{Keys: h, Scopes: h.Scopes}, apply: list.Apply, queue: &h.Queue, log: h.Log, now: func() time.Time { return h.Now }}
}

var sunday = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// waits is a message in the queue about an opt-out so long after sunday.
func waits(t *testing.T, id string, key contact.Key, after time.Duration) events.SQSMessage {
	t.Helper()
	body, err := json.Marshal(outage.OptOut{
		Keys: []contact.Key{key}, Channel: contact.Email, Scope: "acme", Reason: suppression.Unsubscribed, Source: suppression.SourceOneClick, At: sunday.Add(after),
	})
	if err != nil {
		t.Fatal(err)
	}
	return events.SQSMessage{MessageId: id, Body: string(body)}
}

// drained is which messages of a batch come again.
func drained(t *testing.T, over handler, batch ...events.SQSMessage) []string {
	t.Helper()
	resp, err := over.handle(t.Context(), events.SQSEvent{Records: batch})
	if err != nil || resp.BatchItemFailures == nil {
		t.Fatalf("error %v, or an answer that says nothing", err)
	}
	again := []string{}
	for _, f := range resp.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	return again
}

func TestEventsOfTheQueueAreTaken(t *testing.T) {
	cases := map[string]struct {
		again []string
		last  time.Time
	}{
		"drain.one-click.json": {[]string{}, sunday.Add(123456789)},
		"drain.batch.json":     {[]string{"5c9b0f3e-7d1a-4a52-9b0e-2f6a1d0c0003"}, sunday.Add(123456789)}, // the later click is a repetition
	}
	for _, name := range apitest.Events(t, "drain") {
		t.Run(name, func(t *testing.T) {
			h, list := apitest.New(t), newList()
			key := h.Key(t, contact.Email, apitest.Address)
			var batch events.SQSEvent
			h.Event(t, name, &batch, "KEY", string(key))
			want, known := cases[name]
			if diff := cmp.Diff(want.again, drained(t, newHandler(h, list), batch.Records...)); diff != "" || !known {
				t.Errorf("comes again: %s", diff)
			}
			mark := list.Item(key).Marks["acme"][suppression.Unsubscribed]
			if !mark.Active() || !mark.Last.Equal(want.last) || !mark.First.Equal(sunday.Add(123456789)) {
				t.Errorf("stopped since %v, last %v", mark.First, mark.Last)
			}
			h.NoLeak(t, []string{string(key)})
		})
	}
}

func TestWhatFailsComesAgain(t *testing.T) {
	h := apitest.New(t)
	kari, ola := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.Email, "ola@example.no")
	foreign := apitest.New(t).Key(t, contact.Email, "kari@example.no")
	batch := []events.SQSMessage{
		waits(t, "kari later", kari, 2*time.Minute), waits(t, "ola", ola, time.Minute), waits(t, "kari", kari, 0),
	}
	cases := []struct {
		name  string
		batch []events.SQSMessage
		fail  func(*apitest.House, *noted)
		again []string
		asked []string // of the list
	}{
		{
			"nothing, and the oldest goes first", batch, func(*apitest.House, *noted) {},
			[]string{}, []string{kari.Short() + " 03:00:00", ola.Short() + " 03:01:00", kari.Short() + " 03:02:00"},
		},
		{
			"one contact, whose later opt-out waits for the earlier", batch,
			func(_ *apitest.House, m *noted) {
				m.fails = func(k contact.Key) error { return map[contact.Key]error{kari: errDown}[k] }
			},
			[]string{"kari", "kari later"}, []string{kari.Short() + " 03:00:00", ola.Short() + " 03:01:00"},
		},
		{
			"the store", batch, func(_ *apitest.House, m *noted) { m.fails = func(contact.Key) error { return errDown } },
			[]string{"kari", "ola", "kari later"}, []string{kari.Short() + " 03:00:00", ola.Short() + " 03:01:00"},
		},
		{
			"the keys", batch, func(h *apitest.House, _ *noted) { h.KeysErr = contact.ErrForeignKeys },
			[]string{"kari", "ola", "kari later"}, nil,
		},
		{
			"a message that panics", batch,
			func(_ *apitest.House, m *noted) {
				m.fails = func(k contact.Key) error {
					if k == ola {
						panic("kari@example.no")
					}
					return nil
				}
			},
			[]string{"ola"}, []string{kari.Short() + " 03:00:00", ola.Short() + " 03:01:00", kari.Short() + " 03:02:00"},
		},
		{
			"a message without an opt-out", append([]events.SQSMessage{{MessageId: "malformed", Body: "kari@example.no"}}, batch[1]),
			func(*apitest.House, *noted) {}, []string{"malformed"}, []string{ola.Short() + " 03:01:00"},
		},
		{
			"a message with keys that are not live", append([]events.SQSMessage{waits(t, "foreign", foreign, 0)}, batch[1]),
			func(*apitest.House, *noted) {}, []string{"foreign"}, []string{ola.Short() + " 03:01:00"},
		},
		{
			"one from a clock that is ahead", []events.SQSMessage{waits(t, "ahead", kari, 2*time.Hour), batch[1]},
			func(*apitest.House, *noted) {}, []string{"ahead"}, []string{ola.Short() + " 03:01:00", kari.Short() + " 05:00:00"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			list := newList()
			h.KeysErr = nil
			c.fail(h, list)
			if diff := cmp.Diff(c.again, drained(t, newHandler(h, list), c.batch...)); diff != "" {
				t.Errorf("comes again: %s", diff)
			}
			if diff := cmp.Diff(c.asked, list.applied); diff != "" {
				t.Errorf("carried out: %s", diff)
			}
			if strings.Contains(h.Logs.String(), "kari@") || strings.Contains(h.Logs.String(), string(kari)) {
				t.Error("an address or a key in the log")
			}
		})
	}
}

// Opt-outs before, between and after releases, whenever they are carried out.
func TestTheTimeOfTheOptOutDecides(t *testing.T) {
	for released, stopped := range map[time.Duration]bool{
		-time.Minute: true, 0: true, time.Minute: false, 5 * time.Minute: true, 6 * time.Minute: false,
	} {
		t.Run(fmt.Sprint("released after ", released), func(t *testing.T) {
			h, list := apitest.New(t), newList()
			key := h.Key(t, contact.Email, "kari@example.no")
			over := newHandler(h, list)
			consent := suppression.Change{
				Action: suppression.Release, Scope: "acme", Reason: suppression.Unsubscribed, At: sunday.Add(released), Source: suppression.SourceTool,
			}
			if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, consent, h.Now); err != nil {
				t.Fatal(err)
			}
			batch := []events.SQSMessage{waits(t, "first", key, 0)}
			if released > time.Minute {
				batch = append(batch, waits(t, "second", key, 5*time.Minute))
			}
			for range 2 { // every queue repeats itself
				if again := drained(t, over, batch...); len(again) > 0 {
					t.Errorf("%v come again", again)
				}
			}
			if got := !suppression.Decide(list.Item(key), suppression.Marketing, "acme").Send; got != stopped {
				t.Errorf("stopped %v, want %v", got, stopped)
			}
		})
	}
}

func TestABatchEndsBeforeTheFunctionDoes(t *testing.T) {
	h, list := apitest.New(t), newList()
	over := newHandler(h, list)
	drained(t, over, waits(t, "1", h.Key(t, contact.Email, "kari@example.no"), 0))
	if left := time.Until(list.deadline); left > 5*time.Second || list.deadline.IsZero() {
		t.Errorf("the store may take %v", left)
	}
}
