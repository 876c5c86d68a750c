package webhook

import (
	"context"
	"fmt"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/link"
	"stille/shared/suppression"
)

// Source returns the registry.
type Source interface {
	Registry(ctx context.Context) (Registry, error)
}

// Queue is the queue of deliveries. Once Put has returned without an error, they
// are durable.
type Queue interface {
	Put(ctx context.Context, after time.Duration, all ...Delivery) error
}

// Keys seal addresses.
type Keys interface {
	Link(ctx context.Context) (*link.Keys, error)
}

// Clicks tell the address of a person who used a link to the webhooks that were
// added with the address. Nothing else that goes out holds an address.
type Clicks struct {
	Webhooks Source
	Keys     Keys
	Queue    Queue
	Now      func() time.Time
}

// clickPatience is how long the person waits for the queue at most. A delivery
// without the address follows from the ledger in any case.
const clickPatience = 500 * time.Millisecond

// Tell queues what the person changed, with the address. After an error the
// webhooks are told without the address.
func (c Clicks) Tell(ctx context.Context, person contact.Contact, e ledger.Entry) error {
	if !suppression.Announced(e) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, clickPatience)
	defer cancel()
	all, err := c.Webhooks.Registry(ctx)
	if err != nil {
		return err
	}
	delivery := Of(e, c.Now())
	var out []Delivery
	for _, w := range all {
		if !w.Hears(e.Scope) || !delivery.MayHaveAddress(w) {
			continue
		}
		if delivery.Sealed == "" {
			keys, err := c.Keys.Link(ctx)
			if err != nil {
				return fmt.Errorf("getting the keys that seal an address: %w", err)
			}
			if delivery.Sealed, err = keys.Seal(person); err != nil {
				return err
			}
		}
		to, _ := delivery.To(w)
		out = append(out, to)
	}
	if len(out) == 0 {
		return nil
	}
	return c.Queue.Put(ctx, 0, out...)
}
