package outage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"stille/shared/throttle"
)

// Anybody can invent a link, and while no key opens links an invented one looks like
// any other. So a container queues linksAtOnce links, and then one in a linkPause.
const (
	linksAtOnce = 200
	linkPause   = 500 * time.Millisecond
	// repeatAfter is how long one link has one message in the queue.
	repeatAfter = time.Hour
)

// ErrTooManyLinks means that an opt-out was not queued, because too many links that
// no key opens came in.
var ErrTooManyLinks = errors.New("too many links that no key opens came in")

// Links bounds how many links that no key opens a container puts into the queue. The
// zero Links is ready to use, also by several goroutines.
type Links struct {
	mu     sync.Mutex
	bound  throttle.Throttle
	queued map[Link]time.Time
}

// Keep puts the opt-out of a link that no key could open into the queue, once an
// hour. It returns an error that wraps why, and ErrQueued if the opt-out is in the
// queue.
func (s Store) Keep(ctx context.Context, o OptOut, why error) error {
	l, at := s.Links, o.At.Round(0)
	l.mu.Lock() // a container has one call at a time
	defer l.mu.Unlock()
	if then, isQueued := l.queued[*o.Link]; isQueued && !at.Before(then) && at.Sub(then) < repeatAfter {
		return fmt.Errorf("%w: %w", ErrQueued, why)
	}
	l.bound.Most, l.bound.Pause = linksAtOnce, linkPause
	if !l.bound.Takes(at) {
		return fmt.Errorf("%w: %w", ErrTooManyLinks, why)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queuePatience)
	defer cancel()
	err := s.put(ctx, o, why)
	if errors.Is(err, ErrQueued) {
		maps.DeleteFunc(l.queued, func(_ Link, then time.Time) bool { return at.Sub(then) >= repeatAfter })
		if l.queued == nil {
			l.queued = map[Link]time.Time{}
		}
		l.queued[*o.Link] = at
	}
	return err
}
