//go:build stack

package main

import (
	"cmp"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"stille/shared/scope"
)

// TestNoActionOnOneChannelChangesTheOther sends random requests to both links
// of one person and compares every check with the last write on that channel.
func TestNoActionOnOneChannelChangesTheOther(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("random")
	links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	actions := []struct {
		name string
		do   func(link string) (answer, error)
		send func(before bool) bool
	}{
		{"GET", func(l string) (answer, error) { return s.api.get(t.Context(), l) }, func(b bool) bool { return b }},
		{"one-click", func(l string) (answer, error) {
			return s.api.post(t.Context(), l, url.Values{"List-Unsubscribe": {"One-Click"}})
		}, func(bool) bool { return false }},
		{"page", func(l string) (answer, error) {
			return s.api.post(t.Context(), l, url.Values{"action": {"unsubscribe"}})
		}, func(bool) bool { return false }},
		{"empty", func(l string) (answer, error) { return s.api.post(t.Context(), l, nil) }, func(bool) bool { return false }},
		{"undo", func(l string) (answer, error) {
			return s.api.post(t.Context(), l, url.Values{"action": {"resubscribe"}})
		}, func(bool) bool { return true }},
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	send := [2]bool{true, true}
	for n := range 40 {
		which, action := random.IntN(2), actions[random.IntN(len(actions))]
		got, err := action.do(links[which].URL)
		if err != nil || got.status != http.StatusOK {
			t.Fatalf("action %d, %s on channel %d: status %d, error %v", n, action.name, which, got.status, err)
		}
		send[which] = action.send(send[which])
		if err := s.expect(t.Context(), p, send[0], send[1]); err != nil {
			t.Fatalf("after action %d, %s on channel %d: %v", n, action.name, which, err)
		}
	}
}

// The demo's two brands are in one group. The other brand requires a basis.
func TestAGroupIsStoppedAndTakenBack(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("grouped")
	links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		form   url.Values
		state  string // of the page of a GET afterwards
		answer string // of checks of the topic, the brand and the other brand
	}{
		{url.Values{"action": {"unsubscribe-topic"}, "topic": {"newsletter"}}, "open", "unsubscribed send no-basis"},
		{url.Values{"action": {"unsubscribe-group"}}, "stopped", "unsubscribed unsubscribed unsubscribed"},
		{url.Values{"action": {"resubscribe"}}, "open", "send send no-basis"},
	} {
		if got, err := s.api.post(t.Context(), links[0].URL, step.form); err != nil || got.status != http.StatusOK {
			t.Fatalf("%v: status %d, error %v", step.form, got.status, err)
		}
		if _, state, err := s.open(t.Context(), links[0].URL); err != nil || state != step.state {
			t.Errorf("after %v: the page says %q, want %s; error %v", step.form, state, step.state, err)
		}
		var answers []string
		for _, in := range []scope.Scope{s.stack.Scope + "/newsletter", s.stack.Scope, "globex"} {
			got, err := s.api.check(t.Context(), in, p.contacts()[:1])
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, cmp.Or(got[0].Reason, "send"))
		}
		if got := strings.Join(answers, " "); got != step.answer {
			t.Errorf("after %v: checks say %s, want %s", step.form, got, step.answer)
		}
	}
}

func TestBadLinkIsOnePageAndWritesNothing(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("forged")
	links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	emailToken := links[0].URL[strings.LastIndexByte(links[0].URL, '/')+1:]
	smsToken := links[1].URL[strings.LastIndexByte(links[1].URL, '/')+1:]
	var first string
	for name, path := range map[string]string{
		"truncated": "/e/" + emailToken[:len(emailToken)-1], "flipped": "/e/" + flip(emailToken), "made up": "/e/abc",
		"e-mail token at the SMS door": "/s/" + emailToken, "SMS token at the e-mail door": "/e/" + smsToken,
		"SMS flipped": "/s/" + flip(smsToken), "SMS truncated": "/s/" + smsToken[:22], "SMS made up": "/s/" + strings.Repeat("0", 23),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			req, err := http.NewRequestWithContext(t.Context(), method, s.stack.Links+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.api.do(req)
			if err != nil || got.status != http.StatusNotFound {
				t.Errorf("%s, %s: status %d, error %v", name, method, got.status, err)
			}
			if first == "" {
				first = got.body
			}
			if got.body != first {
				t.Errorf("%s, %s: another page", name, method)
			}
		}
	}
	if err := s.expect(t.Context(), p, true, true); err != nil {
		t.Error(err)
	}
}

// flip returns the token with its middle letter replaced by another.
func flip(token string) string {
	middle, other := len(token)/2, "A"
	if token[middle] == 'A' {
		other = "B"
	}
	return token[:middle] + other + token[middle+1:]
}
