package webhook_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/webhook"
)

var now = time.Date(2026, 11, 22, 3, 0, 0, 500, time.UTC)

const receiver = "https://crm.acme.example/stille"

func added(in scope.Scope, secret string) webhook.Webhook {
	return webhook.Webhook{URL: receiver, Scope: in, AddedAt: now, Credential: hook.Credential{Secret: secret}}
}

func entry() ledger.Entry {
	return ledger.Entry{
		ID: "entry-1", Key: "kari", Version: 3, Channel: contact.Email, Action: ledger.Suppressed, Scope: "acme",
		Reason: "unsubscribed", Source: "one-click", At: now.Add(-time.Second), RecordedAt: now,
	}
}

func TestAWebhookHearsWhatTouchesItsScope(t *testing.T) {
	for _, test := range []struct {
		webhook, change scope.Scope
		want            bool
	}{
		{"acme", "acme", true}, {"acme", "acme/newsletter", true}, {"acme/newsletter", "acme", true},
		{"acme", "*", true}, {"*", "acme", true}, {"*", "*", true},
		{"acme", "globex", false}, {"acme/newsletter", "acme/offers", false}, {"acme", "globex/newsletter", false},
	} {
		if got := added(test.webhook, "s").Hears(test.change); got != test.want {
			t.Errorf("a webhook of %s hears of %s: %v", test.webhook, test.change, got)
		}
	}
}

func TestAWebhookIsReplacedByURLAndScope(t *testing.T) {
	r := webhook.Registry{}.Add(added("acme", "one"), now).Add(added("globex", "other"), now).Add(added("acme", "two"), now)
	if len(r) != 2 || len(webhook.Find(r, receiver, "")) != 2 || len(webhook.Find(r, receiver, "acme")) != 1 || len(webhook.Find(r, "https://other.example", "")) != 0 {
		t.Fatalf("%d webhooks", len(r))
	}
	id := added("acme", "").ID()
	w, ok := r.ByID(id)
	if diff := cmp.Diff([]string{"two", "one"}, w.Secrets(now.Add(hook.Overlap-1))); !ok || diff != "" {
		t.Error(diff)
	}
	if w, _ = r.Set(added("acme", "three")).ByID(id); len(w.Secrets(now)) != 1 {
		t.Error("the replaced secret signs on")
	}
	if _, ok = r.Remove(id).ByID(id); ok || len(r.Remove(id)) != 1 || len(r) != 2 {
		t.Error("removing takes out another webhook, or none")
	}
	if strings.Contains(id, "acme") || id == added("globex", "").ID() {
		t.Errorf("the id is %s", id)
	}
}

func TestEverySecretSignsAsTheStandardSays(t *testing.T) {
	w := added("acme", webhook.NewSecret())
	w.Credential = w.Replaced(webhook.NewSecret(), now)
	d := webhook.Of(entry(), now)
	body := d.Body("")
	receives, err := hook.Find("standard")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]bool{0: true, hook.Overlap: false} {
		header := map[string]string{}
		for name, value := range d.Headers(w, body, now.Add(at)) {
			header[strings.ToLower(name)] = value
		}
		call := hook.Request{Header: header, Body: body}
		if !receives.Proves(call, []string{w.Secret}, now.Add(at)) {
			t.Error("the newest secret does not prove the call")
		}
		if got := receives.Proves(call, []string{w.Former}, now.Add(at)); got != want {
			t.Errorf("after %s the former secret proves the call: %v", at, got)
		}
		call.Body = append(body, ' ')
		if receives.Proves(call, []string{w.Secret}, now.Add(at)) || header["webhook-id"] != "entry-1" {
			t.Error("another body is proven, or another id")
		}
	}
	if err := receives.CheckSecret(w.Secret); err != nil {
		t.Error(err)
	}
}

func TestABodySaysWhatChanged(t *testing.T) {
	var got, want any
	if err := json.Unmarshal(webhook.Of(entry(), now).Body("kari@example.no"), &got); err != nil {
		t.Fatal(err)
	}
	text := `{"type":"contact.suppressed","timestamp":"2026-11-22T03:00:00.0000005Z","data":{"id":"entry-1","key":"kari","channel":"email",
		"scope":"acme","reason":"unsubscribed","at":"2026-11-22T02:59:59.0000005Z","version":3,"address":"kari@example.no"}}`
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	e := entry()
	e.Action = ledger.Released
	if d := webhook.Of(e, now); d.Event.Type != webhook.Released || strings.Contains(string(d.Body("")), "address") {
		t.Errorf("a release is %s", d.Event.Type)
	}
}

