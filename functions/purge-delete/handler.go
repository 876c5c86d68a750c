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

// returning is the time that a call keeps to hand over although a page is cut off,
// because DynamoDB throttles it. The next call begins the page again.
const returning = 20 * time.Second

// mostThrottles is how often DynamoDB may throttle a call before the shard waits
// for the step with fewer shards at a time.
const mostThrottles = 100

// errDeployed means that another policy of the class was deployed since the run
// was planned. The two disagree on what is due, so the run stops; the next run
// deletes the rest. Other code under the same policy goes on with the run.
var errDeployed = errors.New("the policy changed during the run")

// handler deletes the due records of one shard.
type handler struct {
	worker purge.Worker
	policy *retention.Policy
	// throttles counts how often DynamoDB throttled.
	throttles func() int64
	now       func() time.Time
}

func (h handler) delete(ctx context.Context, work purge.Work) (purge.Work, error) {
	class, ok := h.policy.Class(work.Class)
	if !ok {
		return work, retention.ErrUnknownClass
	}
	if work.PolicyHash != class.Hash() {
		return work, errDeployed
	}
	if work.IsOver(h.now()) {
		work.Done, work.Late = true, true
		return work, nil
	}
	deadline, limited := ctx.Deadline()
	if limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-returning))
		defer cancel()
	}
	before := h.throttles()
	throttled := func() bool { return h.throttles()-before > mostThrottles }
	left, err := h.worker.Shard(ctx, class, work, func() bool {
		inTime := !limited || deadline.Sub(h.now()) > reserve
		return inTime && (work.Throttled || !throttled())
	})
	left.Throttled = work.Throttled || throttled()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && throttled() {
		return left, nil
	}
	return left, err
}
