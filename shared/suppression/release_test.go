package suppression_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stille/shared/scope"
	"stille/shared/suppression"
)

type standing = map[scope.Scope]map[suppression.Reason]suppression.Mark

// hour is an hour of the day of the golden table.
func hour(n int) time.Time { return time.Date(2026, 11, 20, n, 0, 0, 0, time.UTC) }

func silent(since int) suppression.Mark {
	return suppression.Mark{First: hour(since), Last: hour(since), Source: suppression.SourceTool}
}

func lifted(since, at int) suppression.Mark {
	m := silent(since)
	m.ReleasedAt = hour(at)
	return m
}

func TestConsentAtNoonLiftsOlderMarks(t *testing.T) {
	const (
		unsubscribed, stop, objection = suppression.Unsubscribed, suppression.Stop, suppression.Objection
		complaint, bounce             = suppression.Complaint, suppression.HardBounce
	)
	every := map[suppression.Reason]suppression.Mark{}
	for _, r := range []suppression.Reason{unsubscribed, stop, objection, suppression.Manual, suppression.Imported, suppression.Erasure} {
		every[r] = silent(8)
	}
	for _, test := range []struct {
		name     string
		marks    standing
		operator bool
		lifts    []suppression.Reason
		refusal  suppression.Refusal
	}{
		{"nobody knows the contact", nil, false, nil, suppression.NotSuppressed},
		{"an older opt-out", standing{"acme": {unsubscribed: silent(8)}}, false, []suppression.Reason{unsubscribed}, ""},
		{"every reason that a person or a company gave", standing{"acme": every}, false,
			[]suppression.Reason{unsubscribed, stop, objection, suppression.Manual, suppression.Imported, suppression.Erasure}, ""},
		{"an opt-out in the same instant", standing{"acme": {unsubscribed: silent(12)}}, false, nil, suppression.OlderThanOptOut},
		{"a newer opt-out", standing{"acme": {stop: silent(13)}}, false, nil, suppression.OlderThanOptOut},
		{"an older and a newer opt-out", standing{"acme": {unsubscribed: silent(8), stop: silent(13)}}, false, []suppression.Reason{unsubscribed}, suppression.OlderThanOptOut},
		{"a complaint", standing{"acme": {complaint: silent(8)}}, false, nil, suppression.NeedsOperator},
		{"a hard bounce everywhere", standing{"*": {bounce: silent(8)}}, false, nil, suppression.NeedsOperator},
		{"a complaint of a topic below", standing{"acme/newsletter": {complaint: silent(8)}}, false, nil, suppression.NotSuppressed},
		{"a complaint of another brand", standing{"globex": {complaint: silent(8)}}, false, nil, suppression.NotSuppressed},
		{"a complaint that an operator lifted", standing{"acme": {complaint: lifted(8, 9)}}, false, nil, suppression.NotSuppressed},
		{"an older opt-out and a complaint above", standing{"acme": {unsubscribed: silent(8)}, "*": {complaint: silent(8)}}, false, []suppression.Reason{unsubscribed}, suppression.NeedsOperator},
		{"a newer opt-out and a complaint", standing{"acme": {unsubscribed: silent(13), complaint: silent(8)}}, false, nil, suppression.NeedsOperator},
		{"an erasure above", standing{"*": {suppression.Erasure: silent(8)}}, false, nil, suppression.NeedsOperator},
		{"an older opt-out here and an erasure above", standing{"acme": {unsubscribed: silent(8)}, "*": {suppression.Erasure: silent(8)}}, false, []suppression.Reason{unsubscribed}, suppression.NeedsOperator},
		{"an opt-out above", standing{"*": {objection: silent(8)}}, false, nil, suppression.NotSuppressed},
		{"an opt-out of a topic below", standing{"acme/newsletter": {unsubscribed: silent(8)}}, false, nil, suppression.NotSuppressed},
		{"an older opt-out here and one above", standing{"acme": {unsubscribed: silent(8)}, "*": {objection: silent(8)}}, false, []suppression.Reason{unsubscribed}, ""},
		{"what this consent lifted before", standing{"acme": {unsubscribed: lifted(8, 12)}}, false, nil, ""},
		{"what a newer consent lifted before", standing{"acme": {unsubscribed: lifted(8, 13)}}, false, nil, ""},
		{"what this consent lifted, with an opt-out since", standing{"acme": {unsubscribed: lifted(8, 12), stop: silent(13)}}, false, nil, suppression.OlderThanOptOut},
		{"what this consent lifted, with a complaint since", standing{"acme": {unsubscribed: lifted(8, 12), complaint: silent(13)}}, false, nil, suppression.NeedsOperator},
		{"what an undo lifted before the consent", standing{"acme": {unsubscribed: lifted(8, 9)}}, false, nil, suppression.NotSuppressed},
		{"a newer opt-out that a newer consent lifted", standing{"acme": {unsubscribed: lifted(13, 14)}}, false, nil, suppression.NotSuppressed},
		{"a release of what never was", standing{"acme": {unsubscribed: {ReleasedAt: hour(12)}}}, false, nil, suppression.NotSuppressed},
		{"a reason of a later version", standing{"acme": {"bored": silent(8)}}, false, nil, suppression.NeedsOperator},

		{"an operator, a complaint and a bounce", standing{"acme": {complaint: silent(8), bounce: silent(8)}}, true, []suppression.Reason{complaint, bounce}, ""},
		{"an operator, a complaint above", standing{"*": {complaint: silent(8)}}, true, nil, suppression.NeedsOperator},
		{"an operator, a newer complaint", standing{"acme": {complaint: silent(13)}}, true, nil, suppression.OlderThanOptOut},
		{"an operator, a reason of a later version", standing{"acme": {"bored": silent(8)}}, true, nil, suppression.OlderThanOptOut},
		{"an operator again", standing{"acme": {complaint: lifted(8, 12)}}, true, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			consent := suppression.Consent{Scope: "acme", At: hour(12), Source: "tool:crm", Evidence: "case/1", Operator: test.operator}
			item := suppression.Item{Key: "k", Channel: "email", Marks: test.marks}
			var want []suppression.Change
			for _, r := range test.lifts {
				want = append(want, suppression.Change{
					Action: suppression.Release, Scope: "acme", Reason: r, At: hour(12), Source: "tool:crm", Note: "case/1",
				})
			}
			got := consent.Lifts(item)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lifts (-want +got):\n%s", diff)
			}
			item = lift(t, item, got)
			if refusal := consent.Refusal(item); refusal != test.refusal || len(consent.Lifts(item)) != 0 {
				t.Errorf("refusal %q, want %q; %d more to lift", refusal, test.refusal, len(consent.Lifts(item)))
			}
		})
	}
}

