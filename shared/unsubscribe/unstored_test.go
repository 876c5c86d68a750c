package unsubscribe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

func TestAnUnstoredOptOutIsQueued(t *testing.T) {
	multipartType, multipartOneClick := multipartBody("List-Unsubscribe", "One-Click")
	byPage := func(ch contact.Channel) []string {
		return map[contact.Channel][]string{
			contact.Email: {"Your choice is noted", "k•••@example.no"}, contact.SMS: {"Your choice is noted", "67"},
		}[ch]
	}
	byText := func(contact.Channel) []string {
		return []string{"Not stored yet. It is noted and will be carried out shortly."}
	}
	cases := []struct {
		name    string
		request func(path string) gateway.Request
		source  suppression.Source
		says    func(contact.Channel) []string
	}{
		{"the page's form", func(p string) gateway.Request { return form(p, "unsubscribe") }, suppression.SourceLink, byPage},
		{"one-click", oneClick, suppression.SourceOneClick, byText},
		{"one-click, multipart", func(p string) gateway.Request { return post(p, multipartType, multipartOneClick) }, suppression.SourceOneClick, byText},
		{"one-click beside resubscribe", func(p string) gateway.Request {
			return post(p, urlencoded, "List-Unsubscribe=One-Click&action=resubscribe")
		}, suppression.SourceOneClick, byText},
		{"an empty body", func(p string) gateway.Request { return post(p, "", "") }, suppression.SourceLink, byPage},
		{"an oversized body", func(p string) gateway.Request { return post(p, urlencoded, strings.Repeat("x", 5000)) }, suppression.SourceLink, byPage},
	}
	fails := map[string]func(*world){
		"the store":                     func(w *world) { w.listErr = errDown },
		"the proof of the contact keys": func(w *world) { w.contactErr = errDown },
		"a canary that the keys make":   func(w *world) { w.contactErr = contact.ErrForeignKeys },
		"both":                          func(w *world) { w.listErr, w.contactErr = errDown, errDown },
		"a store that is too slow":      func(w *world) { w.listErr = fmt.Errorf("writing a suppression: %w", context.DeadlineExceeded) },
	}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		for failing, fail := range fails {
			for _, c := range cases {
				t.Run(fmt.Sprintf("%s, %s, without %s", ch, c.name, failing), func(t *testing.T) {
					w := newWorld(t)
					fail(w)
					resp := w.send(t, c.request(w.path(t, ch, acmeID)))
					if resp.StatusCode != 503 || resp.Headers["retry-after"] == "" {
						t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Headers["retry-after"])
					}
					for _, words := range c.says(ch) {
						if !strings.Contains(resp.Body, words) {
							t.Errorf("it does not say %q", words)
						}
					}
					if strings.Contains(resp.Body, "<form") {
						t.Error("there is something left to do")
					}
					want := []outage.OptOut{{Keys: []contact.Key{w.key(t, ch)}, Channel: ch, Scope: "acme", Reason: suppression.Unsubscribed, Source: c.source, At: w.now}}
					if diff := cmp.Diff(want, w.waits(t)); diff != "" {
						t.Error(diff)
					}
					w.noLeak(t, resp)
				})
			}
		}
	}
}

func TestTopicsOptOutIsQueuedInItsScope(t *testing.T) {
	cases := []struct {
		action, says string
		in           scope.Scope
	}{
		{"unsubscribe", "Acme will soon no longer send the Acme newsletter", "acme/newsletter"},
		{"unsubscribe-all", "Acme will soon send no more marketing", "acme"},
	}
	for _, c := range cases {
		t.Run(c.action, func(t *testing.T) {
			w := newWorld(t)
			w.listErr = errDown
			resp := w.send(t, form(w.path(t, contact.Email, newsletterID), c.action))
			if waits := w.waits(t); len(waits) != 1 || waits[0].Scope != c.in || !strings.Contains(resp.Body, c.says) {
				t.Errorf("%d wait, or in another scope, or the page is about another", len(waits))
			}
		})
	}
}

