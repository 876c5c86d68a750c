package main

import (
	"context"
	"log/slog"
	"time"

	"stille/shared/aws/emf"
)

// countTransactional writes down how often a tool calls a message
// transactional, so that marketing under that name is seen. CloudWatch makes
// the metric TransactionalChecks, by tool, out of the line.
func countTransactional(ctx context.Context, log *slog.Logger, tool string, contacts int, at time.Time) {
	log.InfoContext(ctx, "transactional check", "tool", tool, "TransactionalChecks", contacts, emf.Embedded(at, "tool", "TransactionalChecks"))
}
