package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/purge"
	"stille/shared/retention"
)

func (m memory) status(t *testing.T) (string, operator.Status) {
	t.Helper()
	inJSON := answers[operator.Status](t, m.run(t, "status", "--json"))[0]
	code := exitDone
	if inJSON.Next != "" {
		code = exitNo
	}
	m.run(t, "status", "--json").ended(t, code)
	return m.run(t, "status").ended(t, code).out, inJSON
}

func TestHealthyStackNeedsNothing(t *testing.T) {
	m := inMemory(t)
	m.start(t, run1())
	m.Certify(run1(), certificate.Completed, certificate.Counts{Due: 3, Deleted: 2, Held: 1}, "a", "b")
	audit := runOf("audit-1", 1)
	audit.Audit = true
	m.start(t, audit)
	oldest, none := 90, 0
	m.Queue = []operator.Queue{
		{Name: "feedback-queue", Messages: 7, OldestSeconds: &oldest}, {Name: "purge-missed", Dead: true}, {Name: "waiting-dead", Dead: true, OldestSeconds: &none},
	}
	m.Primaries = []operator.PrimaryKey{{Set: "contact", ID: "0a1b2c3d", Created: day(2026, 11, 20), Days: 2}}
	text, inJSON := m.status(t)
	for _, says := range []string{
		"communication  none yet    -    -        -     -       -\n    next purge 2026-11-23T02:30:00Z  overdue 0\n",
		"messaging      COMPLETED   3    2        1     0       2026-11-22T03:00:00Z\n    next purge 2026-11-23T02:40:00Z  overdue 0\n",
		"feedback-queue  7         1m30s   messages on their way\n",
		"purge-missed    0         -       dead letters\n",
		"waiting-dead    0         0s      dead letters\n",
		"contact  0a1b2c3d     2026-11-20T12:00:00Z  2\n",
		"test-suppressions           ACTIVE  1\n",
		"nothing to do\n\nthe stack of the test at ",
	} {
		if !strings.Contains(text, says) {
			t.Errorf("it does not say %q:\n%s", says, text)
		}
	}
	if strings.Contains(text, "over a year") || inJSON.Next != "" || len(inJSON.Queues) != 3 || len(inJSON.Tables) != 5 {
		t.Errorf("in JSON it answers %+v", inJSON)
	}
}

// examine lets an examination find what is wrong.
func (m memory) examine(about string, found ...operator.Complaint) {
	m.Examine = append(m.Examine, operator.Examination{About: about, Look: func(context.Context) ([]operator.Complaint, error) { return found, nil }})
}

// audited ends an audit of a night with its report.
func (m memory) audited(t *testing.T, night int, found map[purge.Finding]purge.Found) {
	t.Helper()
	run := runOf(fmt.Sprint("audit-", night), night)
	run.Audit, run.Outcome, run.EndedAt, run.Certificate, run.Findings = true, certificate.Completed, run.StartedAt, "sealed", map[string]int{}
	for finding, of := range found {
		run.Findings[string(finding)] = of.Count
	}
	report, err := purge.Report{Class: run.Class, Run: run.ID, Findings: found}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m.start(t, run)
	m.Bucket[run.ID] = operatortest.Sealed{Report: report}
}

