package suppression_test

import (
	"testing"
	"time"

	"stille/shared/ledger"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

func TestEntriesTouchTheClassesTheyMust(t *testing.T) {
	for _, test := range []struct {
		name                          string
		entry                         ledger.Entry
		announced, messaging, service bool
	}{
		{"an opt-out", ledger.Entry{Action: ledger.Suppressed, Reason: "stop"}, true, true, false},
		{"a release", ledger.Entry{Action: ledger.Released, Reason: "stop"}, true, true, false},
		{"an overtaken opt-out", ledger.Entry{Action: ledger.Noted, Reason: "stop"}, false, false, false},
		{"an erasure", ledger.Entry{Action: ledger.Suppressed, Reason: "erasure"}, true, true, true},
		{"an overtaken erasure", ledger.Entry{Action: ledger.Noted, Reason: "erasure"}, false, true, true},
		{"a taking-over", ledger.Entry{Action: ledger.Rekeyed}, false, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := suppression.Announced(test.entry); got != test.announced {
				t.Errorf("announced %v", got)
			}
			messaging, service := suppression.Touches(test.entry, "messaging"), suppression.Touches(test.entry, "service")
			if messaging != test.messaging || service != test.service {
				t.Errorf("touches messaging %v, service %v", messaging, service)
			}
		})
	}
}

func TestWithdrawalsMoveAsEntriesSay(t *testing.T) {
	for _, test := range []struct {
		name       string
		reason     suppression.Reason
		releasedAt int // hour; 0: not released
		kept       suppression.Kept
		at         time.Time
		moves      bool
	}{
		{"a record is withdrawn", "stop", 0, suppression.Kept{}, hour(8), true},
		{"an earlier withdrawal stays", "stop", 0, suppression.Kept{WithdrawnAt: hour(7)}, hour(8), false},
		{"the same second stays", "stop", 0, suppression.Kept{WithdrawnAt: hour(8).Add(time.Millisecond)}, hour(8), false},
		{"a later withdrawal becomes earlier", "stop", 0, suppression.Kept{WithdrawnAt: hour(9)}, hour(8), true},
		{"a newer record stays", "stop", 0, suppression.Kept{OccurredAt: hour(9)}, time.Time{}, false},
		{"a release ends a withdrawal", "stop", 10, suppression.Kept{WithdrawnAt: hour(8)}, time.Time{}, true},
		{"a release ends one of its instant", "stop", 10, suppression.Kept{WithdrawnAt: hour(10)}, time.Time{}, true},
		{"a release leaves a newer withdrawal", "stop", 10, suppression.Kept{WithdrawnAt: hour(11)}, time.Time{}, false},
		{"a release of nothing moves nothing", "stop", 10, suppression.Kept{}, time.Time{}, false},
		{"a release leaves another brand", "stop", 10, suppression.Kept{Scope: "globex", WithdrawnAt: hour(8)}, time.Time{}, false},
		{"a release leaves another class", "stop", 10, suppression.Kept{Class: "service", WithdrawnAt: hour(8)}, time.Time{}, false},
		{"a bounce's release ends no withdrawal", "hard-bounce", 10, suppression.Kept{WithdrawnAt: hour(8)}, time.Time{}, false},
		{"an erasure's release leaves the withdrawal", "erasure", 10, suppression.Kept{}, hour(8), true},
		{"an erasure's release ends no newer one", "erasure", 10, suppression.Kept{OccurredAt: hour(9), WithdrawnAt: hour(9)}, time.Time{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var list suppressiontest.List
			change := func(c suppression.Change) ledger.Entry {
				t.Helper()
				outcome, err := list.Apply(t.Context(), somebody, c, hour(20))
				if err != nil {
					t.Fatal(err)
				}
				return *outcome.Entry
			}
			entry := change(optOut(test.reason, 8))
			if test.releasedAt > 0 {
				c := optOut(test.reason, test.releasedAt)
				c.Action = suppression.Release
				entry = change(c)
			}
			kept := test.kept
			if kept.Class == "" {
				kept.Class = "messaging"
			}
			if kept.Scope == "" {
				kept.Scope = "acme"
			}
			at, moves := suppression.Withdrawal(list.Item(somebody.Keys[0]), entry, kept)
			if moves != test.moves || !at.Equal(test.at) {
				t.Errorf("moves %v to %v, want %v to %v", moves, at, test.moves, test.at)
			}
		})
	}
}

func TestATimeOfAnEventIsPlausible(t *testing.T) {
	now := hour(12)
	for at, good := range map[time.Time]bool{
		now: true, now.Add(time.Nanosecond): false, now.Add(-time.Nanosecond): true,
		time.Unix(0, 0): true, time.Unix(0, -1): false, {}: false,
	} {
		if err := suppression.CheckTime(at, now); (err == nil) != good {
			t.Errorf("%v: error %v", at, err)
		}
	}
}
