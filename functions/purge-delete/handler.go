package main

import (
	"context"
	"errors"
	"time"

	"stille/shared/purge"
	"stille/shared/retention"
)

// reserve is how much of its time a call keeps back: after that it hands over
// to the next call rather than being cut off in the middle of a page.
const reserve = 120 * time.Second

// errDeployed means that another policy or other code was deployed since the
// run was planned: what is due by the one need not be by the other. The next
// run goes on.
var errDeployed = errors.New("the policy or the code was deployed anew in the middle of the run")

// handler deletes what is due in one shard.
type handler struct {
	worker  purge.Worker
	policy  *retention.Policy
	version string // of the code
	now     func() time.Time
}

func (h handler) delete(ctx context.Context, work purge.Work) (purge.Work, error) {
	class, ok := h.policy.Class(work.Class)
	if !ok {
		return work, retention.ErrUnknownClass
	}
	if work.PolicyHash != h.policy.Hash() || work.CodeVersion != h.version {
		return work, errDeployed
	}
	deadline, limited := ctx.Deadline()
	return h.worker.Shard(ctx, class, work, func() bool {
		return !limited || deadline.Sub(h.now()) > reserve
	})
}
