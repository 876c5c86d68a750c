package retention_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"stille/shared/retention"
	"stille/shared/scope"
)

// A record that falls due just after a purge must not be overdue before the
// next one has ended. A night with the clock set back makes that 25 hours.
func TestDueRecordWaitsForNextPurgeBeforeOverdue(t *testing.T) {
	if retention.OverdueAfter <= 25*time.Hour || retention.OverdueAfter > 48*time.Hour {
		t.Errorf("overdue after %v", retention.OverdueAfter)
	}
}

func TestBackupIsGoneOnTheEighthDay(t *testing.T) {
	for deleted, want := range map[string]string{
		"2026-11-22T00:00:00Z":      "2026-11-30",
		"2026-11-22T23:59:59Z":      "2026-11-30",
		"2026-11-22T23:59:59-05:00": "2026-12-01", // counted in UTC
		"2024-02-22T12:00:00Z":      "2024-03-01",
	} {
		if got := retention.BackupGoneOn(instant(t, deleted)).String(); got != want {
			t.Errorf("deleted at %s: gone on %s, want %s", deleted, got, want)
		}
	}
}

func TestPlausibleStartIsFrom2000ThroughTomorrow(t *testing.T) {
	now := instant(t, "2026-11-22T03:00:00Z")
	for _, c := range []struct {
		start string
		want  bool
	}{
		{"1970-01-01T00:00:00Z", false},
		{"1999-12-31T23:59:59Z", false},
		{"2000-01-01T00:30:00+01:00", false}, // still 1999 in UTC
		{"2000-01-01T00:00:00Z", true},
		{"2024-08-31T10:00:00Z", true},
		{"2026-11-23T03:00:00Z", true},
		{"2026-11-23T03:00:00.000000001Z", false},
	} {
		if got := retention.PlausibleStart(instant(t, c.start), now); got != c.want {
			t.Errorf("%s: %v, want %v", c.start, got, c.want)
		}
	}
}

func TestLongestPeriodIsAHundredYears(t *testing.T) {
	for _, text := range []string{"P100Y", "P1200M", "P36500D"} {
		if got := period(t, text).String(); got != text {
			t.Errorf("%s reads as %s", text, got)
		}
	}
}

func TestRecordWithoutScopeBelongsToEveryScope(t *testing.T) {
	for given, want := range map[scope.Scope]scope.Scope{"": scope.Everywhere, "acme": "acme"} {
		if got := (retention.Record{Scope: given}).Owner(); got != want {
			t.Errorf("%q belongs to %q, want %q", given, got, want)
		}
	}
}

func TestOnlyRunningRecordHasPlaceByActivity(t *testing.T) {
	r := retention.Record{OccurredAt: instant(t, "2024-08-31T10:00:00Z"), LastActivityAt: instant(t, "2024-09-30T10:00:00.5Z")}
	for sort, want := range map[string]string{"": "2024-09-30T10:00:00Z", "2024-08-31T10:00:00Z": ""} {
		if got := r.ActiveSort(sort); got != want {
			t.Errorf("with the place %q by start: %q, want %q", sort, got, want)
		}
	}
}

func TestRecordWithObjectsOrMarkTakesTwoSteps(t *testing.T) {
	for name, c := range map[string]struct {
		stored retention.Stored
		want   bool
	}{
		"neither":    {retention.Stored{}, false},
		"an object":  {retention.Stored{Record: retention.Record{Objects: []string{"s3://letters/a"}}}, true},
		"a mark":     {retention.Stored{PurgingBy: "run-1"}, true},
		"both of it": {retention.Stored{Record: retention.Record{Objects: []string{"s3://letters/a"}}, PurgingBy: "run-1"}, true},
	} {
		if got := c.stored.InTwoSteps(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWithdrawalIsKnownInItsSortedForm(t *testing.T) {
	at := instant(t, "2026-11-22T03:00:00.7+01:00")
	for stored, want := range map[string]bool{"2026-11-22T02:00:00Z": true, "2026-11-22T03:00:00+01:00": false, "2026-11-22T02:00:01Z": false, "": false} {
		if got := (retention.Stored{WithdrawnSort: stored}).WithdrawnAs(at); got != want {
			t.Errorf("%q: %v", stored, got)
		}
	}
}

// The fingerprint covers every change of the clock from 2000 to 2040: this test
// looks for the changes in steps of a quarter of an hour.
func TestFingerprintCoversEveryClockChange(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Oslo", "Africa/Cairo", "Australia/Lord_Howe"} {
		z := zone(t, name)
		sum, last := sha256.New(), -1
		for at := instant(t, "2000-01-01T00:00:00Z"); at.Before(instant(t, "2040-01-01T00:00:00Z")); at = at.Add(15 * time.Minute) {
			if _, offset := at.In(z).Zone(); offset != last {
				fmt.Fprintf(sum, "%d %d\n", at.Unix(), offset)
				last = offset
			}
		}
		if got, want := retention.Fingerprint(z), name+" "+hex.EncodeToString(sum.Sum(nil)[:8]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
