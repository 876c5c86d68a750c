package outage

import (
	"sync"
	"time"
)

const (
	// mostTimeouts is how many calls of the store in a row may time out before the
	// store is left alone.
	mostTimeouts = 3
	// rest is how long the store is left alone. The first call after the rest is a
	// trial: when the trial times out, another rest begins.
	rest = 5 * time.Second
)

// Breaker tells whether a store that hangs is worth another call. A call that
// times out holds one of the function's places, and every place that is held is
// an opt-out that may be turned away. The zero Breaker is ready to use, also by
// several goroutines.
type Breaker struct {
	mu       sync.Mutex
	timeouts int // in a row
	since    time.Time
}

// Rests reports whether the store is to be left alone. Times are by the wall
// clock: Lambda stops the monotonic clock of a frozen container.
func (b *Breaker) Rests(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	age := now.Round(0).Sub(b.since)
	return b.timeouts >= mostTimeouts && age >= 0 && age < rest
}

// Called notes how a call of the store ended.
func (b *Breaker) Called(timedOut bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !timedOut {
		b.timeouts = 0
		return
	}
	b.timeouts++
	b.since = now.Round(0)
}
