package retention

import (
	"errors"
	"time"
)

// Ending is a message, apart from the record itself, on whether a record ended:
// that it ended At, or, with Running, that it was still running At.
type Ending struct {
	At      time.Time
	Running bool
}

var (
	// ErrNotAService means that the record's start is a consent. A consent does
	// not end; a customer's service does.
	ErrNotAService = errors.New("the record's start is a consent, which does not end")
	// ErrOlder means that a newer event is known. The older event changes
	// nothing.
	ErrOlder = errors.New("a newer event is known")
)

// AsOf is the time of the newest event that says whether the record has ended.
func (r Record) AsOf() time.Time { return later(r.OccurredAt, r.StartAsOf) }

// ActiveAt is the time of the record's last known activity.
func (r Record) ActiveAt() time.Time { return later(r.AsOf(), r.LastActivityAt) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// RunsAgain is the Ending that says at now that the record runs. It is newer
// than every known event, including an end announced for later.
func (r Record) RunsAgain(now time.Time) Ending {
	if known := r.AsOf(); known.After(now) {
		now = known.Add(1)
	}
	return Ending{At: now, Running: true}
}

// End returns the record after an Ending. The newest event wins, in whatever
// order events arrive. At equal times an Ending wins over the record, and an
// end wins over Running. The error wraps ErrOlder or ErrNotAService.
func (c Class) End(r Record, e Ending) (Record, error) {
	endKnown := r.StartAsOf.Equal(e.At) && !r.Start.IsZero()
	switch {
	case !r.hasEnd(c.Name):
		return r, ErrNotAService
	case e.At.Before(r.AsOf()), e.Running && endKnown:
		return r, ErrOlder
	}
	r.Start, r.StartAsOf = e.At, e.At
	if e.Running {
		r.Start = time.Time{}
	}
	return r, nil
}

// SetsStart reports whether next sets the missing start of the record. A hold
// allows this change, because the time of an end is evidence, too.
func (r Record) SetsStart(next Record) bool { return r.Start.IsZero() && !next.Start.IsZero() }

// hasEnd reports whether the start of the class's record is an end.
func (r Record) hasEnd(class string) bool { return class != Messaging || r.Basis == Customer }
