package main

import (
	"context"
	"time"

	"stille/shared/purge"
	"stille/shared/retention"
)

// reserve is how much of its time a call keeps back: after that it hands over
// to the next call rather than being cut off in the middle of a page.
const reserve = 120 * time.Second

// handler deletes what is due in one shard.
type handler struct {
	worker purge.Worker
	policy *retention.Policy
	now    func() time.Time
}

func (h handler) delete(ctx context.Context, work purge.Work) (purge.Work, error) {
	class, ok := h.policy.Class(work.Class)
	if !ok {
		return work, retention.ErrUnknownClass
	}
	deadline, limited := ctx.Deadline()
	return h.worker.Shard(ctx, class, work, func() bool {
		return !limited || deadline.Sub(h.now()) > reserve
	})
}
