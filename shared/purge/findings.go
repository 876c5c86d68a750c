package purge

import (
	"time"

	"stille/shared/retention"
	"stille/shared/suppression"
)

// Finding is what can be wrong with a record that the nightly purges, which
// ask the indexes, would never see, or see and never delete.
type Finding string

// The findings there are.
const (
	NoStart      Finding = "no-start"      // running, and without activity for longer than the class's Idle: was its end forgotten?
	AbsurdStart  Finding = "absurd-start"  // before 2000 or over a day ahead: never due by it
	Unreadable   Finding = "unreadable"    // an attribute cannot be understood: never due
	Unstamped    Finding = "unstamped"     // not where the indexes should have it
	NotWithdrawn Finding = "not-withdrawn" // its subject opted out, and it does not say so
	Overdue      Finding = "overdue"       // due for over 26 hours and not held
	OverdueHeld  Finding = "overdue-held"  // due for over 26 hours and held: it stays, rightly
)

// Every lists all findings, in the order of the constants.
func Every() []Finding {
	return []Finding{NoStart, AbsurdStart, Unreadable, Unstamped, NotWithdrawn, Overdue, OverdueHeld}
}

// Fault tells whether the system itself failed where there is such a finding.
// The others are their owners' to look into, or as they should be.
func (f Finding) Fault() bool {
	switch f {
	case Unreadable, Unstamped, NotWithdrawn, Overdue:
		return true
	case NoStart, AbsurdStart, OverdueHeld:
	}
	return false
}

// onItsWay tells whether a finding may be of a change that the streams have
// not carried on yet.
func (f Finding) onItsWay() bool { return f == Unstamped || f == NotWithdrawn }

// Examined is a record with all that an audit holds against it.
type Examined struct {
	retention.Stored
	Listed suppression.Found // what the suppression list says of its subject
	Held   bool              // by whatever hold covers it
}

// Findings lists what is wrong with a record of the class at now; nil for
// nothing.
func (e Examined) Findings(class retention.Class, now time.Time) []Finding {
	overdue := isOverdue(class, e.Record, now)
	var findings []Finding
	for _, f := range []struct {
		finding Finding
		found   bool
	}{
		{NoStart, isIdle(class, e.Record, now)},
		{AbsurdStart, !e.Start.IsZero() && !retention.PlausibleStart(e.Start, now)},
		{Unstamped, !e.isInPlace(now)},
		{NotWithdrawn, e.shouldBeWithdrawn(class)},
		{Overdue, overdue && !e.Held},
		{OverdueHeld, overdue && e.Held},
	} {
		if f.found {
			findings = append(findings, f.finding)
		}
	}
	return findings
}

// isIdle tells whether a running record was last heard of too long ago, or
// nobody knows when.
func isIdle(class retention.Class, r retention.Record, now time.Time) bool {
	if !r.Start.IsZero() || !r.WithdrawnAt.IsZero() {
		return false
	}
	return !now.Before(class.Idle.DueFrom(r.ActiveAt(), class.Location()))
}

func isOverdue(class retention.Class, r retention.Record, now time.Time) bool {
	return class.Due(r, now.Add(-retention.OverdueAfter))
}

// isInPlace tells whether the record lies in the indexes where stamp would put
// it. Its shard stays what it was when the record was first stamped, also when
// the subject changed since; it need only be one that purges look into.
func (e Examined) isInPlace(now time.Time) bool {
	believed := e.Record
	if !retention.PlausibleStart(e.Start, now) {
		believed.Start = time.Time{}
	}
	withdrawal := e.WithdrawnAt.IsZero() || e.WithdrawnAs(e.WithdrawnAt) || e.PurgingBy != ""
	return isPlaced(e.Stored, place(believed)) && retention.IsShard(e.Shard) && withdrawal
}

// shouldBeWithdrawn tells whether the list says that the record has no basis
// since an earlier time than it says itself. A list that cannot be read is in
// doubt, and doubt means suppressed. What is being purged goes anyway.
func (e Examined) shouldBeWithdrawn(class retention.Class) bool {
	if e.PurgingBy != "" {
		return false
	}
	if e.Listed.Err != nil {
		return e.WithdrawnAt.IsZero()
	}
	at := suppression.WithdrawnAt(e.Listed.Item, class.Name, e.Scope, e.OccurredAt)
	return !at.IsZero() && (e.WithdrawnAt.IsZero() || retention.Sort(at) < retention.Sort(e.WithdrawnAt))
}