func TestFindingIsShownWithTheNextCommand(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, m memory)
		says []string
		next string
	}{
		"halted plan": {func(t *testing.T, m memory) {
			err := m.Runs.Halt(t.Context(), purge.HaltedPlan{Class: "messaging", Run: "run-0", PlanHash: aPlan, HaltedAt: at, Reasons: []string{"2000 of about 3000 records would be deleted, more than a fifth"}})
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"messaging: the brake halted the purge run-0 at 2026-11-22T03:00:00Z\n  because  2000 of about 3000 records would be deleted, more than a fifth\n  approve  stille purge approve " + aPlan},
			"stille purge approve " + aPlan},
		"old halted plan": {func(t *testing.T, m memory) { m.halted(t, "", at.Add(-8*24*time.Hour)) }, nil, "stille purge run messaging"},
		"running purge": {func(t *testing.T, m memory) {
			m.start(t, run1())
			m.Execute = func(context.Context, string) operator.Execution { return operator.Execution{Running: true} }
		}, []string{"messaging: the purge run-1, started at 2026-11-22T03:00:00Z, is going on\n", "nothing to do"}, ""},
		"running purge after a halted one": {func(t *testing.T, m memory) {
			m.Certify(purge.Run{Class: "messaging", ID: "run-0", StartedAt: at, PlanHash: aPlan}, certificate.Halted, certificate.Counts{Due: 2})
			m.start(t, run1())
			m.Execute = func(context.Context, string) operator.Execution { return operator.Execution{Running: true} }
		}, []string{"messaging      HALTED ", "is going on\n", "nothing to do"}, ""},
		"killed purge": {func(t *testing.T, m memory) {
			m.start(t, run1())
		}, []string{"run-1, started at 2026-11-22T03:00:00Z, was killed"}, "stille purge run messaging"},
		"failed purge": {func(t *testing.T, m memory) {
			m.start(t, run1())
			m.Certify(run1(), certificate.Failed, certificate.Counts{Due: 1, Failed: 1})
		}, []string{"messaging: the last purge ended as FAILED\n\nthe stack", "\nnext: stille purge show run-1\n"}, "stille purge show run-1"},
		"overdue records": {func(t *testing.T, m memory) {
			m.Store(day(2024, 11, 19), day(2024, 11, 19), day(2024, 11, 21)) // the last is due only for some hours
			m.hold(t, retention.RecordTarget("messaging", "sub-1"))
		}, []string{"messaging: 1 record overdue, due for over 26 hours", "messaging: 1 record past the day, and kept by a hold"}, "stille purge plan messaging"},
		"faults of an audit": {func(t *testing.T, m memory) {
			m.Store(day(2026, 11, 20))
			m.Plant(t, "messaging", map[string]any{"id": "broken", "retentionStart": "?"})
			m.audited(t, 1, map[purge.Finding]purge.Found{purge.Unreadable: {Count: 1, IDs: []string{"broken"}}, purge.NotWithdrawn: {Count: 1, IDs: []string{"sub-0"}}})
		}, []string{"messaging: 1 record with a fault that the last audit found"}, "stille mend messaging"},
		"faults of an older audit": {func(t *testing.T, m memory) {
			m.Plant(t, "messaging", map[string]any{"id": "broken", "retentionStart": "?"})
			m.audited(t, 2, nil)
			m.audited(t, 1, map[purge.Finding]purge.Found{purge.Unreadable: {Count: 1, IDs: []string{"broken"}}})
		}, []string{"nothing to do"}, ""},
		"dead letter": {func(_ *testing.T, m memory) {
			m.Queue = []operator.Queue{{Name: "stamp-parked", Messages: 1, Dead: true, URL: "https://sqs/1/stamp-parked"}}
		},
			[]string{"a message is in the dead-letter queue stamp-parked: RUNBOOK.md says"}, "stille queues list"},
		"alarm": {func(_ *testing.T, m memory) {
			m.examine("SES", operator.Complaint{Wrong: "there is no configuration set"})
			m.examine("alarms", operator.Complaint{Wrong: "the alarm waiting-dead rings", Next: "look into the runbook"})
		}, []string{"the alarm waiting-dead rings\n\nthe stack", "\n\nthe alarm waiting-dead rings\n  do: look into the runbook\n"}, "stille doctor"},
		"an alarm beside an overdue record": {func(_ *testing.T, m memory) {
			m.Store(day(2024, 11, 19))
			m.examine("alarms", operator.Complaint{Wrong: "the alarm overdue-messaging rings"})
		}, []string{"the alarm overdue-messaging rings\n"}, "stille purge plan messaging"},
	} {
		t.Run(name, func(t *testing.T) {
			m := inMemory(t)
			c.make(t, m)
			text, inJSON := m.status(t)
			for _, says := range c.says {
				if !strings.Contains(text, says) {
					t.Errorf("it does not say %q:\n%s", says, text)
				}
			}
			if !strings.HasPrefix(inJSON.Next, c.next) || (inJSON.Next == "") != (c.next == "") {
				t.Errorf("next is %q, want %q", inJSON.Next, c.next)
			}
		})
	}
}

func TestMissingTableIsNamed(t *testing.T) {
	m := inMemory(t)
	m.Missing = []string{"test-records-letters"}
	text := m.run(t, "status").ended(t, exitNo).out
	if !strings.Contains(text, "test-records-letters        MISSING  0\n") || !strings.HasPrefix(text, "a table is missing, or not ready\n") || !strings.HasSuffix(text, "\nnext: make deploy\n") {
		t.Errorf("it says\n%s", text)
	}
}

func TestOldKeysAreNamedWithAdvice(t *testing.T) {
	m := inMemory(t)
	m.Primaries = []operator.PrimaryKey{
		{Set: "contact", ID: "00000002", Days: 366}, {Set: "link-email", ID: "00000003", Days: 366},
		{Set: "link-sms", ID: "00000004", Days: 365, Next: "stille keys rotate link"}, {Set: "proof", ID: "00000005", Days: 730},
	}
	text, inJSON := m.status(t)
	advice := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return !strings.Contains(line, "over a year old") })
	want := []string{
		"contact: the key 00000002 is over a year old; it stays, unless it may have leaked: then `stille keys rotate contact`",
		"link-email: the key 00000003 is over a year old; a schedule rotates it once a year: `stille keys rotate link` does it now",
	}
	if diff := cmp.Diff(want, advice); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(inJSON.Keys) != 4 || inJSON.Next != "stille keys rotate link" || inJSON.Because != "the key set link-sms has a step that is due" {
		t.Errorf("next is %q because %q; the keys are %+v", inJSON.Next, inJSON.Because, inJSON.Keys)
	}
}

func TestStatusWorksWithoutAges(t *testing.T) {
	m := inMemory(t)
	m.Ages, m.Keys = errors.New("throttled"), errors.New("no right")
	m.Queue = []operator.Queue{{Name: "purge-missed", Dead: true}}
	m.Examine = []operator.Examination{{About: "alarms", Look: func(context.Context) ([]operator.Complaint, error) { return nil, errors.New("no answer") }}}
	got := m.run(t, "status").ended(t, exitDone)
	if got.errors != "how long messages wait is not known: throttled\nthe keys' ages are not known: no right\nwhich alarms ring is not known: no answer\n" {
		t.Errorf("it says %q", got.errors)
	}
	if !strings.Contains(got.out, "purge-missed  0         -       dead letters\n") || !strings.HasPrefix(got.out, "nothing to do\n") {
		t.Errorf("it answers\n%s", got.out)
	}
}
