package hook_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/feedback/hook"
)

func TestAReplacedSecretWorksForADay(t *testing.T) {
	added := func(secret string) hook.Hook {
		return hook.Hook{Provider: "twilio", Scope: "acme", URL: address, Credential: hook.Credential{Secret: secret}}
	}
	var r hook.Registry
	secrets := func(at time.Time) []string {
		found, ok := r.Find("twilio", "acme")
		if !ok {
			return nil
		}
		return found.Secrets(at)
	}
	r = r.Add(added("one"), now).Add(hook.Hook{Provider: "twilio", Scope: "globex", Credential: hook.Credential{Secret: "other"}}, now)
	if diff := cmp.Diff([]string{"one"}, secrets(now)); diff != "" {
		t.Error(diff)
	}
	r = r.Add(added("two"), now)
	r = r.Add(added("two"), now.Add(time.Hour)) // a repetition must not end the first secret
	for at, want := range map[time.Time][]string{
		now.Add(hook.Overlap - 1): {"two", "one"}, now.Add(hook.Overlap): {"two"},
	} {
		if diff := cmp.Diff(want, secrets(at)); diff != "" {
			t.Error(diff)
		}
	}
	r = r.Add(added("three"), now)
	if diff := cmp.Diff([]string{"three", "two"}, secrets(now)); diff != "" {
		t.Error(diff)
	}
	r = r.Only("twilio", "acme")
	if diff := cmp.Diff([]string{"three"}, secrets(now)); diff != "" {
		t.Error(diff)
	}
	r, removed := r.Remove("twilio", "acme")
	_, again := r.Remove("twilio", "acme")
	if _, other := r.Find("twilio", "globex"); !removed || again || secrets(now) != nil || !other {
		t.Error("removing takes out another hook, or none")
	}
}
