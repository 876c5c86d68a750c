package retention

import (
	"errors"
	"time"
)

// OverdueAfter is how long a record may be due before it counts as overdue:
// until the next night's purge, with time for that purge to end.
const OverdueAfter = 26 * time.Hour

// ErrKeptByLaw means that the change would let a record go before the class's
// minimum is over.
var ErrKeptByLaw = errors.New("a law keeps the record")

// DueFrom is the instant from which a record of the class must be gone: the
// earlier of its withdrawal and its start plus Keep, and never before its start
// plus Minimum. It returns false for a running record, which has neither, and for
// a withdrawn record without a start in a class with a Minimum: the time that the
// law asks for has not begun. An implausible start (PlausibleStart) counts as no
// start.
func (c Class) DueFrom(r Record) (time.Time, bool) {
	if !hasStart(r) {
		return r.WithdrawnAt.UTC(), !r.WithdrawnAt.IsZero() && !c.HasMinimum()
	}
	due := c.Keep.DueFrom(r.Start, c.location)
	if !r.WithdrawnAt.IsZero() && r.WithdrawnAt.Before(due) {
		due = r.WithdrawnAt.UTC()
	}
	if c.HasMinimum() {
		due = later(due, c.Minimum.DueFrom(r.Start, c.location))
	}
	return due, true
}

// Due reports whether the record is due at the cutoff.
func (c Class) Due(r Record, cutoff time.Time) bool {
	due, ended := c.DueFrom(r)
	return ended && !cutoff.Before(due)
}

// KeptThrough is the last day on which a record of the class is kept in full; false for
// a running record, and for a record whose withdrawal ends that earlier.
func (c Class) KeptThrough(r Record) (Day, bool) {
	due, _ := c.DueFrom(r)
	for _, p := range []Period{c.Keep, c.Minimum} {
		if due.Equal(p.DueFrom(r.Start, c.location)) {
			return p.LastDay(r.Start, c.location), true
		}
	}
	return Day{}, false
}

// HasMinimum reports whether a law keeps the class's records.
func (c Class) HasMinimum() bool { return c.Minimum != Period{} }

// KeptByLaw reports whether a law keeps the record at now, and the last day on
// which the law does. The day is the zero Day where the record has no start.
func (c Class) KeptByLaw(r Record, now time.Time) (until Day, kept bool) {
	switch {
	case !c.HasMinimum():
		return Day{}, false
	case !hasStart(r):
		return Day{}, true
	}
	return c.Minimum.LastDay(r.Start, c.location), now.Before(c.Minimum.DueFrom(r.Start, c.location))
}

// MayBecome returns an error that wraps ErrKeptByLaw if a law keeps the stored
// record at now, and would keep the next version for less time.
func (c Class) MayBecome(stored, next Record, now time.Time) error {
	until, kept := c.KeptByLaw(stored, now)
	if !kept || until == (Day{}) || !hasStart(next) || !c.Minimum.LastDay(next.Start, c.location).before(until) {
		return nil
	}
	return ErrKeptByLaw
}

func hasStart(r Record) bool { return !r.Start.IsZero() && r.Start.UTC().Year() >= earliestYear }
