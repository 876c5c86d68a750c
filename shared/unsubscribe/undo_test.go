package unsubscribe_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

func offersUndo(resp gateway.Response) bool {
	return strings.Contains(resp.Body, `value="resubscribe"`)
}

func TestThePageUndoesForADay(t *testing.T) {
	cases := []struct {
		name    string
		after   time.Duration
		stopped bool
	}{
		{"a second later", time.Second, false},
		{"a day later", 24 * time.Hour, false},
		{"a day and a moment later", 24*time.Hour + time.Millisecond, true},
		{"a year later", 365 * 24 * time.Hour, true},
	}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		for _, c := range cases {
			t.Run(string(ch)+", "+c.name, func(t *testing.T) {
				w := newWorld(t)
				path := w.path(t, ch, acmeID)
				if !offersUndo(w.send(t, form(path, "unsubscribe"))) {
					t.Error("no undo is offered")
				}
				w.now = w.now.Add(c.after)
				resp := w.send(t, form(path, "resubscribe"))
				if got := w.stopped(t, ch, "acme"); got != c.stopped || resp.StatusCode != 200 {
					t.Errorf("stopped: %v, status %d", got, resp.StatusCode)
				}
				if says := strings.Contains(resp.Body, "is still stopped"); says != c.stopped {
					t.Errorf("the page says still stopped: %v", says)
				}
			})
		}
	}
}

// The holder of a forwarded old mail must not end the silence, not even by
// opting out once more first.
func TestAnOldOptOutStaysNotUndoable(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	w.send(t, oneClick(path))
	w.now = w.now.Add(25 * time.Hour)
	if offersUndo(w.send(t, form(path, "unsubscribe"))) {
		t.Error("an undo is offered")
	}
	w.now = w.now.Add(time.Minute)
	w.send(t, form(path, "resubscribe"))
	if !w.stopped(t, contact.Email, "acme") {
		t.Error("the old opt-out was undone")
	}
}

// Two containers' clocks differ: the undo was taken by the container that is ahead.
func TestClickAfterAnUndoWinsOverClockSkew(t *testing.T) {
	for _, behind := range []time.Duration{time.Second, 2 * time.Second, time.Minute} {
		w := newWorld(t)
		path := w.path(t, contact.Email, acmeID)
		w.send(t, oneClick(path))
		w.now = w.now.Add(2 * time.Second)
		w.send(t, form(path, "resubscribe"))
		w.now = w.now.Add(-behind)
		if resp := w.send(t, oneClick(path)); resp.StatusCode != 200 || !w.stopped(t, contact.Email, "acme") {
			t.Errorf("%v behind: status %d, stopped %v", behind, resp.StatusCode, w.stopped(t, contact.Email, "acme"))
		}
	}
}

func TestAnUndoLiftsOnlyWhatALinkDid(t *testing.T) {
	cases := []struct {
		name   string
		reason suppression.Reason
		in     scope.Scope
	}{
		{"a complaint in the same scope", suppression.Complaint, "acme"},
		{"an opt-out told to a tool", suppression.Unsubscribed, "acme"},
		{"an opt-out everywhere", suppression.Unsubscribed, scope.Everywhere},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			key := w.key(t, contact.Email)
			_, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, suppression.Change{
				Action: suppression.Suppress, Scope: c.in, Reason: c.reason, At: w.now, Source: suppression.SourceTool,
			}, w.now)
			must(t, err)
			w.now = w.now.Add(time.Minute)
			path := w.path(t, contact.Email, acmeID)
			if offersUndo(w.send(t, form(path, "unsubscribe"))) {
				t.Error("an undo is offered that would not be enough")
			}
			w.now = w.now.Add(time.Minute)
			resp := w.send(t, form(path, "resubscribe"))
			if !w.stopped(t, contact.Email, "acme") || !strings.Contains(resp.Body, "is still stopped") {
				t.Error("the silence ended, or the page says so")
			}
		})
	}
}

func TestATopicsLinkUndoesTheTopicOnly(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, newsletterID)
	all := w.send(t, form(path, "unsubscribe-all"))
	if !strings.Contains(all.Body, "Marketing e-mail from Acme has stopped") || offersUndo(all) {
		t.Error("the page must be about the brand and offer no undo")
	}
	w.now = w.now.Add(time.Minute)
	w.send(t, form(path, "resubscribe"))
	if !w.stopped(t, contact.Email, "acme") {
		t.Error("a topic's link ended the brand's silence")
	}
}

func TestATopicsLinkStopsTheTopicOnly(t *testing.T) {
	w := newWorld(t)
	w.send(t, oneClick(w.path(t, contact.SMS, newsletterID)))
	if !w.stopped(t, contact.SMS, "acme/newsletter") || w.stopped(t, contact.SMS, "acme") {
		t.Error("want the topic stopped, and not the brand")
	}
}

func TestTheUndoneStopCanBeMadeAgain(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	for _, action := range []string{"unsubscribe", "resubscribe", "resubscribe", "unsubscribe"} {
		w.now = w.now.Add(time.Minute)
		w.send(t, form(path, action))
		if want := action == "unsubscribe"; w.stopped(t, contact.Email, "acme") != want {
			t.Errorf("after %s: stopped is not %v", action, want)
		}
	}
}

// silence is a second, simpler account of one contact: since when each scope
// has been stopped, zero where it is not.
type silence map[scope.Scope]time.Time

func (s silence) after(action string, in scope.Scope, now time.Time) {
	switch {
	case action == "resubscribe":
		if now.Sub(s[in]) <= 24*time.Hour {
			delete(s, in)
		}
		return
	case action == "unsubscribe-all":
		in = in.Brand()
	}
	if s[in].IsZero() {
		s[in] = now
	}
}

// Whatever people, providers and scanners do in whatever order: a GET changes
// nothing, and what is done on one channel never shows on the other.
func TestActionsOnOneChannelLeaveTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		want := map[contact.Channel]silence{contact.Email: {}, contact.SMS: {}}
		for range rapid.IntRange(1, 25).Draw(t, "actions") {
			w.now = w.now.Add(time.Duration(rapid.Int64Range(1, 40*3600).Draw(t, "seconds later")) * time.Second)
			ch := rapid.SampledFrom([]contact.Channel{contact.Email, contact.SMS}).Draw(t, "channel")
			id := rapid.SampledFrom([]uint16{acmeID, newsletterID}).Draw(t, "scope")
			in := map[uint16]scope.Scope{acmeID: "acme", newsletterID: "acme/newsletter"}[id]
			path := w.path(t, ch, id)
			before := len(w.list.Entries())
			switch action := rapid.SampledFrom([]string{"GET", "HEAD", "OPTIONS", "DELETE", "one-click", "unsubscribe", "unsubscribe-all", "resubscribe"}).Draw(t, "action"); action {
			case "one-click":
				w.send(t, oneClick(path))
				want[ch].after("unsubscribe", in, w.now)
			case "unsubscribe", "unsubscribe-all", "resubscribe":
				w.send(t, form(path, action))
				want[ch].after(action, in, w.now)
			default:
				w.send(t, request(action, path))
				if len(w.list.Entries()) != before {
					t.Fatalf("%s wrote", action)
				}
			}
			for ch, silent := range want {
				brand := !silent["acme"].IsZero()
				topic := brand || !silent["acme/newsletter"].IsZero()
				if w.stopped(t, ch, "acme") != brand || w.stopped(t, ch, "acme/newsletter") != topic {
					t.Fatalf("%s: want brand stopped %v, topic stopped %v", ch, brand, topic)
				}
			}
		}
	})
}
