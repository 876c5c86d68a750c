//go:build store

package oracle_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/retention"
)

// anyTable is a random policy, the messages on random records under it, and the
// time of a purge.
type anyTable struct {
	At      time.Time
	Rules   []rule
	Records []history
	Holds   []hold
	Steps   []step
}

// way is how a record arrived.
type way string

const (
	planted   way = "written by another service" // written by another service and stamped as by the stamp function
	stored    way = "stored once"
	renewed   way = "stored, then with a newer event"
	late      way = "stored, then an older event came late"
	ended     way = "stored while it ran, then it ended"
	reopened  way = "stored as ended, then it ran again"
	takenBack way = "withdrawn, which was taken back"
	consented way = "withdrawn, then consented again"
	repeated  way = "withdrawn, then stored again as it was"
	rekeyed   way = "stored under an older key, then under a newer one"
)

// history is a record and the messages before its last message.
type history struct {
	told
	Way     way
	Earlier time.Time // the start in an earlier message; zero = it was running
	Before  time.Time // an earlier withdrawal, since cleared
	Behind  bool      // the last message is not stamped yet
	Only    bool      // as the contact's only record of a scope
	Written string    // the start of a planted record, as its owner writes times
}

// step is one call of the delete step: it works on a number of pages. If its
// answer gets lost, the call is repeated.
type step struct {
	Pages int
	Lost  bool
}

// GoString is rapid's text for a failing table: the test reports the rest.
func (a anyTable) GoString() string {
	return fmt.Sprintf("%d records and %d holds under %v at %v, in steps %v", len(a.Records), len(a.Holds), a.Rules, a.At, a.Steps)
}

func (a anyTable) told() []told {
	records := make([]told, len(a.Records))
	for i, h := range a.Records {
		records[i] = h.told
	}
	return records
}

// archive is a class beside messaging, whose records need no subject.
const archive = "archive"

func drawTable(t *rapid.T) anyTable {
	zones := []string{
		"Europe/Oslo", "UTC", "America/Santiago", "America/Havana", "America/St_Johns", "Africa/Cairo",
		"Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe",
	}
	draw := func(class, keep string) rule {
		r := rule{Class: class, Unit: keep[len(keep)-1:], Zone: location(rapid.SampledFrom(zones).Draw(t, "zone of "+class))}
		fmt.Sscanf(keep, "P%d", &r.Keep)
		return r
	}
	messaging := draw(retention.Messaging, rapid.SampledFrom([]string{"P1M", "P6M", "P11M", "P2Y", "P90D"}).Draw(t, "keep of messaging"))
	messaging.Buckets = []string{"letters", noBucket}
	a := anyTable{Rules: []rule{messaging}}
	if rapid.IntRange(0, 2).Draw(t, "a second class") == 2 {
		second := draw(archive, rapid.SampledFrom([]string{"P30D", "P3M", "P1Y", "P5Y"}).Draw(t, "keep of archive"))
		second.Minimum = rapid.SampledFrom([]int{0, 1, second.Keep}).Draw(t, "minimum of archive")
		a.Rules = append(a.Rules, second)
	}
	a.At = drawCutoff(t, messaging)
	for n := range rapid.SampledFrom([]int{1, 60, 90, 120, 150}).Draw(t, "records") {
		a.Records = append(a.Records, a.drawRecord(t, fmt.Sprintf("r-%d", n)))
	}
	if rapid.IntRange(0, 7).Draw(t, "a crowd") == 7 {
		a.Records = append(a.Records, a.crowd(t)...)
	}
	for _, h := range a.Records {
		a.Holds = append(a.Holds, drawHolds(t, h.told)...)
	}
	for range rapid.IntRange(0, 3).Draw(t, "cut off") {
		a.Steps = append(a.Steps, step{rapid.IntRange(0, 2).Draw(t, "pages"), rapid.Bool().Draw(t, "lost")})
	}
	a.Steps = append(a.Steps, step{Pages: 100})
	return a
}

func location(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil // the test embeds all zones
	}
	return zone
}

var nudges = []time.Duration{
	0, -1, 1, -time.Second, time.Second, -30 * time.Minute, 30 * time.Minute, -time.Hour, 90 * time.Minute, 12 * time.Hour,
}

func drawNudge(t *rapid.T) time.Duration { return rapid.SampledFrom(nudges).Draw(t, "nudge") }