func lift(t interface{ Fatal(...any) }, item suppression.Item, changes []suppression.Change) suppression.Item {
	for _, c := range changes {
		outcome, err := suppression.Apply(item, c, "01K", hour(23))
		if err != nil || outcome.Effect != suppression.Lifted {
			t.Fatal(outcome.Effect, err)
		}
		item = outcome.Item
	}
	return item
}

func TestConsentEverywhereMeetsOnlyMarksEverywhere(t *testing.T) {
	consent := suppression.Consent{Scope: scope.Everywhere, At: hour(12)}
	item := suppression.Item{Marks: standing{"*": {suppression.Objection: silent(8)}, "acme": {suppression.Complaint: silent(8)}}}
	if got := consent.Refusal(lift(t, item, consent.Lifts(item))); got != "" {
		t.Errorf("refused: %s", got)
	}
}

// Whatever stood before: a consent that was not refused leaves nothing in its
// scope, lifts nothing elsewhere, and is answered the same again.
func TestAReleaseMeansWhatItSays(t *testing.T) {
	scopes := []scope.Scope{"*", "acme", "acme/newsletter", "globex"}
	reasons := []suppression.Reason{"unsubscribed", "stop", "complaint", "hard-bounce", "objection", "erasure", "manual", "imported"}
	rapid.Check(t, func(t *rapid.T) {
		item := suppression.Item{Key: "k", Channel: "email", Marks: standing{}}
		for range rapid.IntRange(0, 8).Draw(t, "marks") {
			s, m := rapid.SampledFrom(scopes).Draw(t, "scope"), silent(rapid.IntRange(1, 20).Draw(t, "since"))
			if rapid.Bool().Draw(t, "released") {
				m.ReleasedAt = hour(rapid.IntRange(1, 20).Draw(t, "releasedAt"))
			}
			if item.Marks[s] == nil {
				item.Marks[s] = map[suppression.Reason]suppression.Mark{}
			}
			item.Marks[s][rapid.SampledFrom(reasons).Draw(t, "reason")] = m
		}
		consent := suppression.Consent{
			Scope: rapid.SampledFrom(scopes).Draw(t, "in"), At: hour(rapid.IntRange(1, 20).Draw(t, "at")), Operator: rapid.Bool().Draw(t, "operator"),
		}
		after := lift(t, item, consent.Lifts(item))
		if consent.Refusal(after) != "" {
			return
		}
		for r, m := range after.Marks[consent.Scope] {
			if m.Active() {
				t.Fatal("released, but it stands in its scope:", r)
			}
		}
		d := suppression.Decide(after, suppression.Marketing, consent.Scope)
		if !d.Send && d.Scope.Covers(consent.Scope) && (d.Reason == suppression.Complaint || d.Reason == suppression.HardBounce) {
			t.Fatal("released, but stopped by:", d.Reason)
		}
		delete(item.Marks, consent.Scope)
		delete(after.Marks, consent.Scope)
		if diff := cmp.Diff(item.Marks, after.Marks); diff != "" {
			t.Fatal("it changed another scope", diff)
		}
	})
}
