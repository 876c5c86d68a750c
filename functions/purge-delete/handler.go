package main

import (
	"context"
	"errors"
	"time"

	"stille/shared/purge"
	"stille/shared/retention"
)

// reserve is the time that a call keeps back. When only the reserve is left the
// call hands over to the next call, so that no page is cut off.
const reserve = 120 * time.Second

// errDeployed means that another policy or other code was deployed since the
// run was planned. The two may disagree on what is due, so the run stops; the
// next run deletes the rest.
var errDeployed = errors.New("the policy or the code changed during the run")

// handler deletes the due records of one shard.
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
	if work.PolicyHash != class.Hash() || work.CodeVersion != h.version {
		return work, errDeployed
	}
	deadline, limited := ctx.Deadline()
	return h.worker.Shard(ctx, class, work, func() bool {
		return !limited || deadline.Sub(h.now()) > reserve
	})
}
