//go:build store

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/operator"
)

func TestReleaseLiftsWhatIsOlderThanTheConsent(t *testing.T) {
	d := deploy(t)
	add := func(scope, reason string) {
		t.Helper()
		d.run(t, "add", "email", "kari@example.no", "--scope", scope, "--reason", reason, "--at", "2026-11-20T08:00:00Z").ended(t, exitDone)
	}
	release := func(scope, at string, more ...string) []string {
		return append([]string{"release", "email", " Kari@Example.no", "--scope", scope, "--consented-at", at, "--evidence", "form/4711"}, more...)
	}
	add("acme", "unsubscribed")
	add("*", "complaint")
	for _, step := range []struct {
		name string
		args []string
		code int
		out  string
	}{
		{"consent before the opt-out", release("acme", "2026-11-20T07:00:00Z"), exitFailed, "not released in acme: needs-operator; complaint in * stands\n"},
		{"newer consent, with a complaint above", release("acme", "2026-11-21T08:00:00Z"), exitFailed, "not released in acme: needs-operator; complaint in * stands\n"},
		{"an operator's, in the wrong scope", release("acme", "2026-11-21T08:00:00Z", "--override"), exitFailed, "not released in acme: needs-operator; complaint in * stands\n"},
		{"where the complaint stands", release("*", "2026-11-21T08:00:00Z"), exitFailed, "not released in *: needs-operator; complaint in * stands\n"},
		{"an operator's, where it stands", release("*", "2026-11-21T08:00:00Z", "--override"), exitDone, "released in *\n"},
		{"again", release("*", "2026-11-21T08:00:00Z", "--override"), exitDone, "released in *\n"},
		{"what was lifted before", release("acme", "2026-11-21T08:00:00Z"), exitDone, "released in acme\n"},
		{"where nothing was said", release("globex", "2026-11-21T08:00:00Z"), exitFailed, "not released in globex: not-suppressed\n"},
		{"and now", []string{"check", "email", "kari@example.no", "--scope", "acme"}, exitDone, "send\n"},
	} {
		if got := d.run(t, step.args...).ended(t, step.code); got.out != step.out {
			t.Errorf("%s: it answers %q, want %q", step.name, got.out, step.out)
		}
	}
	told := answers[operator.Told](t, d.run(t, "history", "email", "kari@example.no", "--json").ended(t, exitDone))[0]
	type entry struct {
		Action                      ledger.Action
		Reason, Source, Note, Scope string
	}
	var got []entry
	for _, e := range told.Entries[2:] {
		got = append(got, entry{e.Action, e.Reason, e.Source, e.Note, string(e.Scope)})
	}
	want := []entry{{"released", "unsubscribed", "operator", "form/4711", "acme"}, {"released", "complaint", "operator", "form/4711", "*"}}
	if diff := cmp.Diff(want, got); diff != "" || !told.Verified {
		t.Errorf("verified %v; entries (-want +got)\n%s", told.Verified, diff)
	}
}

func TestReleaseAnswersInJSON(t *testing.T) {
	d := deploy(t)
	key := string(d.key(t, contact.Email, "kari@example.no"))
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--at", "2026-11-20T08:00:00Z").ended(t, exitDone)
	for _, step := range []struct {
		scope string
		code  int
		out   string
	}{
		{"acme/newsletter", exitFailed, `{"released":false,"reason":"not-suppressed","scope":"acme/newsletter","key":"` + key + `","stands":{"reason":"manual","scope":"acme"}}`},
		{"acme", exitDone, `{"released":true,"scope":"acme","key":"` + key + `"}`},
	} {
		got := d.run(t, "release", "email", "kari@example.no", "--scope", step.scope, "--consented-at", "2026-11-21T08:00:00Z", "--evidence", "e", "--json").ended(t, step.code)
		if diff := cmp.Diff(step.out+"\n", got.out); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step.scope, diff)
		}
	}
}
