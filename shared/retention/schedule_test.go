package retention_test

import (
	"testing"
	"time"
)

func TestNextPurgeFollowsClockOfZone(t *testing.T) {
	class, ok := load(t, file(map[string]string{"schedule": "schedule: cron(40 3 * * ? *)"})).Class("invoices")
	if !ok {
		t.Fatal("no class invoices")
	}
	for _, c := range []struct{ name, after, want string }{
		{"in the evening", "2026-11-21T20:00:00Z", "2026-11-22T02:40:00Z"},
		{"after midnight in Oslo, before it in UTC", "2026-11-21T23:30:00Z", "2026-11-22T02:40:00Z"},
		{"a second before it", "2026-11-22T02:39:59Z", "2026-11-22T02:40:00Z"},
		{"as it starts", "2026-11-22T02:40:00Z", "2026-11-23T02:40:00Z"},
		{"in the morning", "2026-11-22T08:00:00Z", "2026-11-23T02:40:00Z"},
		{"in summer", "2026-07-01T12:00:00Z", "2026-07-02T01:40:00Z"},
		{"over the change to summer time", "2026-03-28T12:00:00Z", "2026-03-29T01:40:00Z"},
		{"over the change to winter time", "2026-10-24T12:00:00Z", "2026-10-25T02:40:00Z"},
		{"over the end of a year", "2026-12-31T12:00:00Z", "2027-01-01T02:40:00Z"},
	} {
		if got := class.NextPurge(instant(t, c.after)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
