package unsubscribe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/names"
)

// answered is what a request came to.
type answered struct {
	Status       int
	Body         string // its type, "" for none
	Allow, Retry bool
	Stored, Wait int
}

const page, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"

// TestEveryMethodHasItsAnswer is the table of what a link answers, for every
// method, to a link of ours and to another, with a store and without.
func TestEveryMethodHasItsAnswer(t *testing.T) {
	other := answered{Status: 405, Allow: true}
	options := answered{Status: 204, Allow: true}
	unknown := answered{Status: 404, Body: page}
	cases := []struct {
		method              string
		valid, bad, noStore answered // to a link of ours, to another, to one of ours without a store
	}{
		{"GET", answered{Status: 200, Body: page}, unknown, answered{Status: 200, Body: page}},
		{"HEAD", answered{Status: 200}, answered{Status: 404}, answered{Status: 200}},
		{"POST", answered{Status: 200, Body: page, Stored: 1}, unknown, answered{Status: 503, Body: page, Retry: true, Wait: 1}},
		{"OPTIONS", options, options, options},
		{"PUT", other, other, other},
		{"PATCH", other, other, other},
		{"DELETE", other, other, other},
		{"TRACE", other, other, other},
		{"CONNECT", other, other, other},
		{"post", other, other, other},
		{"", other, other, other},
	}
	bad := map[contact.Channel]string{contact.Email: "/e/x", contact.SMS: "/s/x"}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s %q", ch, c.method), func(t *testing.T) {
				for _, row := range []struct {
					ours, store bool
					want        answered
				}{{true, true, c.valid}, {false, true, c.bad}, {true, false, c.noStore}, {false, false, c.bad}} {
					w := newWorld(t)
					path := bad[ch]
					if row.ours {
						path = w.path(t, ch, acmeID)
					}
					if !row.store {
						w.listErr, w.contactErr = errDown, errDown
					}
					req := form(path, "unsubscribe")
					req.RequestContext.HTTP.Method = c.method
					if diff := cmp.Diff(row.want, w.answer(t, req)); diff != "" {
						t.Errorf("a link of ours: %v, a store: %v: %s", row.ours, row.store, diff)
					}
				}
			})
		}
	}
}

// answer sends a request and sums up what came of it.
func (w *world) answer(t *testing.T, req gateway.Request) answered {
	t.Helper()
	resp := w.send(t, req)
	w.noLeak(t, resp)
	got := answered{
		Status: resp.StatusCode, Allow: resp.Headers["allow"] != "", Retry: resp.Headers["retry-after"] != "",
		Stored: len(w.list.Items()), Wait: len(w.messages),
	}
	if resp.Body != "" {
		got.Body = resp.Headers["content-type"]
	}
	return got
}

func TestABadLinksPageFollowsTheReader(t *testing.T) {
	w := newWorld(t)
	email, sms := w.path(t, contact.Email, acmeID), w.path(t, contact.SMS, acmeID)
	bad := []string{
		"/e/x", "/s/x", "/e/", "/s/", "/", "", "/e/" + sms[3:], "/s/" + email[3:], email[:len(email)-1], sms[:len(sms)-1],
		email + "A", sms + "0", newWorld(t).path(t, contact.Email, acmeID), "/s/" + strings.Repeat("0", 23), "/e/" + strings.Repeat("A", 9000),
	}
	readers := map[string]func(*gateway.Request){
		"Norwegian by header":      func(r *gateway.Request) { r.Headers["accept-language"] = "nb" },
		"Norwegian by query":       func(r *gateway.Request) { r.RawQueryString = "lang=nb" },
		"a language we have not":   func(r *gateway.Request) { r.Headers["accept-language"] = "zh" },
		"a header that is garbage": func(r *gateway.Request) { r.Headers["accept-language"] = ";;;q=,\x00" },
	}
	for name, reader := range readers {
		ask := func(method, path string) gateway.Response {
			req := request(method, path)
			reader(&req)
			return w.send(t, req)
		}
		want := ask("GET", "/e/x")
		if nb := strings.HasPrefix(name, "Norwegian"); want.StatusCode != 404 || (want.Headers["content-language"] == "nb") != nb {
			t.Errorf("%s: status %d in %s", name, want.StatusCode, want.Headers["content-language"])
		}
		for i, path := range bad {
			for _, method := range []string{"GET", "POST"} {
				if diff := cmp.Diff(want, ask(method, path)); diff != "" {
					t.Errorf("%s, %s of bad link %d: another answer", name, method, i)
				}
			}
		}
	}
}

