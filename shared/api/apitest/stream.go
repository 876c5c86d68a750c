package apitest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// ErrRetried means that Lambda delivers a record of the batch again.
var ErrRetried = errors.New("a record is delivered again")

// Deliver hands a batch of a table's stream to a handler, and returns ErrRetried if a
// record of the batch failed.
func Deliver(t testing.TB, handle func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error), b events.DynamoDBEvent) error {
	t.Helper()
	answer, err := handle(t.Context(), b)
	if err == nil && len(answer.BatchItemFailures) > 0 {
		return ErrRetried
	}
	return err
}

// LaneBatch is how many records of a stream a function takes at once.
const LaneBatch = 100

// Lane measures a batch of a stream, the median of several, against a second. A
// shard of the stream has ten lanes: if each takes a batch a second, the shard takes
// a thousand records.
func Lane(b *testing.B, name string, handle func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error), all events.DynamoDBEvent) {
	b.Helper()
	var took []time.Duration
	for batch := range slices.Chunk(all.Records, LaneBatch) {
		began := b.Elapsed()
		if err := Deliver(b, handle, events.DynamoDBEvent{Records: batch}); err != nil {
			b.Fatal(err)
		}
		took = append(took, b.Elapsed()-began)
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "Lane/"+name+"-ours-ms")
	b.ReportMetric(1e3, "Lane/"+name+"-raw-ms")
}
