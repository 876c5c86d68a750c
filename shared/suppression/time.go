package suppression

import (
	"errors"
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
