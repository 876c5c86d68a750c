// Package emf makes numbers in the log into metrics of CloudWatch (embedded
// metric format). It promises that each has one dimension; callers see to it
// that this has few values: no address, no key and no id is one.
package emf

import (
	"log/slog"
	"time"

	"stille/shared/names"
)

// Embedded is the attribute that makes other members of a log line into
// metrics: names are those whose values are numbers, counted at a time, and
// dimension is the one they are told apart by.
func Embedded(at time.Time, dimension string, counted ...string) slog.Attr {
	metrics := make([]metric, len(counted))
	for i, name := range counted {
		metrics[i] = metric{Name: name, Unit: "Count"}
	}
	return slog.Any("_aws", embedded{
		Timestamp:         at.UnixMilli(),
		CloudWatchMetrics: []directive{{Namespace: names.Source, Dimensions: [][]string{{dimension}}, Metrics: metrics}},
	})
}

// embedded is the part of a log line that says which of its members are
// metrics.
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
