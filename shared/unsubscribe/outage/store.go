package outage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stille/shared/contact"
	"stille/shared/suppression"
)

// Time limits. Their sum is well below the time limit of every function that
// stores opt-outs.
const (
	// Patience is how long one write may take. A place that waits for a store that
	// hangs is soon free again: 50 places take 100 opt-outs a second from the first
	// second on.
	Patience      = 400 * time.Millisecond
	keysPatience  = 2 * time.Second // a container that starts reads keys and canaries
	queuePatience = 2 * time.Second
)

var (
	// ErrQueued means that the list did not take an opt-out, and that the opt-out
	// is in the outage queue. The error also wraps why the list did not.
	ErrQueued = errors.New("the opt-out is in the outage queue")
	// ErrNameless means that no key set is at hand that names the contact: the change
	// is neither stored nor queued.
	ErrNameless = errors.New("not queued, because the contact has no key")
	errRests    = errors.New("the store timed out and is left alone for some seconds")
)

// Keys name contacts.
type Keys interface {
	contact.KeySource
	// Unproven returns the key set that was read last, however old, without a look
	// at the list's table. What it names may wait in the queue and nothing else.
	Unproven(ctx context.Context) (*contact.KeySet, error)
}

// List is the suppression list. Once Apply has returned without an error, the
// change is durable.
type List interface {
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

// Queue is the outage queue. Once Put has returned without an error, the opt-out
// is durable.
type Queue interface {
	Put(ctx context.Context, o OptOut) error
}

// Store stores the changes of a door. Every other field is needed.
type Store struct {
	Keys     Keys
	List     List
	Queue    Queue
	Breaker  *Breaker
	Links    *Links        // of the doors of links
	Patience time.Duration // for one write
}

// Apply makes a change. An opt-out that the list does not take is put into the
// queue: then the error wraps ErrQueued. After any other error the change is
// neither stored nor queued. An undo and a release never wait: the person must
// see the end of a silence at once. The contact's keys are returned where they
// are known, proven or not.
func (s Store) Apply(ctx context.Context, person contact.Contact, c suppression.Change, now time.Time) (contact.Known, suppression.Outcome, error) {
	mayWait := c.Action == suppression.Suppress
	if mayWait && s.Breaker.Rests(now) {
		who, err := s.wait(ctx, person, contact.Known{}, c, errRests)
		return who, suppression.Outcome{}, err
	}
	who, outcome, err := s.apply(ctx, person, c, now)
	s.Breaker.Called(errors.Is(err, context.DeadlineExceeded), now)
	if err != nil && mayWait {
		who, err = s.wait(ctx, person, who, c, err)
	}
	return who, outcome, err
}

func (s Store) apply(ctx context.Context, person contact.Contact, c suppression.Change, now time.Time) (contact.Known, suppression.Outcome, error) {
	who, err := s.Known(ctx, person)
	if err != nil {
		return who, suppression.Outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	outcome, err := s.List.Apply(ctx, who, c, now)
	return who, outcome, err
}

// Known names the contact by proven keys.
func (s Store) Known(ctx context.Context, person contact.Contact) (contact.Known, error) {
	ctx, cancel := context.WithTimeout(ctx, keysPatience)
	defer cancel()
	set, err := s.Keys.Contact(ctx)
	if err != nil {
		return contact.Known{}, fmt.Errorf("getting the contact keys: %w", err)
	}
	return set.Known(person)
}

// wait puts the opt-out into the queue and returns an error that wraps why.
// Without proven keys the unproven set names the contact; the function that
// carries out the opt-out proves the keys.
func (s Store) wait(ctx context.Context, person contact.Contact, who contact.Known, c suppression.Change, why error) (contact.Known, error) {
	// The time of the request may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queuePatience)
	defer cancel()
	if len(who.Keys) == 0 {
		set, err := s.Keys.Unproven(ctx)
		if err == nil {
			who, err = set.Known(person)
		}
		if err != nil {
			return who, fmt.Errorf("%w: %w; %w", ErrNameless, err, why)
		}
	}
	return who, s.put(ctx, Of(who, c), why)
}

// put puts an opt-out into the queue and returns an error that wraps why.
func (s Store) put(ctx context.Context, o OptOut, why error) error {
	if err := s.Queue.Put(ctx, o); err != nil {
		return fmt.Errorf("not queued: %w; %w", err, why)
	}
	return fmt.Errorf("%w: %w", ErrQueued, why)
}

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
