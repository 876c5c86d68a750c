package unsubscribe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

// Why a link names nobody while its key, or the contact's, cannot be read.
func keysAway() map[string]func(*testing.T, *world) {
	return map[string]func(*testing.T, *world){
		"the link keys":        func(_ *testing.T, w *world) { w.linkErr = errDown },
		"the newest link keys": func(t *testing.T, w *world) { w.linkKeys, w.refreshErr = newLinkKeys(t), errDown },
		"every contact key":    func(_ *testing.T, w *world) { w.contactErr, w.unprovenErr = errDown, errDown },
	}
}

func TestOptOutOfAnUnopenedLinkIsQueued(t *testing.T) {
	cases := []struct {
		contentType, body, accept string
		action, topic             string
		source                    suppression.Source
	}{
		{urlencoded, "List-Unsubscribe=One-Click", "*/*", "unsubscribe", "", suppression.SourceOneClick},
		{"", "", "*/*", "unsubscribe", "", suppression.SourceLink},
		{urlencoded, "action=unsubscribe", "text/html", "unsubscribe", "", suppression.SourceLink},
		{urlencoded, "action=unsubscribe-all", "text/html", "unsubscribe-all", "", suppression.SourceLink},
		{urlencoded, "action=unsubscribe-group", "text/html", "unsubscribe-group", "", suppression.SourceLink},
		{urlencoded, "action=unsubscribe-topic&topic=newsletter", "text/html", "unsubscribe-topic", "newsletter", suppression.SourceLink},
	}
	for away, fail := range keysAway() {
		for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
			if ch == contact.SMS && away == "the newest link keys" {
				continue // the first character of an SMS token names the first key of any set
			}
			for _, c := range cases {
				t.Run(fmt.Sprintf("%s without %s, %s", ch, away, c.body), func(t *testing.T) {
					w := newWorld(t)
					fail(t, w)
					path := w.path(t, ch, acmeID)
					req := post(path, c.contentType, c.body)
					req.Headers["accept"] = c.accept
					req.RawPath += "."
					resp := w.send(t, req)
					if resp.StatusCode != 503 || resp.Headers["retry-after"] == "" || !strings.Contains(resp.Body, "noted") || strings.Contains(resp.Body, "<form") {
						t.Errorf("status %d, Retry-After %q, or the answer is another", resp.StatusCode, resp.Headers["retry-after"])
					}
					_, token, err := link.Parse(path)
					must(t, err)
					want := []outage.OptOut{{
						Link: &outage.Link{Token: token, Action: c.action, Topic: c.topic}, Channel: ch,
						Reason: suppression.Unsubscribed, Source: c.source, At: w.now,
					}}
					if diff := cmp.Diff(want, w.waits(t)); diff != "" {
						t.Error(diff)
					}
					w.noLeak(t, resp)
				})
			}
		}
	}
}

func TestPageOfUnopenedLinkOffersToStop(t *testing.T) {
	for ch, label := range map[contact.Channel]string{contact.Email: "Stop marketing e\u2011mail", contact.SMS: "Stop marketing by SMS"} {
		w := newWorld(t)
		w.linkErr = errDown
		path := w.path(t, ch, newsletterID)
		page := w.send(t, request("GET", path))
		if diff := cmp.Diff([]string{"unsubscribe-all"}, actions(page)); diff != "" || page.StatusCode != 503 || !strings.Contains(page.Body, label) {
			t.Errorf("status %d, or another button %s", page.StatusCode, diff)
		}
		resp := w.send(t, form(path, actions(page)[0]))
		if waits := w.waits(t); len(waits) != 1 || waits[0].Link.Action != "unsubscribe-all" || !strings.Contains(resp.Body, "Your choice is noted") {
			t.Errorf("%d wait", len(waits))
		}
		w.noLeak(t, page, resp)
	}
}

func TestNothingElseOfAnUnopenedLinkIsQueued(t *testing.T) {
	w := newWorld(t)
	w.linkErr = errDown
	path := w.path(t, contact.Email, acmeID)
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT"} {
		w.send(t, request(method, path))
	}
	// What no key could open is refused without the keys.
	sms := w.path(t, contact.SMS, acmeID)
	for _, wrong := range []string{"/e/", "/e/abc", path[:20], path + ".A", "/e/" + strings.Repeat("A", 60), sms + "A", sms[:len(sms)-1], "/s/" + strings.Repeat("z", 23), "/s" + path[2:]} {
		if got := w.send(t, oneClick(wrong)).StatusCode; got != 404 {
			t.Errorf("%d characters: status %d", len(wrong), got)
		}
	}
	if n := len(w.messages); n > 0 {
		t.Errorf("%d wait", n)
	}
}

// invented is the path of a link that looks genuine.
func invented(n int) string { return fmt.Sprintf("/s/0%022d", n) }

func TestAFloodOfInventedLinksIsBounded(t *testing.T) {
	w := newWorld(t)
	w.linkErr = errDown
	turnedAway := 0
	for n := range 10_000 { // a thousand a second
		w.now = w.now.Add(time.Millisecond)
		if resp := w.send(t, oneClick(invented(n))); strings.HasPrefix(resp.Body, "Not stored.") {
			turnedAway++
		}
	}
	if n := len(w.messages); n < 200 || n > 200+21 || n+turnedAway != 10_000 {
		t.Errorf("%d wait, %d turned away", n, turnedAway)
	}
}

func TestOneUnopenedLinkIsQueuedOnceAnHour(t *testing.T) {
	w := newWorld(t)
	w.linkErr = errDown
	path := w.path(t, contact.Email, acmeID)
	for range 1000 {
		if resp := w.send(t, oneClick(path)); !strings.HasPrefix(resp.Body, "Not stored yet.") {
			t.Fatal("a repetition is turned away")
		}
	}
	w.send(t, form(path, "unsubscribe-all")) // another wish
	for n := range 199 - 2 {
		w.send(t, oneClick(invented(n)))
	}
	if n := len(w.messages); n != 2+197 {
		t.Errorf("%d wait: a repetition took the place of others", n)
	}
	w.now = w.now.Add(time.Hour)
	w.send(t, oneClick(path))
	if n := len(w.messages); n != 2+197+1 {
		t.Errorf("%d wait after an hour", n)
	}
	w.now = w.now.Add(-2 * time.Hour) // the clock was set back
	w.send(t, oneClick(path))
	if n := len(w.messages); n != 2+197+2 {
		t.Errorf("%d wait before the first", n)
	}
}

func TestAnUnqueuedLinkIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.linkErr, w.queueErr = errDown, errDown
	path := w.path(t, contact.Email, acmeID)
	w.send(t, oneClick(path))
	w.queueErr = nil
	if w.send(t, oneClick(path)); len(w.waits(t)) != 1 {
		t.Error("the link counts as queued, and is not")
	}
}
