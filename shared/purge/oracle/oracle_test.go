//go:build store

// Package oracle_test holds whole purges of random tables against an oracle:
// a short account of what the policy means, written without the code it judges.
package oracle_test

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/contact"
)

// The oracle says what a purge is to do, from what was told of the records and
// not from what is stored, and by nothing of the code it judges: it reads dates
// off the clock on the wall, and asks of a day whether the calendar has it.

// rule is what the policy says of a class.
type rule struct {
	Class   string
	Keep    int    // so many
	Unit    string // years, months or days: Y, M or D
	Zone    *time.Location
	Buckets []string // in which its records' objects may lie
}

// told is what was said of a record, up to its last word.
type told struct {
	ID        string
	Class     string
	Subject   contact.Key   // "" = about nobody
	Former    []contact.Key // the subject, under older keys
	Start     time.Time     // zero = it is running
	Withdrawn time.Time     // zero = it is not, or not any more
	Objects   []object
	Garbled   bool   // something in it cannot be read
	MarkedBy  string // the run that was about to delete it when it was killed

	Stamped bool        // it has a place in the indexes
	Place   time.Time   // the start it had when it was stamped; zero = it was running then
	Shard   contact.Key // the subject it had when it was stamped first
}

// object is something of a record's in S3.
type object struct {
	Bucket, Key string
	Versions    int  // that can be deleted, with delete markers
	Locked      int  // versions that cannot
	NotS3       bool // the record names it in a form that is no S3 object's
}

// hold is one that was placed on a record, or on a subject.
type hold struct {
	Record, Class string
	Subject       contact.Key
	Lifted        bool
	Garbled       bool // the hold itself cannot be read
}

// verdict is what is to become of a record.
type verdict string

const (
	unseen  verdict = "unseen"  // no purge looks at it; it stays as it is
	deleted verdict = "deleted" // with all its objects
	held    verdict = "held"    // due, and stays as it is
	changed verdict = "changed" // looked at and not due; stays as it is
	refused verdict = "refused" // cannot be judged, or has an object out of reach; stays as it is, counts as failed
	stuck   verdict = "stuck"   // an object cannot be deleted; stays with a mark and that object, counts as failed
)

// judge says what a purge of the class at a moment does with a record.
func (r rule) judge(t told, holds []hold, at time.Time) verdict {
	switch {
	case !r.sees(t, at):
		return unseen
	case t.Garbled:
		return refused
	case !r.due(t, at) && t.MarkedBy != "":
		return refused // its objects may be gone already: for a person to see to
	case !r.due(t, at):
		return changed
	case slices.ContainsFunc(t.Objects, r.outOfReach):
		return refused
	case t.MarkedBy == "" && slices.ContainsFunc(holds, func(h hold) bool { return h.covers(t) }):
		return held // a mark is past the holds: whoever placed one was told so
	case slices.ContainsFunc(t.Objects, object.undeletable):
		return stuck
	}
	return deleted
}

// sees tells whether a purge looks at a record: it was withdrawn by now, or by
// its place in the index it may be due.
func (r rule) sees(t told, at time.Time) bool {
	withdrawn := !t.Withdrawn.IsZero() && !t.Withdrawn.After(at)
	return t.Stamped && (withdrawn || !t.Place.IsZero() && r.over(t.Place, at))
}

// due: the subject has withdrawn, or the record has ended and its last day is
// over. A start that nobody can mean is none.
func (r rule) due(t told, at time.Time) bool {
	if !t.Withdrawn.IsZero() && !t.Withdrawn.After(at) {
		return true
	}
	return !t.Start.IsZero() && t.Start.UTC().Year() >= 2000 && r.over(t.Start, at)
}

// over: the clock on the wall has shown a later date than the last day on which
// something that started then is kept.
func (r rule) over(start, at time.Time) bool {
	return r.lastDay(r.today(start)).before(r.today(at))
}

// date is a day of the calendar, or one that it does not have, like 30 February.
type date struct {
	Year  int
	Month time.Month
	Day   int
}

func (d date) before(e date) bool {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day)) < 0
}

func (d date) exists() bool {
	return d.Day >= 1 && time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).Month() == d.Month
}

// today is the latest date that the clock on the wall has shown by then: where
// it goes back over midnight, the new day stays begun.
func (r rule) today(t time.Time) date {
	var latest date
	for minutes := range 3 * 60 {
		year, month, day := t.Add(-time.Duration(minutes) * time.Minute).In(r.Zone).Date()
		if shown := (date{year, month, day}); latest.before(shown) {
			latest = shown
		}
	}
	return latest
}

// lastDay is the same date one period later, or the last one of that month.
func (r rule) lastDay(d date) date {
	for range r.Keep {
		switch r.Unit {
		case "Y":
			d.Year++
		case "M":
			if d.Month++; d.Month > time.December {
				d.Year, d.Month = d.Year+1, time.January
			}
		case "D":
			d = d.tomorrow()
		}
	}
	for !d.exists() {
		d.Day--
	}
	return d
}

func (d date) tomorrow() date {
	for _, next := range []date{{d.Year, d.Month, d.Day + 1}, {d.Year, d.Month + 1, 1}} {
		if next.Month <= time.December && next.exists() {
			return next
		}
	}
	return date{d.Year + 1, time.January, 1}
}

// covers: it stands, and is on the record or on its subject, under whichever
// key. What cannot be read stands.
func (h hold) covers(t told) bool {
	onRecord := h.Record == t.ID && h.Class == t.Class
	onSubject := h.Subject != "" && (h.Subject == t.Subject || slices.Contains(t.Former, h.Subject))
	return (onRecord || onSubject) && (h.Garbled || !h.Lifted)
}

func (r rule) outOfReach(o object) bool { return o.NotS3 || !slices.Contains(r.Buckets, o.Bucket) }

func (o object) undeletable() bool { return o.Locked > 0 || o.Bucket == noBucket }

// noBucket is one that a policy names and that is not there.
const noBucket = "nowhere"

// left is how many versions of the record's objects a purge leaves. They go one
// after the other, until one that cannot.
func (t told) left(v verdict) map[object]int {
	left := map[object]int{}
	going := v == deleted || v == stuck
	for _, o := range t.Objects {
		left[o] = o.Locked
		if !going {
			left[o] += o.Versions
		}
		if o.undeletable() {
			going = false
		}
	}
	return left
}

// shard is the one of 64 in which a record lies: that of whom it is about.
func (t told) shard() int {
	of := string(t.Shard)
	if of == "" {
		of = t.ID
	}
	return int(sha256.Sum256([]byte(of))[0]) % 64
}

// outcome is what a purge of a class is to do, all told.
type outcome struct {
	Verdicts map[string]verdict // by record
	Seen     [64]int            // records that a plan counts, by shard
	Counts   certificate.Counts
	Keys     []string // of what is deleted, sorted
}

func (r rule) outcome(records []told, holds []hold, at time.Time) outcome {
	o := outcome{Verdicts: map[string]verdict{}}
	for _, t := range records {
		if t.Class != r.Class {
			continue
		}
		v := r.judge(t, holds, at)
		o.Verdicts[t.ID] = v
		if v == unseen {
			continue
		}
		o.Seen[t.shard()]++
		o.Counts.Due++
		switch v {
		case deleted:
			o.Counts.Deleted++
			o.Keys = append(o.Keys, t.Class+"/"+t.ID)
		case held:
			o.Counts.Held++
		case changed:
			o.Counts.Changed++
		default:
			o.Counts.Failed++
		}
	}
	slices.Sort(o.Keys)
	return o
}
