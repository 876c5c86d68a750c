// Package streambatch takes the records of a DynamoDB stream. It promises that
// the changes of one item are taken in their order, that different items are
// taken at the same time, and that a record which fails is delivered again with
// every record behind it, while no earlier record is. It logs nothing of a
// record's content.
package streambatch

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"stille/shared/aws/sqsbatch"
)

// atOnce is how many items of a batch are taken at the same time: with store
// calls of 10 ms, four a record, a batch of 100 takes a fifth of a second.
const atOnce = 32

// Take calls take with every record of the batch and returns the answer for
// Lambda: the failed records. Records with the same value of the key's attribute
// are taken one after the other; after a failure the later ones fail too. An
// error of take is logged, so it must not hold anything of the record's content.
func Take(ctx context.Context, log *slog.Logger, batch []events.DynamoDBEventRecord, attribute string, take func(ctx context.Context, r events.DynamoDBEventRecord) error) events.DynamoDBEventResponse {
	failed := make([]bool, len(batch))
	group := errgroup.Group{}
	group.SetLimit(atOnce)
	for _, item := range byItem(batch, attribute) {
		group.Go(func() error {
			for n, i := range item {
				err := sqsbatch.Recovered(ctx, log, func() error { return take(ctx, batch[i]) })
				if err != nil {
					log.ErrorContext(ctx, "a stream record failed and is retried", "event", batch[i].EventID, "error", err)
					for _, later := range item[n:] {
						failed[later] = true
					}
					return nil
				}
			}
			return nil
		})
	}
	_ = group.Wait() // no call returns an error: failed holds them
	// Never nil: Lambda takes an answer without a list for success.
	response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	for i, r := range batch {
		if failed[i] {
			response.BatchItemFailures = append(response.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
		}
	}
	return response
}

// byItem groups the positions of the records of each item, in their order. A
// record without the attribute is an item by itself.
func byItem(batch []events.DynamoDBEventRecord, attribute string) [][]int {
	at := map[string]int{}
	var groups [][]int
	for i, r := range batch {
		key := r.Change.Keys[attribute]
		group := len(groups)
		if key.DataType() == events.DataTypeString {
			if earlier, seen := at[key.String()]; seen {
				group = earlier
			}
			at[key.String()] = group
		}
		if group == len(groups) {
			groups = append(groups, nil)
		}
		groups[group] = append(groups[group], i)
	}
	return groups
}