// secrets hold the keys of one stack and count how often they are read.
type secrets struct {
	values map[string]string
	reads  map[string]int
}

func (s *secrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	s.reads[*in.SecretId]++
	value := s.values[*in.SecretId]
	return &secretsmanager.GetSecretValueOutput{SecretString: &value}, nil
}

// Canaries are none: these links are never stored.
func (w *world) Canaries(context.Context) (map[string]string, error) { return nil, w.listErr }

// Anybody can make up a token of a key that nobody has.
func TestUnknownTokensAtOnceReadTheSecretOnce(t *testing.T) {
	const stack names.Stack = "unit"
	w := newWorld(t)
	secret, err := keyring.NewLinkSecret()
	must(t, err)
	store := &secrets{values: map[string]string{stack.LinkKeys(): secret}, reads: map[string]int{}}
	for ch, h := range w.handlers {
		h.Keys = keyring.NewRing(store, stack, w, h.Now)
		w.handlers[ch] = h
	}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		path := w.path(t, ch, acmeID) // minted with other keys
		if ch == contact.SMS {
			path = "/s/z" + path[4:] // the 62nd key
		}
		clear(store.reads)
		for range 50 {
			for _, method := range []string{"GET", "POST", "HEAD"} {
				if got := w.send(t, request(method, path)).StatusCode; got != 404 {
					t.Fatalf("%s: status %d", ch, got)
				}
			}
		}
		if diff := cmp.Diff(map[string]int{stack.LinkKeys(): 1}, store.reads); diff != "" {
			t.Errorf("%s: %s", ch, diff)
		}
	}
}

// A forged token came in a second before the keys were rotated.
func TestLinkOfANewKeyIsAlwaysFound(t *testing.T) {
	const stack names.Stack = "unit"
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		for _, flood := range []int{1, 1000} {
			w := newWorld(t)
			secret, err := keyring.NewLinkSecret()
			must(t, err)
			store := &secrets{values: map[string]string{stack.LinkKeys(): secret}, reads: map[string]int{}}
			h := w.handlers[ch]
			h.Keys = ring{keyring.NewRing(store, stack, w, h.Now), w}
			w.handlers[ch] = h
			forged := newWorld(t).path(t, ch, acmeID)
			if ch == contact.SMS {
				forged = "/s/1" + forged[4:] // the key that comes next
			}
			for n := range flood {
				w.now = w.now.Add(time.Millisecond)
				if got := w.send(t, oneClick(forged)).StatusCode; got != 404 && (got != 503 || n < 20) {
					t.Fatalf("%s: forged token %d: status %d", ch, n, got)
				}
			}
			w.now = w.now.Add(time.Second)
			links, err := keyring.OpenLinks(secret, w.now)
			must(t, err)
			links, _, _, err = links.Rotate(w.now)
			must(t, err)
			store.values[stack.LinkKeys()], err = links.Secret()
			must(t, err)
			w.freshLinkKeys, err = keyring.ParseLink(store.values[stack.LinkKeys()])
			must(t, err)
			if got := w.send(t, oneClick(w.path(t, ch, acmeID))).StatusCode; got != 200 || !w.stopped(t, ch, "acme") {
				t.Errorf("%s, after %d forged tokens: status %d", ch, flood, got)
			}
		}
	}
}

// ring has the link keys of a real ring and the contact keys of the world.
type ring struct {
	*keyring.Ring
	world *world
}

func (r ring) Contact(ctx context.Context) (*contact.KeySet, error) { return r.world.Contact(ctx) }

// A link never expires: keys are added, and the old ones stay.
func TestALinkOfAnOldKeyOptsOut(t *testing.T) {
	secret, err := keyring.NewLinkSecret()
	must(t, err)
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		w := newWorld(t)
		w.linkKeys, err = keyring.ParseLink(secret)
		must(t, err)
		w.freshLinkKeys = w.linkKeys
		old := w.path(t, ch, acmeID)
		links, err := keyring.OpenLinks(secret, w.now)
		must(t, err)
		links, _, _, err = links.Rotate(w.now)
		must(t, err)
		grown, err := links.Secret()
		must(t, err)
		w.linkKeys, err = keyring.ParseLink(grown)
		must(t, err)
		w.freshLinkKeys = w.linkKeys
		if w.path(t, ch, acmeID) == old {
			t.Fatal("new links are minted with the old key")
		}
		if got := w.send(t, oneClick(old)).StatusCode; got != 200 || !w.stopped(t, ch, "acme") || w.refreshes > 0 {
			t.Errorf("%s: status %d after %d refreshes", ch, got, w.refreshes)
		}
	}
}