// drawCutoff prefers nights, ends of months, changes of the zone's clock, and
// the days that a clock change one period earlier decides.
func drawCutoff(t *rapid.T, r rule) time.Time {
	year := rapid.IntRange(2006, 2030).Draw(t, "year")
	day := rapid.SampledFrom([]date{
		{year, 2, 28}, {year, 2, 29}, {year, 3, 1}, {year, 3, 31}, {year, 8, 31}, {year, 9, 1}, {year, 4, 30}, {year, 12, 31}, {year, 1, 1},
		{year, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day")}, {2011, 12, 31}, {2012, 1, 31},
	}).Draw(t, "date")
	night := time.Date(day.Year, day.Month, day.Day, 3, 30, 0, 0, r.Zone)
	_, change := night.ZoneBounds()
	moment := rapid.SampledFrom([]string{"night", "midnight", "change", "after a change", "after a change"}).Draw(t, "moment")
	switch {
	case moment == "night" || change.IsZero() && moment != "midnight":
		return night.UTC()
	case moment == "midnight":
		night = time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, r.Zone)
	case moment == "change":
		night = change
	case moment == "after a change":
		last := r.lastDay(r.Keep, r.today(change))
		return time.Date(last.Year, last.Month, last.Day, 3, 30, 0, 0, r.Zone).UTC()
	}
	return night.Add(drawNudge(t)).UTC()
}

// drawStart prefers the edges of the days around the deciding day.
func drawStart(t *rapid.T, r rule, at time.Time) time.Time {
	kind := rapid.IntRange(0, 11).Draw(t, "start")
	year, month, day := at.In(r.Zone).Date()
	switch r.Unit {
	case "Y":
		year -= r.Keep
	case "M":
		month -= time.Month(r.Keep)
	case "D":
		day -= r.Keep
	}
	edge := time.Date(year, month, day+rapid.IntRange(-3, 3).Draw(t, "days"), 0, 0, 0, 0, r.Zone)
	switch kind {
	case 0:
		return time.Time{}
	case 1:
		edge = time.Date(year, time.February, 29, 12, 0, 0, 0, r.Zone)
	case 2:
		edge = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	case 3:
		edge = at.Add(-24 * time.Hour)
	case 4:
		edge = at
	case 5, 6:
		if begin, end := edge.ZoneBounds(); !end.IsZero() && kind == 5 {
			edge = end
		} else if !begin.IsZero() {
			edge = begin
		}
	}
	start := edge.Add(drawNudge(t)).UTC()
	switch {
	case start.Year() < 2000:
		return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	case start.After(at.Add(24 * time.Hour)): // would not be stamped
		return at
	}
	return start
}

// drawWithdrawn is the time of a withdrawal: mostly none, else before, at or
// after the cutoff. It is in whole seconds, as stored.
func drawWithdrawn(t *rapid.T, at time.Time) time.Time {
	return rapid.SampledFrom([]time.Time{
		{}, {}, {}, {}, {}, {}, {}, {}, at, at.Add(-time.Second), at.Add(time.Second), at.Add(-time.Hour), at.Add(-400 * 24 * time.Hour), at.Add(24 * time.Hour),
	}).Draw(t, "withdrawn").Truncate(time.Second)
}

func subject(n int) contact.Key { return contact.Key(fmt.Sprintf("%048d", n)) }

// formerly is the key of a subject before the rotation.
func formerly(n int) contact.Key { return subject(1000 + n) }

func (a anyTable) drawRecord(t *rapid.T, id string) history {
	r := rapid.SampledFrom(a.Rules).Draw(t, "class")
	h := history{told: told{ID: id, Class: r.Class, Start: drawStart(t, r, a.At), Withdrawn: drawWithdrawn(t, a.At)}, Earlier: drawStart(t, r, a.At)}
	ways := []way{planted, planted, planted, stored, stored, renewed, late, ended, reopened, takenBack, repeated, rekeyed}
	if r.Class == retention.Messaging {
		ways = append(ways, consented) // every other withdrawal is for good
	}
	h.Way = rapid.SampledFrom(ways).Draw(t, "way")
	who := rapid.IntRange(0, 20).Draw(t, "subject")
	if who > 0 || r.Class == retention.Messaging || h.Way == rekeyed {
		h.Subject = subject(who)
		h.Only = r.Class == retention.Messaging && h.Way == stored && rapid.Bool().Draw(t, "only")
	}
	if h.Subject != "" && (h.Way == rekeyed || rapid.IntRange(0, 3).Draw(t, "rotated") == 3) {
		h.Former = []contact.Key{formerly(who)}
	}
	for n := range rapid.SampledFrom([]int{0, 0, 0, 0, 1, 1, 2}).Draw(t, "objects") {
		h.Objects = append(h.Objects, drawObject(t, id+strings.Repeat("x", n))) // the name of an object may begin with the name of another
	}
	h.straighten(a.At)
	h.Stamped = rapid.IntRange(0, 11).Draw(t, "stamped") > 0
	h.Place, h.Shard = h.Start, h.Subject
	if h.Way == rekeyed {
		h.Shard = h.Former[0]
	}
	switch h.Way {
	case planted:
		h.spoil(t)
	case renewed, ended, reopened, consented, rekeyed:
		if h.Behind = rapid.IntRange(0, 3).Draw(t, "the stamp is behind") == 3; h.Behind {
			h.Place = h.Earlier
		}
	}
	h.Place = h.Place.Truncate(time.Second)
	return h
}

