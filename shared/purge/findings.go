package purge

import (
	"time"

	"stille/shared/retention"
	"stille/shared/suppression"
)

// Finding is what can be wrong with a record that the nightly purges do not see,
// because they ask the indexes, or see and do not delete.
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

// Fault reports whether the finding is a failure of the system itself. The other
// findings are for the owners to look into, or expected.
func (f Finding) Fault() bool {
	switch f {
	case Unreadable, Unstamped, NotWithdrawn, Overdue:
		return true
	case NoStart, AbsurdStart, OverdueHeld:
	}
	return false
}

// onItsWay reports whether the finding may be a change that the streams have not
// delivered yet.
func (f Finding) onItsWay() bool { return f == Unstamped || f == NotWithdrawn }

// Examined is a record with everything that an audit judges it by.
type Examined struct {
	retention.Stored
	Listed suppression.Found // what the suppression list says of its subject
	Held   bool              // a hold covers it
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

// isIdle reports whether a running record was active too long ago, or at an
// unknown time.
func isIdle(class retention.Class, r retention.Record, now time.Time) bool {
	if !r.Start.IsZero() || !r.WithdrawnAt.IsZero() {
		return false
	}
	return !now.Before(class.Idle.DueFrom(r.ActiveAt(), class.Location()))
}

func isOverdue(class retention.Class, r retention.Record, now time.Time) bool {
	return class.Due(r, now.Add(-retention.OverdueAfter))
}

// isInPlace reports whether the record lies in the indexes where stamp would put
// it. The shard stays what it was when the record was first stamped, also if the
// subject changed since; it must only be a shard that purges look into.
func (e Examined) isInPlace(now time.Time) bool {
	believed := e.Record
	if !retention.PlausibleStart(e.Start, now) {
		believed.Start = time.Time{}
	}
	withdrawal := e.WithdrawnAt.IsZero() || e.WithdrawnAs(e.WithdrawnAt) || e.PurgingBy != ""
	return isPlaced(e.Stored, place(believed)) && retention.IsShard(e.Shard) && withdrawal
}

// shouldBeWithdrawn reports whether, by the list, the record lost its basis at an
// earlier time than the record says. A list that cannot be read is a doubt, and a
// doubt counts as suppressed. A record that is being purged is deleted anyway.
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
