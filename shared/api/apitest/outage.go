package apitest

import (
	"cmp"
	"context"
	"sync"

	"stille/shared/contact"
	"stille/shared/unsubscribe/outage"
)

// Queue is an outage queue in memory.
type Queue struct {
	Err error // of every Put

	mu    sync.Mutex
	waits []outage.OptOut
}

// Put queues an opt-out as the queue would hold it.
func (q *Queue) Put(ctx context.Context, o outage.OptOut) error {
	if err := cmp.Or(q.Err, ctx.Err()); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits = append(q.waits, o)
	return nil
}

// Waits returns what waits, the oldest first.
func (q *Queue) Waits() []outage.OptOut {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]outage.OptOut{}, q.waits...)
}

// Unproven returns the contact key set, also while the keys cannot be proven.
func (h *House) Unproven(context.Context) (*contact.KeySet, error) { return h.Contacts, h.UnprovenErr }

// Store returns the store of a door that writes to the list. What the list does
// not take waits in h.Queue.
func (h *House) Store(list outage.List) outage.Store {
	return outage.Store{Keys: h, List: list, Queue: &h.Queue, Breaker: &outage.Breaker{}, Links: &outage.Links{}, Patience: outage.Patience}
}
