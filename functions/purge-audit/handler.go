package main

import (
	"context"
	"time"

	"stille/shared/purge"
	"stille/shared/retention"
)

// reserve is the time that a call keeps for looking again at its findings and
// storing them.
const reserve = 180 * time.Second

// handler audits one segment of a class.
type handler struct {
	auditor purge.Auditor
	policy  *retention.Policy
}

func (h handler) audit(ctx context.Context, work purge.AuditWork) (purge.AuditWork, error) {
	class, ok := h.policy.Class(work.Class)
	if !ok {
		return work, retention.ErrUnknownClass
	}
	auditor := h.auditor
	auditor.PolicyHash = class.Hash()
	deadline, limited := ctx.Deadline()
	return auditor.Segment(ctx, class, work, func() bool {
		return !limited || deadline.Sub(auditor.Now()) > reserve
	})
}
