package retention

import (
	"regexp"
	"strconv"
	"time"

	"stille/shared/strictyaml"
)

// earliest is the first minute of the day at which a purge may start, in any
// zone: most clocks that skip an hour in spring skip an earlier hour.
const earliest = 3*60 + 30

var daily = regexp.MustCompile(`^cron\(([0-9]|[1-5][0-9]) ([0-9]|1[0-9]|2[0-3]) \* \* \? \*\)$`)

// checkSchedule refuses a schedule that does not run once a day, or at a minute
// that the zone's clocks skip: EventBridge does not run a schedule on a day
// without its minute.
func checkSchedule(f *strictyaml.Fields, c Class) {
	if c.Schedule == "" {
		return
	}
	hour, minute, ok := timeOfDay(c.Schedule)
	if !ok {
		f.Wrong("schedule", "must be once a day, like cron(30 3 * * ? *)")
		return
	}
	if hour*60+minute < earliest {
		f.Wrong("schedule", "must be at 03:30 or later")
		return
	}
	if c.location == nil {
		return
	}
	if day, skipped := skips(c.location, hour, minute); skipped {
		f.Wrong("schedule", "the clocks of %s skip %02d:%02d on %v", c.Zone, hour, minute, day)
	}
}

func timeOfDay(schedule string) (hour, minute int, ok bool) {
	m := daily.FindStringSubmatch(schedule)
	if m == nil {
		return 0, 0, false
	}
	minute, _ = strconv.Atoi(m[1]) // the expression admits only digits
	hour, _ = strconv.Atoi(m[2])
	return hour, minute, true
}

// NextPurge is the first instant after the given time, in UTC, at which the
// class's schedule starts a purge.
func (c Class) NextPurge(after time.Time) time.Time {
	hour, minute, _ := timeOfDay(c.Schedule)
	year, month, day := after.In(c.location).Date()
	next := time.Date(year, month, day, hour, minute, 0, 0, c.location) // no zone skips it: see checkSchedule
	if !next.After(after) {
		next = time.Date(year, month, day+1, hour, minute, 0, 0, c.location)
	}
	return next.UTC()
}

// skips finds a day on which the zone's clocks skip this time of day, from 2020
// on and for as many years as clock rules can be trusted.
func skips(zone *time.Location, hour, minute int) (Day, bool) {
	until := time.Date(2040, time.January, 1, 0, 0, 0, 0, time.UTC)
	for t := time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC); t.Before(until); {
		end, changes := nextChange(t, zone)
		if !changes {
			break
		}
		_, before := t.In(zone).Zone()
		_, after := end.In(zone).Zone()
		from := end.Add(time.Duration(before) * time.Second) // the wall clock, written as if in UTC
		to := end.Add(time.Duration(after) * time.Second)
		at := time.Date(from.Year(), from.Month(), from.Day(), hour, minute, 0, 0, time.UTC)
		if at.Before(from) {
			at = at.Add(24 * time.Hour)
		}
		if at.Before(to) {
			return newDay(at.Date()), true
		}
		t = end
	}
	return Day{}, false
}
