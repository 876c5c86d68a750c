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
)

// After any failure, the redelivered reply is carried out completely, and once.
func TestAFailedReplySucceedsWhenRedelivered(t *testing.T) {
	throttled := fake.Refusal{Type: "ThrottlingException", Message: apitest.Number}
	for _, c := range []struct {
		name         string
		spoil, mend  func(*world)
		stoodAlready bool // the opt-out already stands after the failure
	}{
		{"the keys cannot be read", func(w *world) { w.KeysErr = errDown }, func(w *world) { w.KeysErr = nil }, false},
		{"the keys are another table's", func(w *world) { w.KeysErr = contact.ErrForeignKeys }, func(w *world) { w.KeysErr = nil }, false},
		{"the list cannot be written", func(w *world) { w.failing("Apply") }, func(w *world) { w.list.Fail(nil) }, false},
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
		if (err == nil) != (want == 1) || len(w.said()) != want || len(w.memory.claimed) != want {
			t.Errorf("with %s left: %d sent, %d claimed, error %v", left, len(w.said()), len(w.memory.claimed), err)
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
