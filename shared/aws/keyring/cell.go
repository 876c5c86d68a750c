package keyring

import (
	"context"
	"sync"
	"time"
)

// cell keeps the value that was read last. During a reading, other callers wait
// for its end.
type cell[T any] struct {
	mu    sync.Mutex
	value *T
	read  time.Time // when the reading of value began
	tried time.Time // when any reading last began
}

// get returns the value, which it reads again when it is older than Fresh. While
// the reading fails, get returns the older value until that is older than
// usable, and then the error. All times are by the wall clock.
func (c *cell[T]) get(ctx context.Context, now time.Time, usable time.Duration, load func(context.Context) (*T, error)) (*T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.value != nil && isWithin(now, c.read, Fresh) {
		return c.value, nil
	}
	atHand := c.value != nil && isWithin(now, c.read, usable)
	if atHand {
		if isWithin(now, c.tried, refreshInterval) {
			return c.value, nil
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, refreshPatience)
		defer cancel()
	}
	c.tried = now
	value, err := load(ctx)
	switch {
	case err == nil:
		c.value, c.read = value, now
	case !atHand:
		return nil, err
	}
	return c.value, nil
}

// isWithin reports whether less than limit has passed since then. If the clock was
// set back, the answer is false.
func isWithin(now, then time.Time, limit time.Duration) bool {
	age := now.Sub(then)
	return age >= 0 && age < limit
}

// wall returns the time by the wall clock. Go takes differences by the monotonic
// clock, which may stand still while Lambda has frozen a container.
func wall(t time.Time) time.Time { return t.Round(0) }
