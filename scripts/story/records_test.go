package main

import (
	"testing"
	"time"
	_ "time/tzdata"

	"stille/shared/retention"
)

// The story must run on every day of the year, also after the end of a month.
func TestEveryDayHasADueStartAndAnother(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range classes() {
		keep, err := retention.ParsePeriod(class.keep)
		if err != nil {
			t.Fatal(err)
		}
		for day := range 4 * 366 {
			now := time.Date(2026, 1, 1+day, 9, 0, 0, 0, time.UTC)
			due, _, err := newestDue(keep, now, -1)
			if err != nil || keep.DueFrom(due, zone).After(now.Add(-24*time.Hour)) {
				t.Fatalf("%s on %v: due %v, error %v", class.name, now, due, err)
			}
			if _, notDue, err := newestDue(keep, now, 0); err != nil || !keep.DueFrom(notDue, zone).After(now) {
				t.Fatalf("%s on %v: not due %v, error %v", class.name, now, notDue, err)
			}
		}
	}
}
