package hook_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // Twilio signs with HMAC-SHA1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/feedback/hook"
)

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

const (
	address = "https://tools.example/in/p/acme"
	secret  = "a-secret-of-the-vendor"
	whsec   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

func mac(of func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(of, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// vendor signs a body as the provider does.
type vendor struct {
	secret string
	sign   func(body string) hook.Request
}

func withKey(body string) hook.Request {
	return hook.Request{URL: address + "?key=" + secret, Query: url.Values{"key": {secret}}, Body: []byte(body)}
}

func vendors(t testing.TB) map[string]vendor {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(body string, header map[string]string) hook.Request {
		return hook.Request{URL: address, Header: header, Body: []byte(body)}
	}
	return map[string]vendor{
		"sendgrid": {b64(der), func(body string) hook.Request {
			digest := sha256.Sum256([]byte("1600112502" + body))
			signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
			if err != nil {
				t.Fatal(err)
			}
			return signed(body, map[string]string{"x-twilio-email-event-webhook-signature": b64(signature), "x-twilio-email-event-webhook-timestamp": "1600112502"})
		}},
		"mailgun": {secret, func(body string) hook.Request {
			s := hex.EncodeToString(mac(sha256.New, []byte(secret), "1529006854a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"))
			return signed(fmt.Sprintf(`{"signature":{"timestamp":"1529006854","token":"a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0","signature":%q},%s`, s, strings.TrimPrefix(body, "{")), nil)
		}},
		"postmark": {secret, withKey},
		"brevo": {secret, func(body string) hook.Request {
			return signed(body, map[string]string{"authorization": "Bearer " + secret})
		}},
		"mailchimp": {secret, withKey},
		"twilio": {secret, func(body string) hook.Request {
			form, err := url.ParseQuery(body)
			if err != nil {
				return signed(body, nil)
			}
			text := address
			for _, name := range slices.Sorted(maps.Keys(form)) {
				text += name + form.Get(name)
			}
			return signed(body, map[string]string{"x-twilio-signature": b64(mac(sha1.New, []byte(secret), text))})
		}},
		"sinch": {secret, func(body string) hook.Request {
			return signed(body, map[string]string{
				"x-sinch-webhook-signature":           b64(mac(sha256.New, []byte(secret), body+".01FJA8B4A7BM43YGWSG9GBV067.1634579353")),
				"x-sinch-webhook-signature-nonce":     "01FJA8B4A7BM43YGWSG9GBV067",
				"x-sinch-webhook-signature-timestamp": "1634579353",
			})
		}},
		"standard": {whsec, func(body string) hook.Request { return standard(body, now, "v0,x %s") }},
	}
}

// standard signs a body at a time. The form holds the signature among others.
func standard(body string, at time.Time, form string) hook.Request {
	stamp := strconv.FormatInt(at.Unix(), 10)
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(whsec, "whsec_"))
	return hook.Request{URL: address, Body: []byte(body), Header: map[string]string{
		"webhook-id": "msg_1", "webhook-timestamp": stamp,
		"webhook-signature": fmt.Sprintf(form, "v1,"+b64(mac(sha256.New, key, "msg_1."+stamp+"."+body))),
	}}
}

func find(t testing.TB, name string) hook.Provider {
	t.Helper()
	p, err := hook.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told lists what a report changes, each as "address: action reason at time by source".
func told(r hook.Report) []string {
	var lines []string
	for _, s := range r.Said {
		for _, c := range s.Changes {
			line := fmt.Sprintf("%s: %s %s at %s by %s in %s", s.Contact.Address(), c.Action, c.Reason, c.At.Format(time.RFC3339), c.Source, c.Scope)
			if s.ID != "" {
				line += ", id " + s.ID
			}
			lines = append(lines, line)
		}
	}
	return lines
}

const (
	kari = "kari@example.no: suppress "
	sms  = "+4791234567: suppress stop at "
	tail = " in acme"
)

func TestOptOutsOfEachProviderAreRead(t *testing.T) {
	by := vendors(t)
	for _, test := range []struct {
		provider, body      string
		want                []string
		counted, unreadable int
	}{
		{"sendgrid", `[{"email":"Kari@Example.no","timestamp":1763625600,"event":"unsubscribe"},
			{"email":"kari@example.no","timestamp":1763625600,"event":"group_unsubscribe","asm_group_id":10},
			{"email":"kari@example.no","timestamp":1763625600,"event":"spamreport"},
			{"email":"kari@example.no","timestamp":1763625600,"event":"bounce","type":"bounce"},
			{"email":"kari@example.no","timestamp":1763625600,"event":"bounce","type":7},
			{"email":"kari@example.no","timestamp":1763625600,"event":"bounce","type":"blocked"},
			{"email":"kari@example.no","timestamp":1763625600,"event":"dropped"},
			{"event":"something-new"}, 7, null, {"event":"unsubscribe","email":"nobody"},
			{"email":"kari@example.no","event":"unsubscribe","timestamp":"soon"}]`, []string{
			kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:sendgrid" + tail,
			kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:sendgrid" + tail,
			kari + "complaint at 2025-11-20T08:00:00Z by hook:sendgrid" + tail,
			kari + "hard-bounce at 2025-11-20T08:00:00Z by hook:sendgrid" + tail,
			kari + "hard-bounce at 2025-11-20T08:00:00Z by hook:sendgrid" + tail,
			kari + "unsubscribed at 2026-11-22T03:00:00Z by hook:sendgrid" + tail,
		}, 3, 3},
		{"mailgun", `{"event-data":{"event":"unsubscribed","recipient":"kari@example.no","timestamp":1763625600.5}}`, []string{kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:mailgun" + tail}, 0, 0},
		{"mailgun", `{"event-data":{"event":"complained","recipient":"kari@example.no","timestamp":1763625600}}`, []string{kari + "complaint at 2025-11-20T08:00:00Z by hook:mailgun" + tail}, 0, 0},
		{"mailgun", `{"event-data":{"event":"failed","severity":"permanent","recipient":"kari@example.no","timestamp":1763625600}}`, []string{kari + "hard-bounce at 2025-11-20T08:00:00Z by hook:mailgun" + tail}, 0, 0},
		{"mailgun", `{"event-data":{"event":"failed","severity":"permanent","reason":"suppress-unsubscribe","recipient":"kari@example.no","timestamp":1763625600}}`, []string{kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:mailgun" + tail}, 0, 0},
		{"mailgun", `{"event-data":{"event":"failed","severity":"permanent","reason":"suppress-complaint","recipient":"kari@example.no","timestamp":1763625600}}`, []string{kari + "complaint at 2025-11-20T08:00:00Z by hook:mailgun" + tail}, 0, 0},
		{"mailgun", `{"event-data":{"event":"failed","severity":"temporary","recipient":"kari@example.no"}}`, nil, 1, 0},
		{"postmark", `{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":true,"SuppressionReason":"ManualSuppression","ChangedAt":"2025-11-20T09:00:00.416071+01:00"}`, []string{kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:postmark" + tail}, 0, 0},
		{"postmark", `{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":true,"SuppressionReason":"SpamComplaint","ChangedAt":"2025-11-20T08:00:00Z"}`, []string{kari + "complaint at 2025-11-20T08:00:00Z by hook:postmark" + tail}, 0, 0},
		{"postmark", `{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":true,"SuppressionReason":"HardBounce","ChangedAt":"2025-11-20T08:00:00Z"}`, []string{kari + "hard-bounce at 2025-11-20T08:00:00Z by hook:postmark" + tail}, 0, 0},
		{"postmark", `{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":true,"SuppressionReason":null}`, []string{kari + "unsubscribed at 2026-11-22T03:00:00Z by hook:postmark" + tail}, 0, 0},
		{"postmark", `{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":false}`, nil, 1, 0},
		{"postmark", `[{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":"true","ChangedAt":1763625600},
			{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":1,"ChangedAt":"1763625600000"},
			{"RecordType":"SubscriptionChange","Recipient":"kari@example.no","SuppressSending":"false"}]`, []string{
			kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:postmark" + tail,
			kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:postmark" + tail,
		}, 1, 0},
		{"postmark", `{"RecordType":"SpamComplaint","Email":"kari@example.no","BouncedAt":"2025-11-20T08:00:00Z"}`, []string{kari + "complaint at 2025-11-20T08:00:00Z by hook:postmark" + tail}, 0, 0},
		{"postmark", `{"RecordType":"Bounce","Type":"HardBounce","Email":"kari@example.no","BouncedAt":"2025-11-20T08:00:00Z"}`, []string{kari + "hard-bounce at 2025-11-20T08:00:00Z by hook:postmark" + tail}, 0, 0},
		{"postmark", `{"RecordType":"Bounce","Type":"SoftBounce","Email":"kari@example.no"}`, nil, 1, 0},
		{"postmark", `{"RecordType":"Delivery","Recipient":"kari@example.no"}`, nil, 1, 0},
		{"brevo", `[{"event":"unsubscribed","email":"kari@example.no","ts_event":1763625600},{"event":"spam","email":"kari@example.no","ts_epoch":1763625600000},{"event":"complaint","email":"kari@example.no","ts":1763625600},{"event":"opened","email":"kari@example.no"}]`, []string{
			kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:brevo" + tail,
			kari + "complaint at 2025-11-20T08:00:00Z by hook:brevo" + tail,
			kari + "complaint at 2025-11-20T08:00:00Z by hook:brevo" + tail,
		}, 1, 0},
		{"brevo", ` {"event":"hard_bounce","email":"kari@example.no","ts_event":4102444800}`, []string{kari + "hard-bounce at 2026-11-22T03:00:00Z by hook:brevo" + tail}, 0, 0},
		{"mailchimp", "type=unsubscribe&fired_at=2025-11-20+08%3A00%3A00&data%5Bemail%5D=kari%40example.no", []string{kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:mailchimp" + tail}, 0, 0},
		{"mailchimp", "type=cleaned&fired_at=2025-11-20+08%3A00%3A00&data[email]=kari@example.no&data[reason]=hard", []string{kari + "hard-bounce at 2025-11-20T08:00:00Z by hook:mailchimp" + tail}, 0, 0},
		{"mailchimp", "type=cleaned&data[email]=kari@example.no&data[reason]=abuse", []string{kari + "complaint at 2026-11-22T03:00:00Z by hook:mailchimp" + tail}, 0, 0},
		{"mailchimp", "type=unsubscribe&fired_at=2025-11-20+08%3A00%3A00&data[email]=kari@example.no&data[action]=delete&data[reason]=abuse", []string{kari + "complaint at 2025-11-20T08:00:00Z by hook:mailchimp" + tail}, 0, 0},
		{"mailchimp", "type=unsubscribe&fired_at=2025-11-20+08%3A00%3A00&data[email]=+kari+news@example.no%0A", []string{"kari+news@example.no: suppress unsubscribed at 2025-11-20T08:00:00Z by hook:mailchimp" + tail}, 0, 0},
		{"mailchimp", "type=unsubscribe&data[email]=kari@example.no+ola@example.no", nil, 0, 1},
		{"mailchimp", "type=subscribe&data[email]=kari@example.no", nil, 1, 0},
		{"mailchimp", "type=unsubscribe", nil, 0, 1},
		{"twilio", "From=%2B4791234567&To=%2B4759440000&Body=whatever&OptOutType=STOP&MessageSid=SM1", []string{sms + "2026-11-22T03:00:00Z by hook:twilio" + tail + ", id SM1"}, 0, 0},
		{"twilio", "From=%2B4791234567&Body=Meld+meg+av&MessageSid=SM1", []string{sms + "2026-11-22T03:00:00Z by hook:twilio" + tail + ", id SM1"}, 0, 0},
		{"twilio", "From=%2B4791234567&Body=START&MessageSid=SM1", []string{
			"+4791234567: release stop at 2026-11-22T03:00:00Z by hook:twilio in acme, id SM1",
			"+4791234567: release unsubscribed at 2026-11-22T03:00:00Z by hook:twilio in acme, id SM1",
		}, 0, 0},
		{"twilio", "From=%2B4791234567&Body=START", nil, 1, 0},
		{"twilio", "From=%2B4791234567&Body=YES&OptOutType=START&MessageSid=SM1", nil, 1, 0},
		{"twilio", "From=%2B4791234567&Body=stop&OptOutType=START&MessageSid=SM1", []string{sms + "2026-11-22T03:00:00Z by hook:twilio" + tail + ", id SM1"}, 0, 0},
		{"twilio", "From=%2B4791234567&Body=stop&OptOutType=HELP&MessageSid=SM1", []string{sms + "2026-11-22T03:00:00Z by hook:twilio" + tail + ", id SM1"}, 0, 0},
		{"twilio", "From=%2B4791234567&Body=See+you+at+the+shop", nil, 1, 0},
		{"twilio", "From=whatsapp%3A%2B4791234567&Body=STOP", nil, 0, 1},
		{"sinch", `{"event_time":"2025-11-20T08:00:00.5Z","opt_out_notification":{"channel":"SMS","identity":"4791234567","status":"OPT_OUT_SUCCEEDED"}}`, []string{sms + "2025-11-20T08:00:00Z by hook:sinch" + tail}, 0, 0},
		{"sinch", `{"message":{"id":"1","accept_time":"2025-11-20T08:00:00Z","channel_identity":{"channel":"SMS","identity":"4791234567"},"contact_message":{"text_message":{"text":"Stopp!"}}}}`, []string{sms + "2025-11-20T08:00:00Z by hook:sinch" + tail}, 0, 0},
		{"sinch", `{"type":"mo_text","id":"1","from":"4791234567","body":"STOP","received_at":"2025-11-20T08:00:00.000Z"}`, []string{sms + "2025-11-20T08:00:00Z by hook:sinch" + tail}, 0, 0},
		{"sinch", `{"type":"mo_media","id":"1","from":"4791234567","body":{"subject":"","message":"STOP","media":[]},"received_at":"2025-11-20T08:00:00Z"}`, []string{sms + "2025-11-20T08:00:00Z by hook:sinch" + tail}, 0, 0},
		{"sinch", `{"event_time":"2025-11-20T08:00:00Z","opt_out_notification":{"channel":"MMS","identity":"4791234567"}}`, []string{sms + "2025-11-20T08:00:00Z by hook:sinch" + tail}, 0, 0},
		{"sinch", `{"type":"mo_text","id":"1","from":"4791234567","body":"start"}`, nil, 1, 0},
		{"sinch", `{"event_time":"2025-11-20T08:00:00Z","opt_out_notification":{"channel":"WHATSAPP","identity":"4791234567"}}`, nil, 1, 0},
		{"standard", `{"type":"contact.unsubscribed","timestamp":"2025-11-20T08:00:00Z","data":{"channel":"email","address":"kari@example.no"}}`, []string{kari + "unsubscribed at 2025-11-20T08:00:00Z by hook:standard" + tail}, 0, 0},
		{"standard", `{"type":"contact.unsubscribed","timestamp":"2025-11-20T08:00:00Z","data":{"channel":"email","address":"kari@example.no","reason":"objection"}}`, []string{kari + "objection at 2025-11-20T08:00:00Z by hook:standard" + tail}, 0, 0},
		{"standard", `{"type":"contact.unsubscribed","timestamp":"2025-11-20T08:00:00Z","data":{"channel":"sms","address":"+47 912 34 567","reason":"a-new-one"}}`, []string{"+4791234567: suppress unsubscribed at 2025-11-20T08:00:00Z by hook:standard" + tail}, 0, 0},
		{"standard", `{"type":"contact.unsubscribed","data":{"channel":"fax","address":"kari@example.no"}}`, nil, 0, 1},
		{"standard", `{"type":"contact.subscribed","data":{"channel":"email","address":"kari@example.no"}}`, nil, 1, 0},
	} {
		t.Run(test.provider, func(t *testing.T) {
			p, v := find(t, test.provider), by[test.provider]
			req := v.sign(test.body)
			if !p.Proves(req, []string{"another-secret", v.secret}, now) {
				t.Fatal("the call is refused")
			}
			got, err := p.Read(req, "acme", now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, told(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.Counted != test.counted || len(got.Unreadable) != test.unreadable {
				t.Errorf("%d counted and %d unreadable, want %d and %d", got.Counted, len(got.Unreadable), test.counted, test.unreadable)
			}
		})
	}
}

func TestCallsWithoutProofAreRefused(t *testing.T) {
	bodies := map[string]string{"mailchimp": "type=unsubscribe", "twilio": "From=%2B4791234567&Body=STOP"}
	for name, v := range vendors(t) {
		t.Run(name, func(t *testing.T) {
			body := bodies[name]
			if body == "" {
				body = `{"event":"unsubscribe"}`
			}
			p, good := find(t, name), v.sign(body)
			if !p.Proves(good, []string{v.secret}, now) {
				t.Fatal("the vendor's own call is refused")
			}
			for _, secrets := range [][]string{nil, {""}, {"another-secret-of-somebody"}} {
				if p.Proves(good, secrets, now) {
					t.Errorf("it is taken with %d other secrets", len(secrets))
				}
			}
			if p.Proves(hook.Request{URL: good.URL, Body: good.Body}, []string{v.secret}, now) && name != "mailgun" {
				t.Error("it is taken without a proof")
			}
			changed := good
			changed.Body = bytes.Replace(good.Body, []byte("u"), []byte("v"), 1)
			if name == "twilio" {
				changed.Body = bytes.Replace(good.Body, []byte("STOP"), []byte("STOQ"), 1)
			}
			if name == "mailgun" {
				changed.Body = bytes.Replace(good.Body, []byte("1529006854"), []byte("1529006855"), 1)
			}
			if p.Signed && p.Proves(changed, []string{v.secret}, now) {
				t.Error("a changed body is taken")
			}
		})
	}
}

// The vendors' own examples: Standard Webhooks' and Twilio's documentation and
// SendGrid's library.
func TestVendorsOwnSignaturesAreAccepted(t *testing.T) {
	for _, test := range []struct {
		provider, secret string
		at               time.Time
		req              hook.Request
	}{
		{"standard", whsec, time.Unix(1614265330, 0), hook.Request{Body: []byte(`{"test": 2432232314}`), Header: map[string]string{
			"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		}}},
		{"twilio", "12345", now, hook.Request{
			URL:    "https://mycompany.com/myapp.php?foo=1&bar=2",
			Body:   []byte("CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309"),
			Header: map[string]string{"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		}},
		{"sendgrid", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==", now, hook.Request{
			Body: []byte(`[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]` + "\r\n"),
			Header: map[string]string{
				"x-twilio-email-event-webhook-signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
				"x-twilio-email-event-webhook-timestamp": "1600112502",
			},
		}},
	} {
		t.Run(test.provider, func(t *testing.T) {
			if !find(t, test.provider).Proves(test.req, []string{test.secret}, test.at) {
				t.Error("the vendor's example is refused")
			}
		})
	}
}

func TestStandardSignatureHasAnAge(t *testing.T) {
	const body = `{"type":"contact.unsubscribed"}`
	p := find(t, "standard")
	for _, test := range []struct {
		off  time.Duration
		form string
		want bool
	}{
		{0, "%s", true}, {-5 * time.Minute, "%s", true}, {5 * time.Minute, "v1,AAAA %s", true},
		{-5*time.Minute - time.Second, "%s", false}, {5*time.Minute + time.Second, "%s", false}, {0, "v1a,%s", false},
	} {
		if got := p.Proves(standard(body, now.Add(test.off), test.form), []string{whsec}, now); got != test.want {
			t.Errorf("%s off, as %q: %v", test.off, test.form, got)
		}
	}
	for _, at := range []time.Time{now, now.AddDate(1, 0, 0)} {
		v := vendors(t)["mailgun"]
		if !find(t, "mailgun").Proves(v.sign(`{"event-data":{}}`), []string{v.secret}, at) {
			t.Error("Mailgun repeats for hours: no age is refused")
		}
	}
}

func TestSecretsAreOfTheProvidersForm(t *testing.T) {
	for provider, wrong := range map[string][]string{
		"sendgrid": {"", "a-word", b64([]byte("not a public one"))}, "standard": {"", "whsec", "whsec_AAAA", strings.TrimPrefix(whsec, "whsec_")},
		"twilio": {"", "two words", strings.Repeat("x", 513)},
	} {
		for _, secret := range wrong {
			err := find(t, provider).CheckSecret(secret)
			if !errors.Is(err, hook.ErrSecret) || len(secret) > len("whsec") && strings.Contains(err.Error(), secret) {
				t.Errorf("%s takes a wrong secret, or shows it: %v", provider, err)
			}
		}
	}
	for name, v := range vendors(t) {
		if err := find(t, name).CheckSecret(v.secret); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := hook.Find("fax"); !errors.Is(err, hook.ErrUnknownProvider) || !strings.Contains(err.Error(), "sendgrid, mailgun") {
		t.Errorf("error %v", err)
	}
}

func TestTenThousandEventsAreReadInOneCall(t *testing.T) {
	events := make([]string, 10_000)
	for i := range events {
		events[i] = fmt.Sprintf(`{"email":"p%d@example.no","event":"unsubscribe","timestamp":%d}`, i, 1763625600+i)
	}
	got, err := find(t, "sendgrid").Read(hook.Request{Body: []byte("[" + strings.Join(events, ",") + "]")}, "acme", now)
	if err != nil || len(got.Said) != len(events) || len(got.Unreadable) != 0 {
		t.Errorf("%d events, %d unreadable, error %v", len(got.Said), len(got.Unreadable), err)
	}
}

// A provider may send events and fields that nobody has heard of. They are no
// opt-outs and hide none.
func TestUnknownEventsOfEachProviderAreCounted(t *testing.T) {
	for provider, body := range map[string]string{
		"sendgrid":  `[{"event":"new","email":"kari@example.no"},{"event":{"of":"another form"}},{}]`,
		"mailgun":   `{"event-data":{"event":"new","recipient":"kari@example.no"}}`,
		"postmark":  `{"RecordType":"New","Recipient":"kari@example.no","SuppressSending":true}`,
		"brevo":     `[{"event":"new","email":"kari@example.no"},{"event":7},{}]`,
		"mailchimp": "type=new&data[email]=kari@example.no",
		"twilio":    "EventType=new&From=%2B4791234567",
		"sinch":     `{"new_notification":{"identity":"4791234567"},"event_time":7}`,
		"standard":  `{"type":"contact.new","data":{"channel":"email","address":"kari@example.no"}}`,
	} {
		got, err := find(t, provider).Read(hook.Request{Body: []byte(body)}, "acme", now)
		if err != nil || len(got.Said) != 0 || got.Counted == 0 || len(got.Unreadable) != 0 {
			t.Errorf("%s: %d changes, %d counted, %d unreadable, error %v", provider, len(got.Said), got.Counted, len(got.Unreadable), err)
		}
	}
}
