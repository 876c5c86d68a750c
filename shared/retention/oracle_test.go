package retention_test

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The naive calendar: it reads dates off the wall clock minute by minute and
// finds a day of the month by asking whether it exists. All offsets have been
// whole minutes since 1972.

// wallDate is the latest date on the wall clock by t. 25 hours back cover clocks
// that went back over midnight by up to a day.
func wallDate(t time.Time, z *time.Location) string {
	latest := ""
	t = t.Truncate(time.Minute)
	for minute := range 25*60 + 1 {
		latest = max(latest, t.Add(-time.Duration(minute)*time.Minute).In(z).Format(time.DateOnly))
	}
	return latest
}

func naiveLastDay(start time.Time, z *time.Location, n int, unit string) string {
	date := wallDate(start, z)
	year, _ := strconv.Atoi(date[:4])
	month, _ := strconv.Atoi(date[5:7])
	day, _ := strconv.Atoi(date[8:])
	switch unit {
	case "D":
		for noon := time.Date(year, time.Month(month), day, 12, 0, 0, 0, time.UTC); ; noon = noon.Add(24 * time.Hour) {
			if n == 0 {
				return noon.Format(time.DateOnly)
			}
			n--
		}
	case "Y":
		year += n
	case "M":
		for range n {
			if month++; month == 13 {
				year, month = year+1, 1
			}
		}
	}
	for ; ; day-- {
		text := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC).Format("2006-01-") + strconv.Itoa(100 + day)[1:]
		if _, err := time.Parse(time.DateOnly, text); err == nil {
			return text
		}
	}
}

func naiveDueFrom(lastDay string, z *time.Location) time.Time {
	noon, _ := time.Parse(time.DateOnly, lastDay)
	for t := noon.Add(-48 * time.Hour); ; t = t.Add(time.Minute) {
		if t.In(z).Format(time.DateOnly) > lastDay {
			return t
		}
	}
}

func TestDayAgreesWithNaiveCalendar(t *testing.T) {
	inEveryZone(t, func(t *rapid.T, z *time.Location) {
		start := drawInstant(t, z, 1974, 2070)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		unit := rapid.SampledFrom([]string{"Y", "M", "D"}).Draw(t, "unit")
		p := period(t, "P"+strconv.Itoa(n)+unit)

		wantDay := naiveLastDay(start, z, n, unit)
		if got := p.LastDay(start, z).String(); got != wantDay {
			t.Fatalf("%v %v in %v: last day %s, the wall clock says %s", start, p, z, got, wantDay)
		}
		if got, want := p.DueFrom(start, z), naiveDueFrom(wantDay, z); !got.Equal(want) {
			t.Fatalf("%v %v in %v: due from %v, the wall clock says %v", start, p, z, got, want)
		}
	})
}

func TestCutoffIsFirstStartNotDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones()).Draw(t, "zone"))
		n := rapid.IntRange(1, 30).Draw(t, "n")
		now := drawInstant(t, z, 1985, 2070)
		p := period(t, "P"+strconv.Itoa(n)+"M")
		cutoff := p.StartsBefore(now, z)
		due := func(start time.Time) bool {
			return !now.Before(naiveDueFrom(naiveLastDay(start, z, n, "M"), z))
		}
		if due(cutoff) || !due(cutoff.Add(-time.Second)) {
			t.Fatalf("%v in %v at %v: %v is not where due starts end", p, z, now, cutoff)
		}
	})
}
