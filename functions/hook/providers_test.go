package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/suppression"
)

// vendor calls the hook of one provider.
type vendor struct {
	t       *testing.T
	hook    hook.Hook
	private *ecdsa.PrivateKey // SendGrid's
}

// newVendor is the vendor whose hook a world has for acme.
func newVendor(t *testing.T, w *world, provider string) vendor {
	t.Helper()
	v := vendor{t: t, hook: hook.Hook{Provider: provider, Scope: "acme", Credential: hook.Credential{Secret: secret}}}
	switch provider {
	case "sendgrid":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		v.private, v.hook.Secret = private, base64.StdEncoding.EncodeToString(public)
	case "standard":
		v.hook.Secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("24 bytes of a secret key"))
	}
	v.hook.URL = "https://tools/in/" + provider + "/acme?key=" + url.QueryEscape(v.hook.Secret)
	w.hooks = hook.Registry{v.hook}
	return v
}

// says is a call about an opt-out of nobody at a time.
func (v vendor) says(id string, at time.Time) gateway.Request {
	v.t.Helper()
	sample, err := v.hook.Sample(id, at)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.signed(call(http.MethodPost, "/in/"+v.hook.Provider+"/acme", "key="+url.QueryEscape(v.hook.Secret), string(sample.Body)), sample.Header)
}

// signed is the call with its headers, and with SendGrid's signature.
func (v vendor) signed(req gateway.Request, headers map[string]string) gateway.Request {
	v.t.Helper()
	req.Headers = headers
	if v.private == nil {
		return req
	}
	digest := sha256.Sum256([]byte("1600112502" + req.Body))
	signature, err := ecdsa.SignASN1(rand.Reader, v.private, digest[:])
	if err != nil {
		v.t.Fatal(err)
	}
	req.Headers = map[string]string{
		"x-twilio-email-event-webhook-signature": base64.StdEncoding.EncodeToString(signature), "x-twilio-email-event-webhook-timestamp": "1600112502",
	}
	return req
}

// nobody's key and mark in acme.
func (v vendor) mark(w *world) suppression.Mark {
	v.t.Helper()
	sample, err := v.hook.Sample("x", w.Now)
	if err != nil {
		v.t.Fatal(err)
	}
	keys, err := w.Contacts.Keys(sample.Contact)
	if err != nil {
		v.t.Fatal(err)
	}
	reason := map[contact.Channel]suppression.Reason{contact.Email: suppression.Unsubscribed, contact.SMS: suppression.Stop}[sample.Contact.Channel()]
	item, err := w.Get(v.t.Context(), keys)
	if err != nil {
		v.t.Fatal(err)
	}
	return item.Marks["acme"][reason]
}

func TestProvidersCallsInAnyOrderAreOneSilence(t *testing.T) {
	for _, provider := range hook.Providers() {
		t.Run(provider, func(t *testing.T) {
			var first suppression.Mark
			for n, order := range []string{"ab", "ba", "aab", "bab", "abab", "bbaa"} {
				w, h := newWorld(t)
				v := newVendor(t, w, provider)
				calls := map[rune]gateway.Request{'a': v.says("a", w.Now.Add(-4*time.Minute)), 'b': v.says("b", w.Now)}
				for _, event := range order {
					if got := status(t, h, calls[event]); got != 200 {
						t.Fatalf("%s: status %d", order, got)
					}
				}
				got := v.mark(w)
				got.Words = nil
				if n == 0 {
					first = got
				}
				if diff := cmp.Diff(first, got); diff != "" || !got.Active() || !got.Last.Equal(w.Now) {
					t.Errorf("%s: last %s (-want +got)\n%s", order, got.Last, diff)
				}
			}
		})
	}
}

func TestEveryProvidersFaultyCallStoresNothing(t *testing.T) {
	for _, provider := range hook.Providers() {
		t.Run(provider, func(t *testing.T) {
			w, h := newWorld(t)
			v := newVendor(t, w, provider)
			genuine := v.says("a", w.Now)
			large := genuine
			large.Body += strings.Repeat(" ", api.MaxBody)
			if got := status(t, h, large); got != http.StatusRequestEntityTooLarge {
				t.Errorf("over 1 MB: status %d", got)
			}
			newVendor(t, w, provider)
			if provider != "sendgrid" { // whose new vendor has another key
				w.hooks[0].Secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("24 bytes of another key."))
			}
			if got := status(t, h, genuine); got != http.StatusUnauthorized {
				t.Errorf("proven by another secret: status %d", got)
			}
			w.hooks = nil
			if got := status(t, h, genuine); got != http.StatusNotFound {
				t.Errorf("of a hook that was removed: status %d", got)
			}
			if len(w.Entries())+len(w.unread)+len(w.queued) != 0 {
				t.Errorf("%d entries are stored, %d unread", len(w.Entries()), len(w.unread))
			}
		})
	}
}

func TestTenThousandEventsOfACallAreStored(t *testing.T) {
	for provider, form := range map[string]string{
		"sendgrid": `{"event":"unsubscribe","email":"p%d@example.no","timestamp":%d}`,
		"brevo":    `{"event":"unsubscribed","email":"p%d@example.no","ts_event":%d}`,
	} {
		t.Run(provider, func(t *testing.T) {
			w, h := newWorld(t)
			v := newVendor(t, w, provider)
			events := make([]string, 10_000)
			for n := range events {
				events[n] = fmt.Sprintf(form, n, 1763625600+n)
			}
			slices.Reverse(events)
			body := "[" + strings.Join(events, ",") + "]"
			req := v.signed(call(http.MethodPost, "/in/"+provider+"/acme", "key="+url.QueryEscape(v.hook.Secret), body), nil)
			if got := status(t, h, req); got != 200 || len(w.Entries()) != len(events) {
				t.Errorf("status %d, %d stored", got, len(w.Entries()))
			}
		})
	}
}