func TestAMessageIsReadBack(t *testing.T) {
	d := webhook.Of(entry(), now)
	d.Webhook, d.Sealed, d.Tries = "id", "sealed", 2
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := webhook.Read(string(text))
	if diff := cmp.Diff(d, got); err != nil || diff != "" {
		t.Errorf("error %v, (-want +got)\n%s", err, diff)
	}
	for _, bad := range []string{"", "{}", "[]", `{"event":{"type":"contact.suppressed"}}`, `{"event":{"type":"t","data":{"id":"i"}}}`} {
		if _, err := webhook.Read(bad); !errors.Is(err, webhook.ErrMalformed) {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func TestADeliveryIsTriedForADay(t *testing.T) {
	d, at, tries := webhook.Of(entry(), now), now, 0
	down := errors.New("down")
	for {
		next, pause, again := d.Again(down, 1, at)
		if !again {
			if next.Reason != "down" || next.Tries != 0 || !next.Since.IsZero() {
				t.Errorf("a dead letter that is retried has no day: %+v", next)
			}
			break
		}
		if pause <= 0 || pause > 15*time.Minute || tries > 200 {
			t.Fatalf("attempt %d pauses for %s", tries, pause)
		}
		d, at = next, at.Add(pause)
		tries++
	}
	if tried := at.Sub(now); tried < 24*time.Hour || tried > 25*time.Hour {
		t.Errorf("tried for %s, %d times", tried, tries)
	}
	for jitter, want := range map[float64]time.Duration{0: 2500 * time.Millisecond, 1: 5 * time.Second} {
		if _, pause, _ := webhook.Of(entry(), now).Again(down, jitter, now); pause != want {
			t.Errorf("the first pause is %s, want %s", pause, want)
		}
	}
}

func TestWithoutTheAddressADeliveryWaitsForIt(t *testing.T) {
	with := added("acme", "s")
	with.WithAddress = true
	sealed := webhook.Of(entry(), now)
	sealed.Sealed = "sealed"
	tool := entry()
	tool.Source = "tool"
	for name, test := range map[string]struct {
		d     webhook.Delivery
		w     webhook.Webhook
		waits bool
	}{
		"a click":                   {webhook.Of(entry(), now), with, true},
		"a click with the address":  {sealed, with, false},
		"a webhook without address": {webhook.Of(entry(), now), added("acme", "s"), false},
		"a tool's report":           {webhook.Of(tool, now), with, false},
	} {
		if to, pause := test.d.To(test.w); pause > 0 != test.waits || to.Webhook != test.w.ID() {
			t.Errorf("%s: waits %s", name, pause)
		}
	}
}

func TestAURLLeadsToThePublicInternet(t *testing.T) {
	for _, test := range []struct {
		url          string
		aws, onLocal bool
	}{
		{receiver, true, true}, {"https://crm.acme.example:8443/a?b=c", true, true}, {"https://1.1.1.1/", true, true}, {"https://[2606:4700::1111]/", true, true},
		{"http://crm.acme.example/", false, false}, {"ftp://crm.acme.example/", false, false}, {"crm.acme.example", false, false}, {"", false, false}, {"https://", false, false},
		{"https://kari:secret@crm.acme.example/", false, false}, {"https://kari@crm.acme.example/", false, false}, {receiver + "#part", false, false},
		{"https://crm.acme.example/a b", false, false}, {"https://crm.acme.example/\n", false, false}, {"https://crm.acme.example/" + strings.Repeat("a", 1024), false, false},
		{"http://127.0.0.1:8080/", false, true}, {"http://localhost:8080/", false, true}, {"http://[::1]:8080/", false, true}, {"https://127.0.0.1/", false, true}, {"https://LOCALHOST/", false, true},
		{"http://10.0.0.1/", false, false}, {"https://10.0.0.1/", false, false}, {"https://169.254.169.254/latest", false, false}, {"https://[::ffff:10.0.0.1]/", false, false},
		{"https://[fd00::1]/", false, false}, {"https://[64:ff9b::a00:1]/", false, false}, {"https://0.0.0.0/", false, false},
	} {
		for local, want := range map[bool]bool{false: test.aws, true: test.onLocal} {
			if err := webhook.CheckURL(test.url, local); (err == nil) != want {
				t.Errorf("%q, local %v: error %v", test.url, local, err)
			}
		}
	}
}

func TestOnlyPublicAddressesAreCalled(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:4700::1111": true, "::ffff:93.184.216.34": true,
		"127.0.0.1": false, "127.1.2.3": false, "::1": false, "0.0.0.0": false, "::": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.0.1": false,
		"169.254.169.254": false, "169.254.100.1": false, "fe80::1": false, "fd00:ec2::254": false, "100.64.0.1": false, "198.18.0.1": false, "192.0.0.1": false,
		"224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::7f00:1": false,
		"2002:7f00:1::": false, "2001:0:7f00:1::": false, "2001:db8::1": false, "ff02::1": false, "100::1": false,
	} {
		ip := netip.MustParseAddr(address)
		if got := webhook.IsPublic(ip); got != want || webhook.MayReach(ip, false) != want {
			t.Errorf("%s is public: %v", address, got)
		}
		if got := webhook.MayReach(ip, true); got != (want || ip.Unmap().IsLoopback()) {
			t.Errorf("the local stack may reach %s: %v", address, got)
		}
	}
}
