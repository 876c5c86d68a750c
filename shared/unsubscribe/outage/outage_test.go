package outage_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

func keySet(t testing.TB) *contact.KeySet {
	t.Helper()
	secret, err := keyring.NewContactSecret()
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyring.ParseContact(secret)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func keyOf(t testing.TB, set *contact.KeySet, address string) contact.Key {
	t.Helper()
	c, err := contact.Normalise(contact.Email, address, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := set.Key(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func optOut(key ...contact.Key) outage.OptOut {
	at := time.Date(2026, 11, 22, 4, 0, 0, 123_456_789, time.FixedZone("CET", 3600))
	return outage.Of(contact.Known{Channel: contact.Email, Keys: key}, suppression.Change{
		Action: suppression.Suppress, Scope: "acme/newsletter", Reason: suppression.Unsubscribed, At: at, Source: suppression.SourceOneClick,
	})
}

func written(t testing.TB, o outage.OptOut) string {
	t.Helper()
	message, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(message)
}

func TestAQueuedOptOutIsReadBack(t *testing.T) {
	set := keySet(t)
	want := optOut(keyOf(t, set, "kari@example.no"), keyOf(t, keySet(t), "kari@example.no"))
	message := written(t, want)
	if !strings.Contains(message, `"at":"2026-11-22T03:00:00.123456789Z"`) {
		t.Error("the same instant can be written in two ways")
	}
	got, err := outage.Read(message)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	change := suppression.Change{
		Action: suppression.Suppress, Scope: "acme/newsletter", Reason: suppression.Unsubscribed,
		At: time.Date(2026, 11, 22, 3, 0, 0, 123_456_789, time.UTC), Source: suppression.SourceOneClick,
	}
	if diff := cmp.Diff(change, got.Change()); diff != "" {
		t.Error(diff)
	}
}

func TestAQueuedLinkIsReadBack(t *testing.T) {
	want := optOut("")
	want.Keys, want.Scope, want.Link = nil, "", &outage.Link{Token: "token", Action: "unsubscribe-topic", Topic: "newsletter"}
	message := written(t, want)
	got, err := outage.Read(message)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v %s", err, diff)
	}
	if strings.Contains(message, "keys") || strings.Contains(want.Group(), "token") || want.Group() == optOut("").Group() {
		t.Error("it names keys, or its group is the token or that of another")
	}
	want.Keys = []contact.Key{keyOf(t, keySet(t), "kari@example.no")}
	if _, err := outage.Read(written(t, want)); !errors.Is(err, outage.ErrMalformed) {
		t.Errorf("keys beside a link: error %v", err)
	}
}

func TestAnOptOutOfAHookMayWait(t *testing.T) {
	o := optOut(keyOf(t, keySet(t), "kari@example.no"))
	for source, want := range map[suppression.Source]error{"hook:twilio": nil, "hook": outage.ErrMalformed, suppression.SourceTool: outage.ErrMalformed} {
		o.Source = source
		if _, err := outage.Read(written(t, o)); !errors.Is(err, want) {
			t.Errorf("%s: error %v", source, err)
		}
	}
}

// A queue's encryption covers the message, and not its group.
func TestTheGroupIsAHashOfTheKey(t *testing.T) {
	set := keySet(t)
	kari, ola := keyOf(t, set, "kari@example.no"), keyOf(t, set, "ola@example.no")
	karis, again, olas := optOut(kari).Group(), optOut(kari, ola).Group(), optOut(ola).Group()
	if karis != again || karis == olas {
		t.Errorf("groups %s, %s, %s", karis, again, olas)
	}
	if strings.Contains(karis, kari.Short()) || len(karis) != 64 {
		t.Error("the group is no hash")
	}
}

func TestOnlyLiveKeysCount(t *testing.T) {
	proven := keySet(t)
	live, foreign := keyOf(t, proven, "kari@example.no"), keyOf(t, keySet(t), "kari@example.no")
	cases := []struct {
		name string
		in   []contact.Key
		want []contact.Key
	}{
		{"all live", []contact.Key{live}, []contact.Key{live}},
		{"the older one destroyed since", []contact.Key{live, foreign}, []contact.Key{live}},
		{"the newer one not known here yet", []contact.Key{foreign, live}, []contact.Key{live}},
		{"none", []contact.Key{foreign}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := optOut(c.in...).Live(proven)
			if diff := cmp.Diff(c.want, got.Keys); diff != "" || errors.Is(err, outage.ErrUnknownKeys) != (c.want == nil) {
				t.Errorf("error %v %s", err, diff)
			}
		})
	}
}

const good = `{"keys":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],"channel":"email","scope":"acme","source":"link","at":"2026-11-22T03:00:00Z"}`

func TestAMalformedMessageIsRefused(t *testing.T) {
	if _, err := outage.Read(good); err != nil {
		t.Fatal(err)
	}
	key := `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`
	cases := []struct{ name, from, to, says string }{
		{"nothing", good, "", "JSON"},
		{"null", good, "null", "keys"},
		{"no JSON", good, "kari@example.no", "JSON"},
		{"two of them", good, good + good, "JSON"},
		{"another shape", `"email"`, `7`, "JSON"},
		{"no keys", key, "", "keys"},
		{"more keys than can be live", key, key + "," + key + "," + key + "," + key, "keys"},
		{"an address for a key", key, `"kari@example.no"`, "a key"},
		{"an unknown channel", `"email"`, `"fax"`, "channel"},
		{"no channel", `"channel":"email",`, ``, "channel"},
		{"no scope", `"acme"`, `""`, "scope"},
		{"an invalid scope", `"acme"`, `"kari@example.no"`, "scope"},
		{"another source", `"link"`, `"tool"`, "source"},
		{"an unknown reason", `"channel"`, `"reason":"bored","channel"`, "reason"},
		{"no time", `,"at":"2026-11-22T03:00:00Z"`, ``, "time"},
		{"an invalid time", `2026-11-22T03`, `kari`, "JSON"},
		{"a time before there was one", `2026`, `1969`, "time"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := outage.Read(strings.Replace(good, c.from, c.to, 1))
			if !errors.Is(err, outage.ErrMalformed) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "kari") {
				t.Errorf("error %v, want ErrMalformed about %s", err, c.says)
			}
		})
	}
}

// Before other doors had a queue, a message had no reason.
func TestAMessageWithoutAReasonIsAClick(t *testing.T) {
	o, err := outage.Read(good)
	if err != nil || o.Reason != suppression.Unsubscribed {
		t.Errorf("reason %q, error %v", o.Reason, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(good)
	f.Fuzz(func(t *testing.T, message string) {
		o, err := outage.Read(message)
		if err != nil {
			if !errors.Is(err, outage.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		again, err := outage.Read(written(t, o))
		if diff := cmp.Diff(o, again); diff != "" || err != nil {
			t.Errorf("error %v %s", err, diff)
		}
	})
}
