package main

import (
	"context"
	"fmt"

	"stille/shared/aws/emf"
	"stille/shared/names"
	"stille/shared/retention"
)

// countOverdue writes down how many records of the class are overdue, however
// the run ended: the metric that alarms. What a hold keeps is not.
func (h handler) countOverdue(ctx context.Context, class retention.Class) error {
	at := h.now()
	left, err := h.left(ctx, class, at.Add(-retention.OverdueAfter))
	if err != nil {
		return fmt.Errorf("after the certificate: %w", err)
	}
	h.log.InfoContext(ctx, "what is overdue after a purge", names.AttrClass, class.Name,
		names.MetricOverdue, left.Overdue(), "held", left.Held, emf.Embedded(at, names.AttrClass, names.MetricOverdue))
	return nil
}
