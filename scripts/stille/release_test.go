package main

import (
	"slices"
	"strings"
	"testing"
)

func TestReleaseRequiresScopeTimeAndEvidence(t *testing.T) {
	good := []string{"release", "email", "kari@example.no", "--scope", "acme", "--consented-at", "2026-11-21T08:00:00Z", "--evidence", "form/4711"}
	without := func(flag string) []string {
		i := slices.Index(good, flag)
		return slices.Delete(slices.Clone(good), i, i+2)
	}
	instead := func(flag, value string) []string {
		args := slices.Clone(good)
		args[slices.Index(good, flag)+1] = value
		return args
	}
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"no scope", "--scope", without("--scope")},
		{"no time", "--consented-at", without("--consented-at")},
		{"no evidence", "--evidence", without("--evidence")},
		{"an unknown scope", "there are acme, acme/newsletter, globex, and * for all", instead("--scope", "acne")},
		{"a consent of tomorrow", "--consented-at: must not be more than five minutes in the future", instead("--consented-at", "2026-11-23T00:00:00Z")},
		{"a consent before computers", "nor before 1970", instead("--consented-at", "1969-12-31T00:00:00Z")},
		{"evidence that tells a story", "--evidence: must be 1 to 64 characters", instead("--evidence", "she called")},
		{"an invalid address", "the address cannot be read: no @", instead("email", "kari")},
	} {
		got := call{}.run(t, c.args...).ended(t, exitUsage)
		if !strings.Contains(got.errors, c.says) || got.out != "" {
			t.Errorf("%s: it says %q", c.name, got.errors)
		}
	}
}
