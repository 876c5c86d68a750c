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
		found, ok := r.ByID("twilio/acme")
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
	r = r.Set(added("four"))
	if diff := cmp.Diff([]string{"four"}, secrets(now)); diff != "" {
		t.Error(diff)
	}
	r = r.Remove("twilio/acme").Remove("twilio/acme")
	if _, other := r.ByID("twilio/globex"); secrets(now) != nil || !other {
		t.Error("removing takes out another hook, or none")
	}
}

func TestARepeatedOutcomeIsStoredOnceAMinute(t *testing.T) {
	var s hook.Sightings
	for _, c := range []struct {
		name, id string
		call     hook.Call
		want     bool
	}{
		{"the first", "webhook/1", hook.Call{At: now}, true},
		{"another id", "webhook/2", hook.Call{At: now}, true},
		{"a moment later", "webhook/1", hook.Call{At: now.Add(hook.NoteEvery - 1)}, false},
		{"a failure", "webhook/1", hook.Call{At: now.Add(time.Second), Failure: "the receiver answered 500"}, true},
		{"the same failure", "webhook/1", hook.Call{At: now.Add(2 * time.Second), Failure: "the receiver answered 500"}, false},
		{"a success again", "webhook/1", hook.Call{At: now.Add(3 * time.Second)}, true},
		{"a failure within the second", "webhook/1", hook.Call{At: now.Add(3500 * time.Millisecond), Failure: "the receiver answered 500"}, false},
		{"a minute later", "webhook/1", hook.Call{At: now.Add(3*time.Second + hook.NoteEvery)}, true},
	} {
		if got := s.Due(c.id, c.call); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
