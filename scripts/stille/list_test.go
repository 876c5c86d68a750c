package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/retention"
	"stille/shared/scope/scopetest"
	"stille/shared/suppression"
)

func TestAddedContactsAreNotSentTo(t *testing.T) {
	m := inMemory(t)
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
		{"an opt-out of tomorrow counts as now", []string{"add", "email", "per@example.no", "--scope", "acme", "--at", "2026-11-23T08:00Z"}, "suppressed: manual in acme\n"},
		{"is seen at once", []string{"check", "email", "per@example.no", "--scope", "acme"}, "do not send: manual in acme since 2026-11-22T03:00:00Z\n"},
		{"a number with its country elsewhere", []string{"add", "sms", "912 34 567", "--region", "NO", "--scope", "*"}, "suppressed: manual in *\n"},
		{"is seen from any brand", []string{"check", "sms", "+4791234567", "--scope", "globex"}, "do not send: manual in * since 2026-11-22T03:00:00Z\n"},
	} {
		got := m.run(t, step.args...).ended(t, codeOf(step.out))
		if diff := cmp.Diff([]string{step.out, ""}, []string{got.out, got.errors}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step.name, diff)
		}
	}
}

func TestCheckEndsInZeroOnlyForAYes(t *testing.T) {
	m := inMemory(t)
	m.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	for _, c := range []struct {
		name      string
		args      []string
		code      int
		out, says string
	}{
		{"may be sent to", []string{"email", "ola@example.no", "--scope", "acme"}, 0, "send\n", ""},
		{"silent", []string{"email", "kari@example.no", "--scope", "acme"}, 4, "do not send: manual in acme since 2026-11-22T03:00:00Z\n", ""},
		{"no address", []string{"email", "kari", "--scope", "acme"}, 4, "do not send: invalid-address\n", "the address cannot be read: no @\n"},
		{"unknown scope", []string{"email", "ola@example.no", "--scope", "acne"}, 4, "do not send: unknown-scope\n",
			"there is no such scope; there are acme, acme/newsletter, globex, and * for all\n"},
		{"unknown channel", []string{"fax", "1"}, 2, "", `stille: <channel> must be one of "email","sms" but got "fax"; see ` + "`stille check --help`\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := m.run(t, append([]string{"check"}, c.args...)...).ended(t, c.code)
			if diff := cmp.Diff([]string{c.out, c.says}, []string{got.out, got.errors}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAddAndCheckAnswerInJSON(t *testing.T) {
	m := inMemory(t)
	key := string(m.Key(contact.Email, "kari@example.no"))
	for _, step := range []struct {
		args []string
		out  string
	}{
		{[]string{"add", "email", "kari@example.no", "--scope", "acme", "--json"},
			`{"added":true,"suppressed":true,"effect":"added","reason":"manual","scope":"acme","key":"` + key + `"}`},
		{[]string{"check", "email", "kari@example.no", "--json"},
			`{"send":false,"reason":"manual","scope":"acme","since":"2026-11-22T03:00:00Z","key":"` + key + `"}`},
		{[]string{"check", "email", "kari@example.no", "--scope", "globex", "--json"}, `{"send":true,"key":"` + key + `"}`},
	} {
		got := m.run(t, step.args...).ended(t, codeOf(step.out))
		if diff := cmp.Diff(step.out+"\n", got.out); diff != "" {
			t.Errorf("%v (-want +got)\n%s", step.args, diff)
		}
	}
}

// globex requires a basis.
func TestCheckAndScrubNeedARequiredBasis(t *testing.T) {
	m := inMemory(t)
	m.Brands = scopetest.RequiringBasis(t)
	for address, start := range map[string]time.Time{"kari@example.no": at.AddDate(-1, 0, 0), "ola@example.no": at.AddDate(-3, 0, 0), "liv@example.no": {}} {
		key := m.Key(contact.Email, address)
		r := retention.Record{ID: "sub-" + address[:3], Subject: key, Scope: "globex", Basis: retention.Customer, OccurredAt: at.AddDate(-3, 0, 0), Start: start}
		if _, err := m.Records.Put(t.Context(), "messaging", r, func(retention.Record) error { return nil }, key); err != nil {
			t.Fatal(err)
		}
	}
	const globex = " --scope globex"
	for args, want := range map[string]string{
		"kari@example.no" + globex:                             "send; basis: customer, record sub-kar, through 2027-11-22\n",
		"liv@example.no" + globex:                              "send; basis: customer, record sub-liv\n",
		"ola@example.no" + globex:                              "do not send: basis-expired in globex after 2025-11-22\n",
		"per@example.no" + globex:                              "do not send: no-basis in globex\n",
		"per@example.no" + globex + " --purpose transactional": "send\n",
		"per@example.no --scope acme":                          "send\n",
		"per@example.no":                                       "send\n",
	} {
		if got := m.run(t, append([]string{"check", "email"}, strings.Fields(args)...)...).ended(t, codeOf(want)); got.out != want {
			t.Errorf("%s answers %q", args, got.out)
		}
	}
	key := string(m.Key(contact.Email, "ola@example.no"))
	want := `{"send":false,"reason":"basis-expired","scope":"globex","key":"` + key + `","basisUntil":"2025-11-22"}` + "\n"
	if got := m.run(t, "check", "email", "ola@example.no", "--scope", "globex", "--json").ended(t, exitNo); got.out != want {
		t.Errorf("in JSON %q", got.out)
	}
	spring := fileOf(t, "spring.csv", "email\nkari@example.no\nola@example.no\nper@example.no\n")
	m.run(t, "scrub", spring, "--scope", "globex").ended(t, exitDone)
	got := []string{contentOf(t, files.Beside(spring, "clean")), contentOf(t, files.Beside(spring, "suppressed"))}
	if diff := cmp.Diff([]string{"email\nkari@example.no\n", "reason,email\nbasis-expired,ola@example.no\nno-basis,per@example.no\n"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHistoryIsPrintedAndVerified(t *testing.T) {
	m := inMemory(t)
	if got := m.run(t, "history", "email", "kari@example.no").ended(t, exitDone); got.out != "the chain is verified; entries: 0\n" {
		t.Errorf("of nobody it says %q", got.out)
	}
	m.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--note", "case/1", "--at", "2026-11-20T08:00:00Z").ended(t, exitDone)
	m.run(t, "add", "email", "kari@example.no", "--scope", "*", "--reason", "complaint").ended(t, exitDone)

	got := m.run(t, "history", "email", "kari@example.no").ended(t, exitDone)
	want := strings.Join([]string{
		"the chain is verified; entries: 2",
		"AT                    ACTION      REASON     SCOPE  SOURCE    NOTE",
		"2026-11-20T08:00:00Z  suppressed  manual     acme   operator  case/1",
		"    recorded 2026-11-22T03:00:00Z",
		"2026-11-22T03:00:00Z  suppressed  complaint  *      operator  -",
		"    recorded 2026-11-22T03:00:00Z",
		"",
	}, "\n")
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	told := answers[operator.Told](t, m.run(t, "history", "email", "kari@example.no", "--json").ended(t, exitDone))[0]
	if !told.Verified || len(told.Entries) != 2 || ledger.Verify(told.Entries, told.Entries[1].Hash()) != nil {
		t.Errorf("in JSON it says %+v", told)
	}
}

func TestHistorySurvivesAKeyRotation(t *testing.T) {
	m := inMemory(t)
	m.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	older := m.Key(contact.Email, "kari@example.no")
	m.Rotate()
	got := m.run(t, "check", "email", "kari@example.no", "--scope", "acme").ended(t, exitNo)
	if !strings.HasPrefix(got.out, "do not send: manual in acme") {
		t.Errorf("it answers %q", got.out)
	}
	got = m.run(t, "history", "email", "kari@example.no").ended(t, exitDone)
	if !strings.HasPrefix(got.out, "the chain is verified; entries: 1\n") {
		t.Errorf("it tells %q", got.out)
	}

	m.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--reason", "objection").ended(t, exitDone)
	got = m.run(t, "history", "email", "kari@example.no").ended(t, exitDone)
	want := strings.Join([]string{
		"the chain is verified; entries: 3",
		"AT                    ACTION      REASON     SCOPE  SOURCE",
		"2026-11-22T03:00:00Z  suppressed  manual     acme   operator",
		"    recorded 2026-11-22T03:00:00Z",
		"2026-11-22T03:00:00Z  rekeyed     -          -      -",
		"    note took over what was known under the key " + older.Short(),
		"    recorded 2026-11-22T03:00:00Z",
		"2026-11-22T03:00:00Z  suppressed  objection  acme   operator",
		"    recorded 2026-11-22T03:00:00Z",
		"",
	}, "\n")
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("after it was taken over (-want +got)\n%s", diff)
	}
}

func TestAnEventBeforeAReleaseIsOnlyRecorded(t *testing.T) {
	m := inMemory(t)
	key := m.Key(contact.Email, "kari@example.no")
	_, err := m.List.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, suppression.Change{
		Action: suppression.Release, Scope: "acme", Reason: suppression.Manual, At: at.Add(-time.Hour), Source: suppression.SourceTool,
	}, at)
	if err != nil {
		t.Fatal(err)
	}
	got := m.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--at", "2026-11-22T01:00:00Z").ended(t, exitDone)
	if !strings.HasPrefix(got.out, "recorded, but not suppressed") {
		t.Errorf("it says %q", got.out)
	}
}

func TestReleaseLiftsWhatIsOlderThanTheConsent(t *testing.T) {
	m := inMemory(t)
	add := func(scope, reason string) {
		t.Helper()
		m.run(t, "add", "email", "kari@example.no", "--scope", scope, "--reason", reason, "--at", "2026-11-20T08:00:00Z").ended(t, exitDone)
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
		if got := m.run(t, step.args...).ended(t, step.code); got.out != step.out {
			t.Errorf("%s: it answers %q, want %q", step.name, got.out, step.out)
		}
	}
	told := answers[operator.Told](t, m.run(t, "history", "email", "kari@example.no", "--json").ended(t, exitDone))[0]
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
	m := inMemory(t)
	key := string(m.Key(contact.Email, "kari@example.no"))
	m.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--at", "2026-11-20T08:00:00Z").ended(t, exitDone)
	for _, step := range []struct {
		scope string
		code  int
		out   string
	}{
		{"acme/newsletter", exitFailed, `{"released":false,"reason":"not-suppressed","scope":"acme/newsletter","key":"` + key + `","stands":{"reason":"manual","scope":"acme"}}`},
		{"acme", exitDone, `{"released":true,"scope":"acme","key":"` + key + `"}`},
	} {
		got := m.run(t, "release", "email", "kari@example.no", "--scope", step.scope, "--consented-at", "2026-11-21T08:00:00Z", "--evidence", "e", "--json").ended(t, step.code)
		if diff := cmp.Diff(step.out+"\n", got.out); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step.scope, diff)
		}
	}
}

func TestAnUnreadableItemIsNeverSentTo(t *testing.T) {
	m := inMemory(t)
	m.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	key := m.Key(contact.Email, "kari@example.no")
	m.List.Spoil(key)
	if got := m.run(t, "check", "email", "kari@example.no", "--scope", "globex").ended(t, exitNo); got.out != "do not send: unreadable\n" {
		t.Errorf("check answers %q", got.out)
	}
	spring, export := fileOf(t, "spring.csv", "email\nkari@example.no\n"), filepath.Join(t.TempDir(), "list.csv")
	m.run(t, "scrub", spring, "--scope", "globex").ended(t, exitDone)
	if got := contentOf(t, files.Beside(spring, "clean")); got != "email\n" {
		t.Errorf("the clean list is %q", got)
	}
	if got := m.run(t, "export", export).ended(t, exitFailed); !strings.Contains(got.errors, "suppressions that cannot be read: 1") {
		t.Errorf("export says %q", got.errors)
	}
	if got := contentOf(t, export); !strings.Contains(got, string(key)+",,*,unreadable,") {
		t.Errorf("the exported list is %q", got)
	}
	old := fileOf(t, "old.csv", "channel,address,scope\nemail,kari@example.no,acme\n")
	if got := m.run(t, "import", old).ended(t, exitFailed); !strings.Contains(got.out, "what is stored of this contact cannot be read") {
		t.Errorf("import answers %q", got.out)
	}
}
