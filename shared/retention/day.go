package retention

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Day is a date in some zone.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// String is the day as 2006-01-02.
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// LastDay is the last day on which a record that started at start is kept in
// full: the same date one period later in the zone, or the last day of that
// month if the month lacks the date (domstolloven section 148, Regulation (EEC,
// Euratom) 1182/71 article 3).
func (p Period) LastDay(start time.Time, zone *time.Location) Day {
	return dayOf(start, zone).add(p)
}

// DueFrom is the instant, in UTC, from which the record is due: the first
// instant whose date in the zone is later than LastDay. It is not always
// midnight, and not always on the next date.
func (p Period) DueFrom(start time.Time, zone *time.Location) time.Time {
	return p.LastDay(start, zone).next().begins(zone)
}

// StartsBefore is the cutoff of a query: a record is due at now if, and only
// if, it started before the returned instant (UTC, whole seconds). StartsBefore
// steps the forward rule. To subtract the period from now would be days wrong
// at the ends of months.
func (p Period) StartsBefore(now time.Time, zone *time.Location) time.Time {
	today := dayOf(now, zone)
	if p.unit == 'D' {
		return newDay(today.Year, today.Month, today.Day-p.n).begins(zone)
	}
	day := newDay(today.Year, today.Month-time.Month(p.months()), 1)
	for day.add(p).before(today) {
		day = day.next()
	}
	return day.begins(zone)
}

// dayOf is the latest day that has begun in the zone at t. It is the date on
// the wall, except where the clock goes back over midnight (St John's until
// 2011, at 00:01): a day that has begun stays begun, so that a later start is
// never due sooner.
func dayOf(t time.Time, zone *time.Location) Day {
	year, month, date := t.In(zone).Date()
	day := Day{year, month, date}
	for next := day.next(); !t.Before(next.begins(zone)); next = next.next() {
		day = next
	}
	return day
}

// mostOffset is more than the offset of any zone from UTC has ever been.
const mostOffset = 26 * time.Hour

// begins is the first instant, in UTC, whose date in the zone is d or later.
// It walks the zone's stretches of constant offset, since midnight does not
// exist everywhere (time.Date is an hour early in Santiago), nor every day
// (Apia had no 30 December 2011).
func (d Day) begins(zone *time.Location) time.Time {
	midnight := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	for t := midnight.Add(-mostOffset); ; {
		_, offset := t.In(zone).Zone()
		begin := midnight.Add(-time.Duration(offset) * time.Second)
		if begin.Before(t) {
			begin = t
		}
		end, changes := nextChange(t, zone)
		if !changes || begin.Before(end) {
			return begin
		}
		t = end
	}
}

// nextChange is an instant after t, in UTC, until which the zone keeps its
// offset at t; false if the zone keeps it for ever. ZoneBounds alone is not
// enough: after a zone's last recorded change it takes every year for 365 days
// (go1.26), so that on 31 December of a leap year its end lies in the past.
func nextChange(t time.Time, zone *time.Location) (time.Time, bool) {
	_, end := t.In(zone).ZoneBounds()
	if end.IsZero() {
		return time.Time{}, false
	}
	if !end.After(t) {
		const day = 24 * time.Hour
		end = t.Truncate(day).Add(day)
	}
	return end.UTC(), true
}

// newDay normalises month and day as time.Date does: day 0 is the last day of
// the month before.
func newDay(year int, month time.Month, day int) Day {
	y, m, d := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Date()
	return Day{y, m, d}
}

func (d Day) add(p Period) Day {
	if p.unit == 'D' {
		return newDay(d.Year, d.Month, d.Day+p.n)
	}
	month := d.Month + time.Month(p.months())
	last := newDay(d.Year, month+1, 0)
	last.Day = min(last.Day, d.Day)
	return last
}

func (d Day) next() Day { return newDay(d.Year, d.Month, d.Day+1) }

func (d Day) before(e Day) bool { return d.number() < e.number() }

// number counts days from 1 January 1970.
func (d Day) number() int {
	const secondsADay = 24 * 60 * 60
	return int(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / secondsADay)
}

// The years whose clock changes a Fingerprint covers: every year that a
// retention period running today can touch.
const (
	fingerprintFrom = 2000
	fingerprintTo   = 2040
)

// Fingerprint names a zone and its clock changes as this program knows them, so
// that a certificate names the calendar that was used. Two programs with the
// same fingerprint count the same days.
func Fingerprint(zone *time.Location) string {
	sum := sha256.New()
	from := time.Date(fingerprintFrom, time.January, 1, 0, 0, 0, 0, time.UTC)
	to := time.Date(fingerprintTo, time.January, 1, 0, 0, 0, 0, time.UTC)
	last := 0
	for t := from; t.Before(to); {
		if _, offset := t.In(zone).Zone(); offset != last || t.Equal(from) {
			fmt.Fprintf(sum, "%d %d\n", t.Unix(), offset)
			last = offset
		}
		end, changes := nextChange(t, zone)
		if !changes {
			break
		}
		t = end
	}
	return zone.String() + " " + hex.EncodeToString(sum.Sum(nil)[:8])
}
