package main

import (
	"context"
	"log/slog"
	"time"

	"stille/shared/aws/emf"
)

// countTransactional logs how many transactional messages a tool asks about, so
// that marketing under this name is noticed. CloudWatch makes the metric
// TransactionalChecks, by tool, from the line.
func countTransactional(ctx context.Context, log *slog.Logger, tool string, contacts int, at time.Time) {
	log.InfoContext(ctx, "transactional check", "tool", tool, "TransactionalChecks", contacts, emf.Embedded(at, "tool", "TransactionalChecks"))
}
