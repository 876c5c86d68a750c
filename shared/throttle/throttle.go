// Package throttle bounds how often something is done.
package throttle

import "time"

// Throttle lets Most calls through at once, and then one in a Pause. A Throttle is not
// safe for concurrent use.
type Throttle struct {
	Most  int
	Pause time.Duration
	until time.Time // until when the calls count that went through
}

// Takes counts a call, and reports whether it may go through.
func (t *Throttle) Takes(now time.Time) bool {
	ahead := t.until.Sub(now)
	if ahead < 0 || ahead > time.Duration(t.Most)*t.Pause { // or the clock was set back
		ahead = 0
	}
	if ahead > time.Duration(t.Most-1)*t.Pause {
		return false
	}
	t.until = now.Add(ahead + t.Pause)
	return true
}
