package retention_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stille/shared/retention"
)

func TestDayIsRightInZonesThatConfuseCalendars(t *testing.T) {
	type answer struct{ LastDay, DueFrom string }
	for _, c := range []struct {
		name, start, keep, zone string
		want                    answer
	}{
		{"no midnight in Santiago", "2025-09-05T12:00:00Z", "P1D", "America/Santiago", answer{"2025-09-06", "2025-09-07T04:00:00Z"}},
		{"no midnight in Havana", "2025-03-07T12:00:00Z", "P1D", "America/Havana", answer{"2025-03-08", "2025-03-09T05:00:00Z"}},
		{"no midnight in Beirut", "2025-03-28T12:00:00Z", "P1D", "Asia/Beirut", answer{"2025-03-29", "2025-03-29T22:00:00Z"}},
		{"no midnight in Asuncion", "2023-09-30T12:00:00Z", "P1D", "America/Asuncion", answer{"2023-10-01", "2023-10-02T03:00:00Z"}},
		{"two midnights' hours in Santiago", "2025-04-04T12:00:00Z", "P1D", "America/Santiago", answer{"2025-04-05", "2025-04-06T04:00:00Z"}},
		{"kept through a day that Apia skipped", "2011-12-29T12:00:00Z", "P1D", "Pacific/Apia", answer{"2011-12-30", "2011-12-30T10:00:00Z"}},
		{"kept through the day before the one Apia skipped", "2011-11-29T12:00:00Z", "P1M", "Pacific/Apia", answer{"2011-12-29", "2011-12-30T10:00:00Z"}},
		{"a month after the day Apia skipped", "2011-11-30T12:00:00Z", "P1M", "Pacific/Apia", answer{"2011-12-30", "2011-12-30T10:00:00Z"}},
		{"an offset of odd seconds, before zones were invented", "1800-01-31T12:00:00Z", "P1M", "Europe/Oslo", answer{"1800-02-28", "1800-02-28T23:17:00Z"}},
		{"the last day of a leap year far ahead", "2044-12-31T05:00:00Z", "P1M", "Europe/Oslo", answer{"2045-01-31", "2045-01-31T23:00:00Z"}},
		{"due on the last day of a leap year far ahead", "2044-11-30T05:00:00Z", "P30D", "America/New_York", answer{"2044-12-30", "2044-12-31T05:00:00Z"}},
		{"no leap day in 1900", "1896-02-29T12:00:00Z", "P4Y", "UTC", answer{"1900-02-28", "1900-03-01T00:00:00Z"}},
		{"a leap day in 2000", "1996-02-29T12:00:00Z", "P4Y", "UTC", answer{"2000-02-29", "2000-03-01T00:00:00Z"}},
		{"the first year there is", "0001-01-01T00:00:00Z", "P1M", "UTC", answer{"0001-02-01", "0001-02-02T00:00:00Z"}},
		{"the last instant of four-digit years", "9999-12-31T23:59:59.999999999Z", "P1D", "Europe/Oslo", answer{"10000-01-02", "10000-01-02T23:00:00Z"}},
		{"a hundred years of days", "2025-01-01T00:00:00Z", "P36500D", "UTC", answer{"2124-12-08", "2124-12-09T00:00:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, z, start := period(t, c.keep), zone(t, c.zone), instant(t, c.start)
			got := answer{p.LastDay(start, z).String(), p.DueFrom(start, z).Format(time.RFC3339Nano)}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// In St John's the clock of 29 October 2006 went back from 00:01 to 23:01 on
// the 28th.
func TestBegunDayStaysBegunWhenClockGoesBack(t *testing.T) {
	p, stJohns := period(t, "P1M"), zone(t, "America/St_Johns")
	var got []string
	for _, start := range []string{"2006-10-29T02:29:59Z", "2006-10-29T02:30:30Z", "2006-10-29T02:45:00Z"} {
		got = append(got, p.LastDay(instant(t, start), stJohns).String())
	}
	if diff := cmp.Diff([]string{"2006-11-28", "2006-11-29", "2006-11-29"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// zones lists zones with an odd clock, and ordinary zones.
func zones() []string {
	return []string{
		"UTC", "Europe/Oslo", "Europe/Vilnius", "Europe/Lisbon", "Europe/Dublin", "America/New_York", "America/Santiago",
		"America/Havana", "America/Asuncion", "America/Sao_Paulo", "America/St_Johns", "America/Caracas", "America/Nuuk",
		"Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia", "Asia/Beirut", "Asia/Amman", "Asia/Tehran", "Asia/Gaza",
		"Asia/Kathmandu", "Asia/Pyongyang", "Asia/Manila", "Australia/Lord_Howe", "Antarctica/Troll", "Antarctica/Casey",
		"Atlantic/Azores", "Pacific/Apia", "Pacific/Fakaofo", "Pacific/Kiritimati", "Pacific/Kwajalein", "Pacific/Chatham",
	}
}

// inEveryZone checks a property in each zone.
func inEveryZone(t *testing.T, property func(*rapid.T, *time.Location)) {
	t.Helper()
	for _, name := range zones() {
		t.Run(name, func(t *testing.T) {
			z := zone(t, name)
			rapid.Check(t, func(t *rapid.T) { property(t, z) })
		})
	}
}

func drawPeriod(t *rapid.T) retention.Period {
	n := rapid.IntRange(1, 120).Draw(t, "n")
	unit := rapid.SampledFrom([]string{"Y", "M", "D"}).Draw(t, "unit")
	if unit == "Y" {
		n = n%10 + 1
	}
	return period(t, "P"+strconv.Itoa(n)+unit)
}

// drawInstant prefers instants close to a change of the zone's clock or to the
// limit of a date. Instants have fractions of a second.
func drawInstant(t *rapid.T, z *time.Location, fromYear, throughYear int) time.Time {
	year := rapid.IntRange(fromYear, throughYear).Draw(t, "year")
	day := rapid.IntRange(1, 366).Draw(t, "day")
	at := time.Date(year, time.January, day, 0, 0, 0, 0, z)
	if _, end := at.ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "at a change of the clock") {
		at = end
	}
	seconds := rapid.IntRange(-30*3600, 30*3600).Draw(t, "seconds")
	nanoseconds := rapid.SampledFrom([]int{0, 0, -1, 1, 500_000_000, 999_999_999}).Draw(t, "nanoseconds")
	return at.Add(time.Duration(seconds)*time.Second + time.Duration(nanoseconds)).UTC()
}

func TestCutoffAgreesWithForwardRule(t *testing.T) {
	inEveryZone(t, func(t *rapid.T, z *time.Location) {
		p := drawPeriod(t)
		now := drawInstant(t, z, 1, 9999)
		cutoff := p.StartsBefore(now, z)
		if cutoff.Nanosecond() != 0 {
			t.Fatalf("cutoff %v has a fraction", cutoff)
		}
		near := rapid.IntRange(-200_000, 200_000).Draw(t, "seconds from the cutoff")
		for _, start := range []time.Time{
			cutoff.Add(-1), cutoff, cutoff.Add(1), cutoff.Add(-time.Second), cutoff.Add(time.Second),
			cutoff.Add(time.Duration(near) * time.Second), drawInstant(t, z, 1, 9999),
		} {
			due := !now.Before(p.DueFrom(start, z))
			if due != start.Before(cutoff) {
				t.Fatalf("%v in %v at %v: cutoff %v, but start %v due: %v (from %v)", p, z, now, cutoff, start, due, p.DueFrom(start, z))
			}
		}
	})
}

func TestLaterStartIsNeverDueSooner(t *testing.T) {
	inEveryZone(t, func(t *rapid.T, z *time.Location) {
		p := drawPeriod(t)
		start := drawInstant(t, z, 1, 9999)
		later := start.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "later by")))
		if p.DueFrom(later, z).Before(p.DueFrom(start, z)) {
			t.Fatalf("%v in %v: %v is due before %v", p, z, later, start)
		}
		if !start.Before(p.DueFrom(start, z)) {
			t.Fatalf("%v in %v: %v is due at once", p, z, start)
		}
	})
}
