//go:build store

// Package oracle_test compares whole purges of random tables with an oracle: a
// short statement of the policy's meaning, written without the code under test.
package oracle_test

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"stille/shared/certificate"
	"stille/shared/contact"
)

// The oracle decides the right result of a purge from the messages on the
// records, not from the stored items, and uses no code under test: it reads
// dates off the wall clock, and asks whether the calendar has a day.

// rule is the policy of a class.
type rule struct {
	Class   string
	Keep    int    // number of units
	Minimum int    // number of units for which a law keeps a record; 0 = no law does
	Unit    string // years, months or days: Y, M or D
	Zone    *time.Location
	Buckets []string // the buckets in which its records' objects may lie
}

// told is the state of a record after its last message.
type told struct {
	ID        string
	Class     string
	Subject   contact.Key   // "" = no subject
	Former    []contact.Key // the subject, under older keys
	Start     time.Time     // zero = running
	Withdrawn time.Time     // zero = not withdrawn
	Objects   []object
	Garbled   bool   // an attribute is unreadable
	MarkedBy  string // the run that marked it and was killed

	Stamped bool        // it is in the indexes
	Place   time.Time   // its start when it was stamped; zero = it was running
	Shard   contact.Key // its subject when it was first stamped
}

// object is an S3 object of a record.
type object struct {
	Bucket, Key string
	Versions    int  // deletable versions, delete markers included
	Locked      int  // versions that cannot be deleted
	NotS3       bool // the record does not name it as an S3 object
}

// hold is a hold on a record or on a subject.
type hold struct {
	Record, Class string
	Subject       contact.Key
	Lifted        bool
	Garbled       bool // the hold is unreadable
}

// verdict is the right result for a record.
type verdict string

const (
	unseen  verdict = "unseen"  // no purge reads it; it stays unchanged
	deleted verdict = "deleted" // with all its objects
	held    verdict = "held"    // due; it stays unchanged
	changed verdict = "changed" // read and not due; it stays unchanged
	refused verdict = "refused" // unreadable, or with an object out of reach; it stays unchanged and counts as failed
	stuck   verdict = "stuck"   // an object cannot be deleted; it stays with a mark and that object, and counts as failed
)

// judge decides what a purge of the class at a moment must do with a record.
func (r rule) judge(t told, holds []hold, at time.Time) verdict {
	switch {
	case !r.sees(t, at):
		return unseen
	case t.Garbled:
		return refused
	case !r.due(t, at) && t.MarkedBy != "":
		return refused // its objects may be gone already: a person must look into it
	case !r.due(t, at):
		return changed
	case slices.ContainsFunc(t.Objects, r.outOfReach):
		return refused
	case t.MarkedBy == "" && slices.ContainsFunc(holds, func(h hold) bool { return h.covers(t) }):
		return held // a marked record passed its hold check: the hold was reported as too late
	case slices.ContainsFunc(t.Objects, object.uncountable):
		return refused
	case slices.ContainsFunc(t.Objects, object.undeletable):
		return stuck
	}
	return deleted
}

// sees reports whether a purge reads a record: it is withdrawn and no law keeps it,
// or its place in the index is early enough. A record that is unreadable, or that a
// purge has marked, is seen whatever the law says.
func (r rule) sees(t told, at time.Time) bool {
	withdrawn := !t.Withdrawn.IsZero() && !t.Withdrawn.After(at) && (!r.kept(t, at) || t.Garbled || t.MarkedBy != "")
	return t.Stamped && (withdrawn || !t.Place.IsZero() && r.over(r.Keep, t.Place, at))
}

// due: the subject has withdrawn, or the record has ended and its last day is
// over; and no law keeps it.
func (r rule) due(t told, at time.Time) bool {
	if r.kept(t, at) {
		return false
	}
	if !t.Withdrawn.IsZero() && !t.Withdrawn.After(at) {
		return true
	}
	return t.hasEnded() && r.over(r.Keep, t.Start, at)
}

// kept: a law keeps the record until the last day of the minimum is over, and
// without an end for as long as it runs.
func (r rule) kept(t told, at time.Time) bool {
	return r.Minimum > 0 && (!t.hasEnded() || !r.over(r.Minimum, t.Start, at))
}

// hasEnded: an implausible start counts as none.
func (t told) hasEnded() bool { return !t.Start.IsZero() && t.Start.UTC().Year() >= 2000 }

// over: the wall clock has shown a later date than the last day of a period with
// this start.
func (r rule) over(units int, start, at time.Time) bool {
	return r.lastDay(units, r.today(start)).before(r.today(at))
}

// date is a day of the calendar, or a day that the calendar lacks, like 30
// February.
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

// today is the latest date that the wall clock has shown: if the clock goes
// back over midnight, the new day stays begun.
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

// lastDay is the same date a number of units later, or the last day of that month.
func (r rule) lastDay(units int, d date) date {
	for range units {
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

// covers: the hold is active, and is on the record or on its subject under any
// key. An unreadable hold is active.
func (h hold) covers(t told) bool {
	onRecord := h.Record == t.ID && h.Class == t.Class
	onSubject := h.Subject != "" && (h.Subject == t.Subject || slices.Contains(t.Former, h.Subject))
	return (onRecord || onSubject) && (h.Garbled || !h.Lifted)
}

func (r rule) outOfReach(o object) bool { return o.NotS3 || !slices.Contains(r.Buckets, o.Bucket) }

func (o object) uncountable() bool { return o.Bucket == noBucket }

func (o object) undeletable() bool { return o.Locked > 0 }

// noBucket is a bucket of the policy that does not exist.
const noBucket = "nowhere"

// left is the number of versions of the record's objects that a purge leaves.
// It deletes one object after the other, in the order of their names, until a
// deletion fails.
func (t told) left(v verdict) map[object]int {
	left := map[object]int{}
	going := v == deleted || v == stuck
	inOrder := slices.SortedFunc(slices.Values(t.Objects), func(a, b object) int {
		return strings.Compare(a.Bucket+"/"+a.Key, b.Bucket+"/"+b.Key)
	})
	for _, o := range inOrder {
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

// shard is the record's shard of the 64: the shard of its subject.
func (t told) shard() int {
	of := string(t.Shard)
	if of == "" {
		of = t.ID
	}
	return int(sha256.Sum256([]byte(of))[0]) % 64
}

// outcome is the right result of a purge of a class.
type outcome struct {
	Verdicts map[string]verdict // by record
	Seen     [64]int            // number of records that a plan counts, by shard
	Counts   certificate.Counts
	Keys     []string // of the deleted records, sorted
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
