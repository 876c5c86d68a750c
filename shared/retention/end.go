package retention

import (
	"errors"
	"time"
)

// Ending is one word on whether a record goes on, other than the record itself:
// that it ended At, or, where Running, that by then it had not.
type Ending struct {
	At      time.Time
	Running bool
}

var (
	// ErrNotAService means that a record's start is no end: a messaging record's
	// consent was given when it was given. Only that of a customer ends.
	ErrNotAService = errors.New("the record's start is a consent, which does not end")
	// ErrOlder means that a newer event is known, and the older one changes
	// nothing.
	ErrOlder = errors.New("a newer event is known")
)

// AsOf is the time of the newest event that says whether the record has ended.
func (r Record) AsOf() time.Time { return later(r.OccurredAt, r.StartAsOf) }

// ActiveAt is when something last happened with the record, as far as is known.
func (r Record) ActiveAt() time.Time { return later(r.AsOf(), r.LastActivityAt) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// RunsAgain is the word that the record runs, said at now. It is newer than
// anything that is known, also than an end that was announced for later.
func (r Record) RunsAgain(now time.Time) Ending {
	if known := r.AsOf(); known.After(now) {
		now = known.Add(1)
	}
	return Ending{At: now, Running: true}
}

// End returns the record after a word on its end: the newest event wins,
// whether it came by the record itself or by such a word, and in whatever order
// they came in. Of two at the same time the word wins over the record, and an
// end over the opposite. The error wraps ErrOlder or ErrNotAService.
func (c Class) End(r Record, e Ending) (Record, error) {
	endedThen := r.StartAsOf.Equal(e.At) && !r.Start.IsZero()
	switch {
	case !r.ends(c.Name):
		return r, ErrNotAService
	case e.At.Before(r.AsOf()), e.Running && endedThen:
		return r, ErrOlder
	}
	r.Start, r.StartAsOf = e.At, e.At
	if e.Running {
		r.Start = time.Time{}
	}
	return r, nil
}

// Replacing returns the record as it is to be stored in the place of an older
// one of its class: a word on the end that is not older than the record goes on
// standing.
func (r Record) Replacing(stored Record, class string) Record {
	if !r.ends(class) || stored.StartAsOf.IsZero() || stored.StartAsOf.Before(r.OccurredAt) {
		return r
	}
	r.Start, r.StartAsOf = stored.Start, stored.StartAsOf
	return r
}

// ends tells whether the start of the class's record is an end.
func (r Record) ends(class string) bool { return class != Messaging || r.Basis == Customer }
