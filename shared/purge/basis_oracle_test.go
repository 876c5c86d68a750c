package purge_test

import (
	"strings"
	"time"
)

// The oracle says from what was said, in plain words, whether marketing to one
// person can be right. It uses no code under test: it knows nothing of marks,
// withdrawals and slots, and reads dates off the wall clock.

// no is an opt-out of the person.
type no struct {
	At            time.Time
	Scope, Reason string
}

// lift is a release or an undo.
type lift struct {
	At    time.Time
	Scope string
	Undo  bool
}

// yes is the newest message about a record: a consent, or a service that runs
// while End is zero.
type yes struct {
	Scope    string
	Given    time.Time // when the person consented, or the customer's service was told of
	Start    time.Time // from which the two years count; zero while a service runs
	Customer bool
}

type oracle struct {
	noes  []no
	lifts []lift
	yeses map[string]yes // by the record's id, of the records that are there
}

func includes(wide, narrow string) bool {
	return wide == "*" || wide == narrow || strings.HasPrefix(narrow, wide+"/")
}

// lastDay is the date two years after the start's date in Oslo.
func lastDay(start time.Time, oslo *time.Location) (year int, month time.Month, day int) {
	year, month, day = start.In(oslo).Date()
	year += 2
	if month == time.February && day == 29 {
		day = 28 // two years after a leap year there is no 29th
	}
	return year, month, day
}

// isOver says whether the last day of the start is over.
func isOver(start, now time.Time, oslo *time.Location) bool {
	year, month, day := lastDay(start, oslo)
	y, m, d := now.In(oslo).Date()
	return y*10_000+int(m)*100+d > year*10_000+int(month)*100+day
}

// endsBasis are the reasons that are a statement of the person about marketing.
func endsBasis(reason string) bool {
	return strings.Contains(" unsubscribed stop objection manual erasure complaint ", " "+reason+" ")
}

// mayRest says whether a message in the scope may rest on one of the records.
func (o oracle) mayRest(in string, now time.Time, oslo *time.Location) bool {
	for _, y := range o.yeses {
		live := includes(y.Scope, in) && (y.Start.IsZero() || !isOver(y.Start, now, oslo))
		for _, n := range o.noes {
			live = live && (!includes(n.Scope, in) || !endsBasis(n.Reason) || y.Given.After(n.At))
		}
		if live {
			return true
		}
	}
	return false
}

// maySend says whether a yes in the scope can be right: a record carries it, and
// somebody lifted every no that holds there, later and in the no's own scope.
func (o oracle) maySend(in string, now time.Time, oslo *time.Location) bool {
	for _, n := range o.noes {
		lifted := false
		for _, l := range o.lifts {
			lifted = lifted || l.Scope == n.Scope && l.At.After(n.At) && (!l.Undo || n.Reason == "unsubscribed")
		}
		if includes(n.Scope, in) && !lifted {
			return false
		}
	}
	return o.mayRest(in, now, oslo)
}

// mustSend says whether a no in the scope can only be wrong: a record carries the
// message, and nobody ever said no there.
func (o oracle) mustSend(in string, now time.Time, oslo *time.Location) bool {
	for _, n := range o.noes {
		if includes(n.Scope, in) {
			return false
		}
	}
	return o.mayRest(in, now, oslo)
}
