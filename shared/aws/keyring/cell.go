package keyring

import (
	"context"
	"sync"
	"time"
)

// cell keeps the value that was read last. Callers that come while it is read
// wait for it.
type cell[T any] struct {
	mu    sync.Mutex
	value *T
	read  time.Time // when the reading of value began
	tried time.Time // when any reading last began
}

// get returns the value, read again where it is older than Fresh. While that
// fails the older one is returned, until it is older than usable; after that
// the error is. All times are by the wall clock.
func (c *cell[T]) get(ctx context.Context, now time.Time, usable time.Duration, load func(context.Context) (*T, error)) (*T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.value != nil && within(now, c.read, Fresh) {
		return c.value, nil
	}
	atHand := c.value != nil && within(now, c.read, usable)
	if atHand {
		if within(now, c.tried, refreshInterval) {
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

// within reports whether less than limit has passed since then. A clock that
// was set back tells nothing, so it has not.
func within(now, then time.Time, limit time.Duration) bool {
	age := now.Sub(then)
	return age >= 0 && age < limit
}

// wall is the time by the wall clock. The monotonic clock, by which Go takes
// differences, may stand still while Lambda has a container frozen.
func wall(t time.Time) time.Time { return t.Round(0) }

// once keeps the first value that was loaded without an error. Callers that
// come meanwhile wait for it.
type once[T any] struct {
	mu    sync.Mutex
	value *T
}

func (o *once[T]) get(load func() (*T, error)) (*T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.value != nil {
		return o.value, nil
	}
	value, err := load()
	if err != nil {
		return nil, err
	}
	o.value = value
	return value, nil
}
