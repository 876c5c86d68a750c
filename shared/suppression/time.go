package suppression

import (
	"bytes"
	"errors"
	"strings"
	"time"
)

// ErrTime means that no event can have happened at a time.
var ErrTime = errors.New("must not be in the future, nor before 1970")

// CheckTime returns ErrTime where an event cannot have happened at the time at:
// it lies after now, or before 1970, when no computer took an opt-out.
func CheckTime(at, now time.Time) error {
	if at.After(now) || at.UTC().Year() < 1970 {
		return ErrTime
	}
	return nil
}

// ClockSkew is how far the clock of a sender of consents may be ahead.
const ClockSkew = 5 * time.Minute

var (
	errMoment  = errors.New("must be a time like 2026-11-20T08:00:00Z")
	errOptOut  = errors.New("must not be before 1970")
	errConsent = errors.New("must not be more than five minutes in the future, nor before 1970")
)

// Moment is a time as somebody wrote it: RFC 3339, where the seconds may be
// absent, and a space may stand before the time of day. A nil Moment is a time that
// was not given.
type Moment struct {
	At    time.Time
	whole bool // written without a fraction of a second
}

// UnmarshalText reads a moment.
func (m *Moment) UnmarshalText(text []byte) error {
	written := strings.Replace(strings.ToUpper(string(text)), " ", "T", 1)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, written); err == nil {
			*m = Moment{At: at, whole: !bytes.ContainsAny(text, ".,")}
			return nil
		}
	}
	return errMoment
}

// OptOut returns when an opt-out of this moment counts. A person's no is never
// refused because of a clock: a time ahead is now, as is no time.
func (m *Moment) OptOut(now time.Time) (time.Time, error) {
	switch {
	case m == nil, m.At.After(now):
		return now, nil
	case CheckTime(m.At, now) != nil:
		return now, errOptOut
	}
	return m.At, nil
}

// Consent returns when a consent of this moment counts. A whole second means its
// end: a consent that followed an opt-out in the same second lifts the opt-out.
// A time up to ClockSkew ahead is now, so that a later opt-out is always newer.
func (m *Moment) Consent(now time.Time) (time.Time, error) {
	if m.At.After(now.Add(ClockSkew)) || CheckTime(m.At, m.At) != nil {
		return now, errConsent
	}
	at := m.At
	if m.whole {
		at = at.Add(time.Second - time.Nanosecond)
	}
	if at.After(now) {
		return now, nil
	}
	return at, nil
}
