package retention

import "time"

// OverdueAfter is how long a record may be due before it counts as overdue:
// until the next night's purge, with time for that purge to end.
const OverdueAfter = 26 * time.Hour

// DueFrom is the instant from which a record of the class must be gone: the
// earlier of its withdrawal and its start plus Keep. It returns false for a
// running record, which has neither. An implausible start (PlausibleStart)
// counts as no start.
func (c Class) DueFrom(r Record) (time.Time, bool) {
	if r.Start.IsZero() || r.Start.UTC().Year() < earliestYear {
		return r.WithdrawnAt.UTC(), !r.WithdrawnAt.IsZero()
	}
	due := c.Keep.DueFrom(r.Start, c.location)
	if !r.WithdrawnAt.IsZero() && r.WithdrawnAt.Before(due) {
		due = r.WithdrawnAt.UTC()
	}
	return due, true
}

// Due reports whether the record is due at the cutoff.
func (c Class) Due(r Record, cutoff time.Time) bool {
	due, ended := c.DueFrom(r)
	return ended && !cutoff.Before(due)
}
