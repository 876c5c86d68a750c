// Package emf turns numbers in the log into CloudWatch metrics (embedded metric
// format). It promises that each metric has two dimensions: the stack, which every
// log line of a function names, and one more. That one must have few values: never
// an address, a key or an id.
package emf

import (
	"log/slog"
	"time"

	"stille/shared/names"
)

// Embedded is the attribute that turns other members of a log line into
// metrics. counted names the members that hold numbers, at is their time, and
// dimension names the member that holds the dimension's value.
func Embedded(at time.Time, dimension string, counted ...string) slog.Attr {
	return embed(at, dimension, "Count", counted)
}

// Timed is Embedded for members that hold milliseconds.
func Timed(at time.Time, dimension string, timed ...string) slog.Attr {
	return embed(at, dimension, "Milliseconds", timed)
}

func embed(at time.Time, dimension, unit string, members []string) slog.Attr {
	metrics := make([]metric, len(members))
	for i, name := range members {
		metrics[i] = metric{Name: name, Unit: unit}
	}
	return slog.Any("_aws", embedded{
		Timestamp:         at.UnixMilli(),
		CloudWatchMetrics: []directive{{Namespace: names.Source, Dimensions: [][]string{{names.MetricStack, dimension}}, Metrics: metrics}},
	})
}

// embedded is the part of a log line that declares which members are metrics.
type embedded struct {
	Timestamp         int64
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type metric struct{ Name, Unit string }
