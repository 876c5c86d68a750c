package purge

import (
	"context"
	"fmt"
	"time"

	"stille/shared/retention"
	"stille/shared/suppression"
)

// Finding is a fault of a record that the nightly purges do not see, because
// they read the indexes, or see and do not delete.
type Finding string

// The findings.
const (
	NoStart      Finding = "no-start"      // running, and without activity for longer than the class's Idle: perhaps its end was forgotten
	AbsurdStart  Finding = "absurd-start"  // before 2000 or over a day ahead: never due by this start
	Unreadable   Finding = "unreadable"    // an attribute is unreadable: never due
	Unstamped    Finding = "unstamped"     // its place in the indexes is wrong
	NotWithdrawn Finding = "not-withdrawn" // its subject opted out, and the record does not say so
	Overdue      Finding = "overdue"       // due for over 26 hours and not held
	OverdueHeld  Finding = "overdue-held"  // due for over 26 hours and held: it stays, rightly
)

// Every lists all findings, in the order of the constants.
func Every() []Finding {
	return []Finding{NoStart, AbsurdStart, Unreadable, Unstamped, NotWithdrawn, Overdue, OverdueHeld}
}

// Fault reports whether the finding is a fault of the system itself. Other
// findings are expected, or for the owners to look into.
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

// Examined is a record with the facts by which an audit judges it.
type Examined struct {
	retention.Stored
	Listed suppression.Found // what the suppression list says of its subject
	Held   bool              // a hold covers it
}

// Findings lists the faults of a record of the class at now.
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

// isIdle reports whether a running record's last activity is too long ago or
// unknown.
func isIdle(class retention.Class, r retention.Record, now time.Time) bool {
	if !r.Start.IsZero() || !r.WithdrawnAt.IsZero() {
		return false
	}
	return !now.Before(class.Idle.DueFrom(r.ActiveAt(), class.Location()))
}

func isOverdue(class retention.Class, r retention.Record, now time.Time) bool {
	return class.Due(r, now.Add(-retention.OverdueAfter))
}

// isInPlace reports whether the record lies in the indexes where stamp would
// put it. A record keeps the shard of its first stamp, even if its subject
// changed; purges must read this shard.
func (e Examined) isInPlace(now time.Time) bool {
	believed := e.Record
	if !retention.PlausibleStart(e.Start, now) {
		believed.Start = time.Time{}
	}
	withdrawal := e.WithdrawnAt.IsZero() || e.WithdrawnAs(e.WithdrawnAt) || e.PurgingBy != ""
	return isPlaced(e.Stored, place(believed)) && retention.IsShard(e.Shard) && withdrawal
}

// shouldBeWithdrawn reports whether the list withdraws the record earlier than
// the record says. A list that cannot be read is a doubt, and a doubt counts as
// suppressed. A record that is being purged is deleted anyway.
func (e Examined) shouldBeWithdrawn(class retention.Class) bool {
	if e.PurgingBy != "" {
		return false
	}
	if e.Listed.Err != nil {
		return e.WithdrawnAt.IsZero()
	}
	at := suppression.WithdrawnAt(e.Listed.Item, class.Name, e.Scope, e.ErasableAt())
	return !at.IsZero() && (e.WithdrawnAt.IsZero() || retention.Sort(at) < retention.Sort(e.WithdrawnAt))
}

// mostIdle is how many idle records are named; all are counted.
const mostIdle = 100

// Idle is the records of a class that have been running without activity for
// longer than the policy allows: perhaps their end was forgotten.
type Idle struct {
	Count  int
	Oldest time.Time // last activity of the record that has been idle longest; zero if unknown
	IDs    []string  // those that may be shown, at most mostIdle, the longest idle of each shard first
}

// FindIdle asks the index of running records. Its cost follows the number of idle
// records, not of running records. An idle record is not due.
func FindIdle(ctx context.Context, records Records, class retention.Class, now time.Time) (Idle, error) {
	var idle Idle
	before := class.Idle.StartsBefore(now, class.Location())
	for n := range retention.Shards {
		for entry, err := range records.DueBefore(ctx, class.Name, ByActivity, retention.ShardName(n), before, Due{}, pageSize) {
			if err != nil {
				return Idle{}, fmt.Errorf("finding what is idle in %s: %w", class.Name, err)
			}
			idle.note(entry)
		}
	}
	return idle, nil
}

func (i *Idle) note(entry Due) {
	at, err := retention.ParseSort(entry.Sort)
	if err == nil && (i.Count == 0 || at.Before(i.Oldest)) {
		i.Oldest = at
	}
	i.Count++
	if len(i.IDs) < mostIdle && retention.MayShowID(entry.ID) {
		i.IDs = append(i.IDs, entry.ID)
	}
}
