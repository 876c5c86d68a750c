//go:build store

package purge_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

// A schedule orders the calls of several concurrent actors by its seed alone: each
// actor stops before each of its calls, and only when all actors have stopped does
// the schedule let one call go. It runs in a bubble of testing/synctest, which
// reports when every actor has stopped, and in which a pause takes no time.
type schedule struct {
	seed   uint64
	random *rand.Rand

	mu      sync.Mutex
	waiting []*call
	working int
	step    int // number of calls let go
	trace   []string
}

// call is an actor's next call.
type call struct {
	by    *actor
	what  string
	begin chan struct{}
}

// actor is one of the concurrent actors.
type actor struct {
	*schedule
	name string
	run  string // of a worker
	turn int64  // of a worker's run
	do   func(*actor)
	over chan struct{} // closed when the actor has finished
	took chan struct{} // of a run that takes over: closed when it has, or has finished

	tookOver func() // closes took

	calls    int // number of calls let go
	diesAt   int // the call at which it dies; 0 for never
	dead     bool
	waitsAt  int // the number of its calls after which it waits
	waitsFor int // the number of the others' calls that it waits for
	began    int // the step at which it began
}

func newSchedule(seed uint64) *schedule {
	return &schedule{seed: seed, random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // no secret
}

// longestWait is the largest number of other actors' calls that an actor waits
// for: about the number of a worker's calls in a run. Most other actors make at
// least shortest calls.
const (
	longestWait = 16
	shortest    = 4
)

// actor returns an actor that waits for the others once, before one of its
// first calls. That number of calls of others happens before it, and between two of its
// calls.
func (s *schedule) actor(name string, do func(*actor)) *actor {
	return &actor{
		schedule: s, name: name, do: do, over: make(chan struct{}),
		waitsAt: s.random.IntN(shortest), waitsFor: s.random.IntN(longestWait),
	}
}

var errDead = errors.New("killed")

// await stops an actor before a call until the call is let go, and returns the
// call's number. A dead actor gets an error.
func (a *actor) await(what string) (int, error) {
	a.mu.Lock()
	if a.dead {
		a.mu.Unlock()
		return 0, errDead
	}
	c := &call{a, what, make(chan struct{})}
	a.waiting = append(a.waiting, c)
	a.mu.Unlock()
	<-c.begin
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dead {
		return 0, errDead
	}
	return a.step, nil
}

// play lets the actors work until all have finished.
func (s *schedule) play(actors []*actor) {
	s.working = len(actors)
	for _, a := range actors {
		go func() {
			a.do(a)
			close(a.over)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.working--
		}()
	}
	for {
		synctest.Wait()
		s.mu.Lock()
		next, working := s.pick(), s.working
		s.mu.Unlock()
		switch {
		case next != nil:
			close(next.begin)
		case working == 0:
			return
		default:
			time.Sleep(time.Minute) // an actor pauses before a retry
		}
	}
}

// pick takes one of the waiting calls.
func (s *schedule) pick() *call {
	if len(s.waiting) == 0 {
		return nil
	}
	slices.SortStableFunc(s.waiting, func(a, b *call) int {
		return cmp.Or(strings.Compare(a.by.name, b.by.name), strings.Compare(a.what, b.what))
	})
	ready := slices.DeleteFunc(slices.Clone(s.waiting), func(c *call) bool {
		return c.by.calls == c.by.waitsAt && c.by.waitsFor > 0
	})
	if len(ready) == 0 {
		ready = s.waiting
	}
	next := ready[s.random.IntN(len(ready))]
	s.waiting = slices.DeleteFunc(s.waiting, func(c *call) bool { return c == next })
	for _, c := range s.waiting {
		if c.by != next.by && c.by.calls == c.by.waitsAt {
			c.by.waitsFor--
		}
	}
	s.step++
	next.by.calls++
	next.by.dead = next.by.diesAt > 0 && next.by.calls >= next.by.diesAt
	line := fmt.Sprintf("%3d %s: %s", s.step, next.by.name, next.what)
	if next.by.dead {
		line += " (and dies before)"
	}
	s.trace = append(s.trace, line)
	return next
}

// remark adds the result of the last call to the trace.
func (s *schedule) remark(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, "      "+what)
}

// nobody is the actor of the test itself.
func (s *schedule) nobody() *actor { return &actor{schedule: s, name: "the test"} }
