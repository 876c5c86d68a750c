package operator_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/feedback/hook"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/webhook"
)

// webhooks is a registry and a receiver in memory.
type webhooks struct {
	all     webhook.Registry
	leads   string // the address of every host but unknown.example
	failure string
	tried   []string
}

func (w *webhooks) Registry(context.Context) (webhook.Registry, error) { return w.all, nil }

func (w *webhooks) Replace(_ context.Context, all webhook.Registry) error { w.all = all; return nil }

func (w *webhooks) Try(_ context.Context, o webhook.TrialOrder) (webhook.TrialAnswer, error) {
	w.tried = append(w.tried, o.Test)
	return webhook.TrialAnswer{Failure: w.failure, Milliseconds: 12}, nil
}

func (w *webhooks) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	if host == "unknown.example" {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr(w.leads)}, nil
}

func withWebhooks(t *testing.T) (*operator.Operator, *webhooks) {
	t.Helper()
	o := operatortest.New(t).Operator(operatortest.At)
	kept := &webhooks{leads: "93.184.216.34"}
	o.Webhooks = kept
	o.LastCall = func(_ context.Context, id string) (hook.Call, error) {
		return hook.Call{At: operatortest.At(), Failure: "of " + id}, nil
	}
	return o, kept
}

const receiver = "https://crm.acme.example/stille"

func TestAWebhookIsAddedForAPublicHost(t *testing.T) {
	for _, test := range []struct {
		url, in, leads string
		local, want    bool
	}{
		{receiver, "acme", "93.184.216.35", false, true},
		{receiver, "acme/newsletter", "93.184.216.35", false, true},
		{receiver, "*", "93.184.216.35", false, true},
		{receiver, "acme/nothing", "93.184.216.35", false, false},
		{"http://crm.acme.example", "acme", "93.184.216.35", false, false},
		{"https://unknown.example", "acme", "93.184.216.35", false, false},
		{receiver, "acme", "10.0.0.1", false, false},
		{receiver, "acme", "127.0.0.1", false, false},
		{receiver, "acme", "10.0.0.1", true, false},
		{"http://localhost:8080", "acme", "127.0.0.1", true, true},
	} {
		o, kept := withWebhooks(t)
		o.Local, kept.leads = test.local, test.leads
		got, err := o.AddWebhook(t.Context(), test.url, test.in, true, false)
		switch {
		case !test.want && (!errors.As(err, new(operator.Mistake)) || len(kept.all) != 0):
			t.Errorf("%s for %s to %s: error %v", test.url, test.in, test.leads, err)
		case test.want && (err != nil || len(kept.all) != 1 || got.Secret != kept.all[0].Secret || !kept.all[0].WithAddress || !strings.HasPrefix(got.Secret, "whsec_")):
			t.Errorf("%s for %s to %s: error %v", test.url, test.in, test.leads, err)
		}
	}
}

func TestAWebhooksSecretIsReplacedAndNeverListed(t *testing.T) {
	o, kept := withWebhooks(t)
	var secrets []string
	for _, only := range []bool{false, false, true} {
		got, err := o.AddWebhook(t.Context(), receiver, "acme", false, only)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append([]string{got.Secret}, secrets...)
		want := secrets[:min(len(secrets), 2)]
		if only {
			want = secrets[:1]
		}
		if diff := cmp.Diff(want, kept.all[0].Secrets(operatortest.At())); diff != "" || len(kept.all) != 1 {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	list, err := o.ListWebhooks(t.Context())
	want := []operator.WebhookState{{ID: kept.all[0].ID(), URL: receiver, Scope: "acme", AddedAt: operatortest.At(), Last: hook.Call{At: operatortest.At(), Failure: "of webhook/" + kept.all[0].ID()}}}
	if diff := cmp.Diff(want, list.Webhooks); err != nil || diff != "" {
		t.Errorf("error %v, (-want +got)\n%s", err, diff)
	}
}

func TestAWebhookIsNamedByItsURL(t *testing.T) {
	o, kept := withWebhooks(t)
	for _, in := range []string{"acme", "acme/newsletter"} {
		if _, err := o.AddWebhook(t.Context(), receiver, in, false, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.TestWebhook(t.Context(), receiver, ""); !errors.As(err, new(operator.Mistake)) {
		t.Errorf("one of two is tried: error %v", err)
	}
	if got, err := o.TestWebhook(t.Context(), receiver, "acme"); err != nil || got.Milliseconds != 12 || kept.tried[0] != kept.all[0].ID() {
		t.Errorf("error %v", err)
	}
	kept.failure = "the receiver answered 401"
	if _, err := o.TestWebhook(t.Context(), receiver, "acme"); err == nil || !strings.Contains(err.Error(), "answered 401") {
		t.Errorf("error %v", err)
	}
	if _, err := o.RemoveWebhook(t.Context(), receiver, "acme"); err != nil || len(kept.all) != 1 || kept.all[0].Scope != "acme/newsletter" {
		t.Errorf("error %v, %d left", err, len(kept.all))
	}
	if _, err := o.RemoveWebhook(t.Context(), receiver, ""); err != nil || len(kept.all) != 0 {
		t.Errorf("error %v, %d left", err, len(kept.all))
	}
	if _, err := o.RemoveWebhook(t.Context(), receiver, ""); err == nil || errors.As(err, new(operator.Mistake)) || !strings.Contains(err.Error(), "stille webhook list") {
		t.Errorf("error %v", err)
	}
}