// straighten makes the messages on a record fit the way that it arrived.
func (h *history) straighten(at time.Time) {
	switch h.Way {
	case ended:
		h.Earlier = time.Time{}
		if h.Start.IsZero() {
			h.Start = at.Add(-time.Minute)
		}
	case reopened:
		h.Start = time.Time{}
	case takenBack, consented:
		h.Withdrawn, h.Before = time.Time{}, at.Add(-time.Hour).Truncate(time.Second)
	case repeated:
		if h.Withdrawn.IsZero() {
			h.Withdrawn = at.Truncate(time.Second)
		}
	}
}

// spoil makes changes to a record that only another service can make.
func (h *history) spoil(t *rapid.T) {
	switch rapid.IntRange(0, 7).Draw(t, "spoiled") {
	case 5:
		h.MarkedBy = "run-0"
	case 6:
		h.Garbled = true
	case 7:
		h.Start = time.Date(1999, time.December, 31, 23, 59, 59, 0, time.UTC)
		h.Place = h.Start
	}
	layouts := []string{time.RFC3339Nano, "2006-01-02T15:04:05.000000000Z07:00"}
	zones := []*time.Location{time.UTC, time.FixedZone("", 2*3600), time.FixedZone("", -5400)}
	h.Written = h.Start.In(rapid.SampledFrom(zones).Draw(t, "offset")).Format(rapid.SampledFrom(layouts).Draw(t, "layout"))
}

func drawObject(t *rapid.T, key string) object {
	o := object{Bucket: "letters", Key: key, Versions: rapid.IntRange(0, 3).Draw(t, "versions")}
	switch rapid.IntRange(0, 9).Draw(t, "object") {
	case 6:
		o.Locked = 1
	case 7:
		o.Bucket = "other"
	case 8:
		o.Bucket, o.Versions = noBucket, 0
	case 9:
		o.NotS3 = true
	}
	return o
}

// crowd are due records of one subject, and so of one shard: more than a page.
func (a anyTable) crowd(t *rapid.T) []history {
	withdrawn := rapid.Bool().Draw(t, "withdrawn")
	var all []history
	for n := range rapid.SampledFrom([]int{99, 100, 130, 210}).Draw(t, "crowd") {
		h := history{Way: planted, told: told{
			ID: fmt.Sprintf("crowd-%03d", n), Class: a.Rules[0].Class, Subject: subject(21), Shard: subject(21), Stamped: true,
		}}
		if then := time.Date(2000, time.January, 1, 0, 0, n, 0, time.UTC); withdrawn {
			h.Withdrawn = then
		} else {
			h.Start, h.Place, h.Written = then, then, then.Format(time.RFC3339Nano)
		}
		all = append(all, h)
	}
	return all
}

// drawHolds places no hold on most records, and several on some.
func drawHolds(t *rapid.T, of told) []hold {
	var holds []hold
	for range rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2}).Draw(t, "holds") {
		h := hold{Record: of.ID, Class: of.Class}
		switch kind := rapid.IntRange(0, 5).Draw(t, "hold"); {
		case kind == 3 && of.Subject != "":
			h = hold{Subject: of.Subject}
		case kind == 4 && len(of.Former) > 0:
			h = hold{Subject: of.Former[0]}
		case kind == 5 && of.Class == archive: // on a record of the other class with the same name
			h.Class = retention.Messaging
		case kind == 5:
			h.Class = archive
		}
		h.Lifted = rapid.IntRange(0, 2).Draw(t, "lifted") == 2
		h.Garbled = rapid.IntRange(0, 9).Draw(t, "garbled") == 9
		holds = append(holds, h)
	}
	return holds
}
