//go:build store

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/operator"
	"stille/shared/suppression"
)

func TestAddedContactsAreNotSentTo(t *testing.T) {
	d := deploy(t)
	for _, step := range []struct {
		name string
		args []string
		out  string
	}{
		{"nobody said anything", []string{"check", "email", "kari@example.no", "--scope", "acme"}, "send\n"},
		{"an objection, told yesterday",
			[]string{"add", "email", " Kari@Example.no", "--scope", "acme", "--reason", "objection", "--at", "2026-11-21T08:00:00+01:00", "--note", "case/4711"},
			"suppressed: objection in acme\n"},
		{"is seen", []string{"check", "email", "kari@example.no", "--scope", "acme"}, "do not send: objection in acme since 2026-11-21T07:00:00Z\n"},
		{"is seen by the brand's topic", []string{"check", "email", "kari@example.no", "--scope", "acme/newsletter"},
			"do not send: objection in acme since 2026-11-21T07:00:00Z\n"},
		{"is seen where no scope is named", []string{"check", "email", "kari@example.no"}, "do not send: objection in acme since 2026-11-21T07:00:00Z\n"},
		{"is not another brand's", []string{"check", "email", "kari@example.no", "--scope", "globex"}, "send\n"},
		{"does not stop what belongs to a service", []string{"check", "email", "kari@example.no", "--scope", "acme", "--purpose", "transactional"}, "send\n"},
		{"again changes nothing", []string{"add", "email", "kari@example.no", "--scope", "acme", "--reason", "objection", "--at", "2026-11-21T07:00:00Z"},
			"nothing changed, as an event as new or newer is known: objection in acme\n"},
		{"later again is a newer event", []string{"add", "email", "kari@example.no", "--scope", "acme", "--reason", "objection"},
			"suppressed before, and now by a newer event: objection in acme\n"},
		{"a number with its country elsewhere", []string{"add", "sms", "912 34 567", "--region", "NO", "--scope", "*"}, "suppressed: manual in *\n"},
		{"is seen from any brand", []string{"check", "sms", "+4791234567", "--scope", "globex"}, "do not send: manual in * since 2026-11-22T03:00:00Z\n"},
	} {
		got := d.run(t, step.args...).ended(t, exitDone)
		if diff := cmp.Diff([]string{step.out, ""}, []string{got.out, got.errors}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step.name, diff)
		}
	}
}

func TestAddAndCheckAnswerInJSON(t *testing.T) {
	d := deploy(t)
	key := string(d.key(t, contact.Email, "kari@example.no"))
	for _, step := range []struct {
		args []string
		out  string
	}{
		{[]string{"add", "email", "kari@example.no", "--scope", "acme", "--json"},
			`{"added":true,"effect":"added","reason":"manual","scope":"acme","key":"` + key + `"}`},
		{[]string{"check", "email", "kari@example.no", "--json"},
			`{"send":false,"reason":"manual","scope":"acme","since":"2026-11-22T03:00:00Z","key":"` + key + `"}`},
		{[]string{"check", "email", "kari@example.no", "--scope", "globex", "--json"}, `{"send":true,"key":"` + key + `"}`},
	} {
		got := d.run(t, step.args...).ended(t, exitDone)
		if diff := cmp.Diff(step.out+"\n", got.out); diff != "" {
			t.Errorf("%v (-want +got)\n%s", step.args, diff)
		}
	}
}

func TestHistoryIsPrintedAndVerified(t *testing.T) {
	d := deploy(t)
	if got := d.run(t, "history", "email", "kari@example.no").ended(t, exitDone); got.out != "the chain is verified; entries: 0\n" {
		t.Errorf("of nobody it says %q", got.out)
	}
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--note", "case/1", "--at", "2026-11-20T08:00:00Z").ended(t, exitDone)
	d.run(t, "add", "email", "kari@example.no", "--scope", "*", "--reason", "complaint").ended(t, exitDone)

	got := d.run(t, "history", "email", "kari@example.no").ended(t, exitDone)
	want := strings.Join([]string{
		"AT                    ACTION      REASON     SCOPE  SOURCE    NOTE    RECORDED",
		"2026-11-20T08:00:00Z  suppressed  manual     acme   operator  case/1  2026-11-22T03:00:00Z",
		"2026-11-22T03:00:00Z  suppressed  complaint  *      operator  -       2026-11-22T03:00:00Z",
		"the chain is verified; entries: 2", "",
	}, "\n")
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	told := answers[operator.Told](t, d.run(t, "history", "email", "kari@example.no", "--json").ended(t, exitDone))[0]
	if !told.Verified || len(told.Entries) != 2 || ledger.Verify(told.Entries, told.Entries[1].Hash()) != nil {
		t.Errorf("in JSON it says %+v", told)
	}
}

func TestHistorySurvivesAKeyRotation(t *testing.T) {
	d := deploy(t)
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	older := d.key(t, contact.Email, "kari@example.no")
	d.rotate(t)
	got := d.run(t, "check", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	if !strings.HasPrefix(got.out, "do not send: manual in acme") {
		t.Errorf("it answers %q", got.out)
	}
	got = d.run(t, "history", "email", "kari@example.no").ended(t, exitDone)
	if !strings.HasSuffix(got.out, "the chain is verified; entries: 1\n") {
		t.Errorf("it tells %q", got.out)
	}

	d.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--reason", "objection").ended(t, exitDone)
	got = d.run(t, "history", "email", "kari@example.no").ended(t, exitDone)
	want := strings.Join([]string{
		"AT                    ACTION      REASON     SCOPE  SOURCE    NOTE                                             RECORDED",
		"2026-11-22T03:00:00Z  suppressed  manual     acme   operator  -                                                2026-11-22T03:00:00Z",
		"2026-11-22T03:00:00Z  rekeyed     -          -      -         took over what was known under the key " + older.Short() + "  2026-11-22T03:00:00Z",
		"2026-11-22T03:00:00Z  suppressed  objection  acme   operator  -                                                2026-11-22T03:00:00Z",
		"the chain is verified; entries: 3", "",
	}, "\n")
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("after it was taken over (-want +got)\n%s", diff)
	}
}

func TestForeignKeysGetNoAnswer(t *testing.T) {
	d := deploy(t)
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	d.secret, _ = contactKeys(t)
	d.useKeys()
	got := d.run(t, "check", "email", "kari@example.no").ended(t, exitFailed)
	if !strings.Contains(got.errors, contact.ErrForeignKeys.Error()) || got.out != "" {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}

func TestAnEventOlderThanAReleaseIsOnlyRecorded(t *testing.T) {
	d := deploy(t)
	key := d.key(t, contact.Email, "kari@example.no")
	_, err := d.suppressions.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, suppression.Change{
		Action: suppression.Release, Scope: "acme", Reason: suppression.Manual, At: at.Add(-time.Hour), Source: suppression.SourceTool,
	}, at)
	if err != nil {
		t.Fatal(err)
	}
	got := d.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--at", "2026-11-22T01:00:00Z").ended(t, exitDone)
	if !strings.HasPrefix(got.out, "recorded, but not suppressed") {
		t.Errorf("it says %q", got.out)
	}
}
