package operator_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/feedback/hook"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/suppression"
)

// hooks is a registry in memory.
type hooks struct{ all hook.Registry }

func (h *hooks) Registry(context.Context) (hook.Registry, error) { return h.all, nil }

func (h *hooks) Replace(_ context.Context, all hook.Registry) error { h.all = all; return nil }

func withHooks(t *testing.T) (*operator.Operator, *hooks) {
	t.Helper()
	o := operatortest.New(t).Operator(operatortest.At)
	kept := &hooks{}
	o.Hooks, o.HookBase = kept, func(context.Context) (string, error) { return "https://tools", nil }
	o.LastCall = func(_ context.Context, id string) (call hook.Call, _ error) {
		if id == "hook/twilio/acme" {
			call.At = operatortest.At()
		}
		return call, nil
	}
	return o, kept
}

func TestUnsignedHooksAddressHoldsTheSecret(t *testing.T) {
	for _, test := range []struct {
		provider, secret, want string
		unsaid                 bool
	}{
		{"twilio", "token", "https://tools/in/twilio/acme/newsletter", false},
		{"postmark", "a b", "", true},
		{"postmark", "a&b", "https://tools/in/postmark/acme/newsletter?key=a%26b", false},
		{"mailchimp", "", "https://tools/in/mailchimp/acme/newsletter?key=", false},
		{"sinch", "token", "https://tools/in/sinch/acme/newsletter", false},
		{"sinch", "", "https://tools/in/sinch/acme/newsletter?key=", false},
		{"twilio", "", "", true}, {"sendgrid", "no key", "", true}, {"fax", "token", "", true},
	} {
		t.Run(test.provider+" "+test.secret, func(t *testing.T) {
			o, kept := withHooks(t)
			got, err := o.AddHook(t.Context(), test.provider, "acme/newsletter", test.secret, false)
			if test.unsaid {
				if !errors.As(err, new(operator.Mistake)) || len(kept.all) != 0 {
					t.Errorf("error %v, %d hooks", err, len(kept.all))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			if test.secret == "" {
				want += kept.all[0].Secret
			}
			if got.URL != want || kept.all[0].URL != want || len(kept.all[0].Secret) < min(len(test.secret), 20) {
				t.Errorf("the address is not right: %v", strings.HasPrefix(got.URL, test.want))
			}
		})
	}
}

func TestHooksAreListedAndRemoved(t *testing.T) {
	o, kept := withHooks(t)
	for _, provider := range []string{"twilio", "mailgun", "twilio"} {
		if _, err := o.AddHook(t.Context(), provider, "acme", "token"+provider, false); err != nil {
			t.Fatal(err)
		}
	}
	got, err := o.ListHooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []operator.HookState{
		{Provider: "twilio", Scope: "acme", AddedAt: operatortest.At(), CalledAt: operatortest.At()},
		{Provider: "mailgun", Scope: "acme", AddedAt: operatortest.At()},
	}
	if diff := cmp.Diff(want, got.Hooks); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := o.RemoveHook(t.Context(), "twilio", "acme"); err != nil || len(kept.all) != 1 {
		t.Errorf("error %v, %d hooks left", err, len(kept.all))
	}
	if _, err := o.RemoveHook(t.Context(), "twilio", "acme"); err == nil || !strings.Contains(err.Error(), "stille hook list") {
		t.Errorf("error %v", err)
	}
}

func TestReplacedHookSecretEndsAtOnceOnDemand(t *testing.T) {
	for _, only := range []bool{false, true} {
		o, kept := withHooks(t)
		for _, secret := range []string{"one", "two"} {
			if _, err := o.AddHook(t.Context(), "twilio", "acme", secret, only); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"two", "one"}
		if only {
			want = want[:1]
		}
		if diff := cmp.Diff(want, kept.all[0].Secrets(operatortest.At())); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestAHookIsTestedWithNobodysOptOut(t *testing.T) {
	down := errors.New("down")
	for _, test := range []struct {
		name, provider string
		status         int
		err            error
		stores         bool
		says           string // of the error
	}{
		{"stored", "brevo", 200, nil, true, ""},
		{"stored by a reply", "twilio", 200, nil, true, ""},
		{"waits", "brevo", 200, nil, false, "stille status"},
		{"refused", "brevo", 401, nil, false, "within a minute"},
		{"unknown", "brevo", 404, nil, false, "within a minute"},
		{"failing", "brevo", 503, nil, false, "log"},
		{"out of reach", "brevo", 0, down, false, "down"},
		{"signed by the provider alone", "sendgrid", 401, nil, false, ""},
		{"unsigned, and taken", "sendgrid", 200, nil, true, "stille hook add"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stack, now := operatortest.New(t), operatortest.At()
			o := stack.Operator(func() time.Time { return now })
			o.Hooks = &hooks{hook.Registry{{Provider: test.provider, Scope: "acme", URL: "https://tools/in", Credential: hook.Credential{Secret: "token"}}}}
			o.CallHook = func(ctx context.Context, call hook.Sample) (int, error) {
				who, err := stack.Set.Known(call.Contact)
				if err != nil {
					t.Fatal(err)
				}
				if test.stores {
					_, err = stack.List.Apply(ctx, who, suppression.Change{
						Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: now, Source: suppression.SourceHook + ":p",
					}, now)
				}
				return test.status, errors.Join(err, test.err)
			}
			for range 2 { // the second opt-out repeats the first
				got, err := o.TestHook(t.Context(), test.provider, "acme")
				if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
					t.Errorf("error %v", err)
				}
				if want := (&operator.HookTest{Provider: test.provider, Scope: "acme", Status: test.status, Stored: test.stores}); test.err == nil && *got != *want {
					t.Errorf("%+v, want %+v", got, want)
				}
				now = now.Add(time.Minute)
			}
			if _, err := o.TestHook(t.Context(), test.provider, "globex"); err == nil || !strings.Contains(err.Error(), "stille hook list") {
				t.Errorf("of a hook that was not added: %v", err)
			}
		})
	}
}
