package main

import (
	"context"
	"time"

	"stille/shared/aws/emf"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

// count logs where the opt-outs of a batch came from, and how long a click waited in
// the outage queue: the function behind the links times a click that waits for
// nothing. CloudWatch makes the metrics of the dashboard from the lines. An entry that
// is delivered again is counted again.
func (h handler) count(ctx context.Context, entries []ledger.Entry) {
	at := h.now()
	sources, clicks := map[string]int{}, map[string]time.Duration{}
	for _, e := range entries {
		if e.Action != ledger.Suppressed {
			continue
		}
		source := suppression.Source(e.Source)
		sources[string(e.Channel)+" "+string(source.Kind())]++
		if waited := e.RecordedAt.Sub(e.At); source.FromLink() && waited > 0 {
			clicks[string(e.Channel)] = max(clicks[string(e.Channel)], waited)
		}
	}
	for from, n := range sources {
		h.log.InfoContext(ctx, "opt-outs", names.MetricFrom, from, names.MetricOptOuts, n, emf.Embedded(at, names.MetricFrom, names.MetricOptOuts))
	}
	for channel, slowest := range clicks {
		h.log.InfoContext(ctx, "the slowest click of a batch", names.MetricChannel, channel, names.MetricClickToEnforced, slowest.Milliseconds(),
			emf.Timed(at, names.MetricChannel, names.MetricClickToEnforced))
	}
}
