package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	fake "stille/shared/sms/phone"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

// After any failure, the redelivered reply is carried out completely, and once.
func TestAFailedReplySucceedsWhenRedelivered(t *testing.T) {
	throttled := fake.Refusal{Type: "ThrottlingException", Message: apitest.Number}
	for _, c := range []struct {
		name         string
		spoil, mend  func(*world)
		stoodAlready bool // the opt-out already stands after the failure
	}{
		{"neither list nor queue can be written", func(w *world) { w.failing("Apply"); w.Queue.Err = errDown }, func(w *world) { w.list.Fail(nil); w.Queue.Err = nil }, false},
		{"the list cannot be read", func(w *world) { w.failing("Get") }, func(w *world) { w.list.Fail(nil) }, true},
		{"the reply cannot be claimed", func(w *world) { w.memory.claimErr = errDown }, func(w *world) { w.memory.claimErr = nil }, true},
		{"the text cannot be sent", func(w *world) { w.phone.Refuse(throttled) }, func(w *world) { w.phone.Refuse(fake.Refusal{}) }, true},
	} {
		for _, text := range []string{"STOP", "you must stop this"} {
			t.Run(c.name+": "+text, func(t *testing.T) {
				w := newWorld(t)
				m := w.reply("1", text)
				m.from = apitest.Number
				c.spoil(w)
				for range 2 {
					if err := w.take(t.Context(), m.inbox(t)); err == nil {
						t.Fatal("it did not fail")
					} else if strings.Contains(err.Error(), "987") {
						t.Error("the error holds the number")
					}
				}
				if stood := len(w.active(t, m.from)) == 1; stood != c.stoodAlready || len(w.said()) != 0 {
					t.Errorf("after the failure: it stands %v, said %v", stood, w.said())
				}
				c.mend(w)
				w.hear(t, m, m)
				if len(w.active(t, m.from)) != 1 || len(w.said()) != 1 || len(w.entries()) != 1 {
					t.Errorf("in the end: active %v, said %v, entries %v", w.active(t, m.from), w.said(), w.entries())
				}
				w.NoLeak(t, nil)
			})
		}
	}
}

// What waits holds neither number nor text; the message is done with.
func TestAnUnstoredReplyWaits(t *testing.T) {
	for name, fail := range map[string]func(*world){
		"the list":                      func(w *world) { w.failing("Apply") },
		"the keys cannot be proven":     func(w *world) { w.KeysErr = errDown },
		"the keys are of another table": func(w *world) { w.KeysErr = contact.ErrForeignKeys },
	} {
		for text, source := range map[string]suppression.Source{"STOP": suppression.SourceSMS, "you must stop this": suppression.SourceSMSReview} {
			t.Run(name+": "+text, func(t *testing.T) {
				w := newWorld(t)
				fail(w)
				m := w.reply("1", text)
				m.from = apitest.Number
				w.hear(t, m)
				want := []outage.OptOut{{
					Keys: []contact.Key{w.Key(t, contact.SMS, m.from)}, Channel: contact.SMS, Scope: "acme", Reason: suppression.Stop, Source: source, At: m.at,
				}}
				if diff := cmp.Diff(want, w.Queue.Waits()); diff != "" || len(w.said()) > 0 || len(w.memory.until) > 0 {
					t.Errorf("said %v; waits (-want +got)\n%s", w.said(), diff)
				}
				w.NoLeak(t, nil)
			})
		}
	}
}

// The time of a START decides, and it never waits: a person who writes START sees
// at once that nothing came of it, or gets the answer when it is delivered again.
func TestAStartAfterAnOutageLiftsNothingNewer(t *testing.T) {
	w := newWorld(t)
	old, start, stop := w.reply("1", "STOP"), w.reply("2", "START"), w.reply("3", "STOP")
	old.at, start.at, stop.at = w.Now.Add(-3*time.Hour), w.Now.Add(-2*time.Hour), w.Now.Add(-time.Hour)
	w.hear(t, old)
	w.failing("Apply")
	if err := w.take(t.Context(), start.inbox(t)); err == nil || len(w.Queue.Waits()) > 0 {
		t.Errorf("error %v, %d wait", err, len(w.Queue.Waits()))
	}
	w.list.Fail(nil)
	w.hear(t, stop, start)
	again := start
	again.at = w.Now // as SNS stamps a redelivery
	w.hear(t, again)
	if diff := cmp.Diff([]string{"stop in acme, from sms"}, w.active(t, kari)); diff != "" {
		t.Errorf("active (-want +got)\n%s", diff)
	}
}

// SNS delivers the START again, with a new time, because its text could not be
// sent.
func TestAStartWhoseTextFailedLiftsNothingNewer(t *testing.T) {
	w := newWorld(t)
	start, stop := w.reply("1", "START"), w.reply("2", "STOP")
	start.at, stop.at = w.Now.Add(-3*time.Minute), w.Now.Add(-2*time.Minute)
	w.phone.Refuse(fake.Refusal{Type: "ThrottlingException"})
	if err := w.take(t.Context(), start.inbox(t)); err == nil {
		t.Fatal("it did not fail")
	}
	w.phone.Refuse(fake.Refusal{})
	w.hear(t, stop)
	start.at = w.Now
	w.hear(t, start)
	if diff := cmp.Diff([]string{"stop in acme, from sms"}, w.active(t, kari)); diff != "" {
		t.Errorf("active (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{stopped, stillStopped}, w.said()); diff != "" {
		t.Errorf("said (-want +got)\n%s", diff)
	}
}

func TestAReplyWithoutIDCountsUnanswered(t *testing.T) {
	w := newWorld(t)
	if err := w.take(t.Context(), w.reply("", "STOP").inbox(t)); err == nil {
		t.Error("it did not fail")
	}
	if diff := cmp.Diff([]string{"stop in acme, from sms"}, w.active(t, kari)); diff != "" || len(w.said()) != 0 {
		t.Errorf("active (-want +got)\n%s; said %v", diff, w.said())
	}
}

func TestNoTextIsStartedWithTooLittleTime(t *testing.T) {
	for left, want := range map[time.Duration]int{5 * time.Second: 0, time.Minute: 1} {
		w := newWorld(t)
		err := w.take(deadline{t.Context(), w.Now.Add(left)}, w.reply("1", "STOP").inbox(t))
		if (err == nil) != (want == 1) || len(w.said()) != want || (len(w.memory.until) > 0) != (want == 1) {
			t.Errorf("with %s left: %d sent, %d claimed, error %v", left, len(w.said()), len(w.memory.until), err)
		}
	}
}

// deadline is a context with a deadline by the test's clock, which nothing
// enforces.
type deadline struct {
	context.Context
	at time.Time
}

func (d deadline) Deadline() (time.Time, bool) { return d.at, true }