func TestWhatCannotWaitIsToBeSentAgain(t *testing.T) {
	cases := []struct {
		name, action string
		fail         func(*world)
	}{
		{"an undo", "resubscribe", func(w *world) { w.listErr = errDown }},
		{"an undo without proven keys", "resubscribe", func(w *world) { w.contactErr = errDown }},
		{"an undo without link keys", "resubscribe", func(w *world) { w.linkErr = errDown }},
		{"an undo without any keys", "resubscribe", func(w *world) { w.contactErr, w.unprovenErr = errDown, errDown }},
		{"an opt-out without link keys and queue", "unsubscribe", func(w *world) { w.linkErr, w.queueErr = errDown, errDown }},
		{"an opt-out without any keys and queue", "unsubscribe", func(w *world) { w.contactErr, w.unprovenErr, w.queueErr = errDown, errDown, errDown }},
		{"an opt-out without a queue", "unsubscribe", func(w *world) { w.listErr, w.queueErr = errDown, errDown }},
		{"a group's opt-out without a queue", "unsubscribe-group", func(w *world) { w.listErr, w.queueErr = errDown, errDown }},
		{"a topic's opt-out without a queue", "unsubscribe-topic", func(w *world) { w.listErr, w.queueErr = errDown, errDown }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.fail(w)
			body, again := "action="+c.action, c.action
			if c.action == "unsubscribe-topic" {
				body, again = body+"&topic=newsletter", again+" newsletter"
			}
			resp := w.send(t, post(w.path(t, contact.Email, acmeID), urlencoded, body))
			if diff := cmp.Diff([]string{again}, actions(resp)); diff != "" || resp.StatusCode != 503 || resp.Headers["retry-after"] == "" {
				t.Errorf("status %d, to send again (-want +got):\n%s", resp.StatusCode, diff)
			}
			if len(w.messages) > 0 {
				t.Error("it was queued")
			}
			w.noLeak(t, resp)
		})
	}
}

// The store may have used up the request's time.
func TestTheQueueHasTimeOfItsOwn(t *testing.T) {
	for _, linkErr := range []error{nil, errDown} {
		w := newWorld(t)
		w.linkErr = linkErr
		over, cancel := context.WithCancel(t.Context())
		cancel()
		resp, err := w.handlers[contact.Email].Serve(over, oneClick(w.path(t, contact.Email, acmeID)))
		if err != nil || resp.StatusCode != 503 || len(w.waits(t)) != 1 {
			t.Errorf("status %d, error %v, %d wait", resp.StatusCode, err, len(w.messages))
		}
	}
}

// While the store hangs, each opt-out holds one of the function's places.
func TestNeitherStoreNorQueueIsWaitedForLong(t *testing.T) {
	w := newWorld(t)
	w.listErr = errDown
	w.send(t, oneClick(w.path(t, contact.Email, acmeID)))
	for of, most := range map[string]time.Duration{"keys": 2 * time.Second, "list": outage.Patience, "queue": 2 * time.Second} {
		if left := time.Until(w.deadlines[of]); w.deadlines[of].IsZero() || left > most {
			t.Errorf("%s: for %v", of, left)
		}
	}
}

// The clock of the container that took the undo was ahead. The opt-out is stored
// in the undo's own instant by the first write: a second write might fail.
func TestOptOutAgainstClockSkewIsOneWrite(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	w.send(t, oneClick(path))
	w.now = w.now.Add(3 * time.Second)
	undone := w.now
	w.send(t, form(path, "resubscribe"))
	w.now = w.now.Add(-time.Second)
	w.failsAfter = 1
	if resp := w.send(t, oneClick(path)); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	mark := w.list.Item(w.key(t, contact.Email)).Marks["acme"][suppression.Unsubscribed]
	if !mark.Active() || !mark.Last.Equal(undone) || len(w.waits(t)) != 0 {
		t.Errorf("active %v, last %v", mark.Active(), mark.Last)
	}
}

func TestTheLogSaysThatAnOptOutWaits(t *testing.T) {
	w := newWorld(t)
	w.listErr = errDown
	w.send(t, oneClick(w.path(t, contact.Email, acmeID)))
	for _, want := range []string{`"msg":"opt-out queued"`, `the store is down`, `"key":"` + w.key(t, contact.Email).Short() + `"`} {
		if !strings.Contains(w.logs.String(), want) {
			t.Errorf("no %s in the log", want)
		}
	}
}
