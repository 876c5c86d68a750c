package release_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/release"
	"stille/shared/suppression"
)

var errDown = errors.New("the store is down")

// hour is an hour of a day.
func hour(n int) time.Time { return time.Date(2026, 11, 20, n, 0, 0, 0, time.UTC) }

// memory is a list of one contact. Somebody else opts it out between the reads.
type memory struct {
	item     suppression.Item
	meantime []suppression.Change // one before each write
	err      error                // of a write
	writes   int
}

func (m *memory) Get(context.Context, []contact.Key) (suppression.Item, error) { return m.item, nil }

func (m *memory) Apply(_ context.Context, _ contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	m.writes++
	if m.err != nil {
		return suppression.Outcome{}, m.err
	}
	if len(m.meantime) > 0 {
		if _, err := m.apply(m.meantime[0], now); err != nil {
			return suppression.Outcome{}, err
		}
		m.meantime = m.meantime[1:]
	}
	return m.apply(c, now)
}

func (m *memory) apply(c suppression.Change, now time.Time) (suppression.Outcome, error) {
	outcome, err := suppression.Apply(m.item, c, "01K", now)
	m.item = outcome.Item
	return outcome, err
}

func optOut(r suppression.Reason, at int) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: hour(at), Source: suppression.SourceTool}
}

func TestAnOptOutInBetweenIsSeenInTheAnswer(t *testing.T) {
	for _, test := range []struct {
		name     string
		meantime []suppression.Change
		want     suppression.Refusal
	}{
		{"nobody", nil, ""},
		{"one newer than the consent", []suppression.Change{optOut("unsubscribed", 13)}, suppression.OlderThanOptOut},
		{"one newer, for another reason", []suppression.Change{optOut("stop", 13)}, suppression.OlderThanOptOut},
		{"one older, for another reason", []suppression.Change{optOut("stop", 9)}, ""},
		{"a complaint", []suppression.Change{optOut("complaint", 9)}, suppression.NeedsOperator},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := &memory{meantime: test.meantime}
			if _, err := list.apply(optOut("unsubscribed", 8), hour(20)); err != nil {
				t.Fatal(err)
			}
			got, item, err := release.Lift(t.Context(), list, contact.Known{Channel: contact.Email, Keys: []contact.Key{"k"}}, suppression.Consent{Scope: "acme", At: hour(12)}, hour(20))
			if err != nil || got != test.want {
				t.Errorf("refusal %q, want %q; error %v", got, test.want, err)
			}
			if send := suppression.Decide(item, suppression.Marketing, "acme").Send; send != (test.want == "") {
				t.Errorf("send %v", send)
			}
		})
	}
}

func TestAContactThatKeepsChangingIsNoAnswer(t *testing.T) {
	list := &memory{meantime: []suppression.Change{optOut("stop", 9), optOut("manual", 9), optOut("imported", 9), optOut("objection", 9), optOut("erasure", 9)}}
	if _, err := list.apply(optOut("unsubscribed", 8), hour(20)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := release.Lift(t.Context(), list, contact.Known{Channel: contact.Email, Keys: []contact.Key{"k"}}, suppression.Consent{Scope: "acme", At: hour(12)}, hour(20)); !errors.Is(err, release.ErrUnsettled) {
		t.Errorf("error %v", err)
	}
}

func TestAWriteThatFailsIsTheError(t *testing.T) {
	list := &memory{err: errDown}
	if _, err := list.apply(optOut("unsubscribed", 8), hour(20)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := release.Lift(t.Context(), list, contact.Known{Channel: contact.Email, Keys: []contact.Key{"k"}}, suppression.Consent{Scope: "acme", At: hour(12)}, hour(20)); !errors.Is(err, errDown) || list.writes != 1 {
		t.Errorf("error %v after %d writes", err, list.writes)
	}
}
