// Package deadletter sends stream records that a function cannot take to a
// dead-letter queue, which an operator empties: a record that always fails
// would block its stream. It promises that a message names the record by its
// key and gives the reason, and holds nothing else of the record, except the old
// image of a held record that somebody rewrote: the image is the evidence.
package deadletter

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/aws/sqsqueue"
)

// Record names a stream record. An operator uses it to find the item in its
// table, and to have the function take the item again.
type Record struct {
	Stream string            `json:"stream"` // ARN
	Event  string            `json:"event"`  // the stream's event id
	Keys   map[string]string `json:"keys"`   // the item's primary key; its strings and numbers
	Reason string            `json:"reason"`
	Image  json.RawMessage   `json:"image,omitempty"` // the record before it was rewritten
}

// longestImage leaves room in the 256 KB of a message.
const longestImage = 240 << 10

// WithImage adds the old image of the record, unless the image is too long for
// a message: a backup of the table then has it for some days.
func (r Record) WithImage(image map[string]any) Record {
	written, err := json.Marshal(image)
	if err != nil || len(written) > longestImage {
		r.Reason += "; the old image is too long for the queue: read it from a backup of the table"
		return r
	}
	r.Image = written
	return r
}

// Of describes a stream record that could not be taken.
func Of(r events.DynamoDBEventRecord, reason error) Record {
	keys := make(map[string]string, len(r.Change.Keys))
	for name, value := range r.Change.Keys {
		switch value.DataType() {
		case events.DataTypeString:
			keys[name] = value.String()
		case events.DataTypeNumber:
			keys[name] = value.Number()
		}
	}
	return Record{Stream: r.EventSourceArn, Event: r.EventID, Keys: keys, Reason: reason.Error()}
}

// Queue is a dead-letter queue.
type Queue struct{ queue sqsqueue.Queue }

// NewQueue returns the dead-letter queue with this URL.
func NewQueue(client sqsqueue.Client, url string) *Queue { return &Queue{sqsqueue.New(client, url)} }

// Park sends a record to the dead-letter queue.
func (q *Queue) Park(ctx context.Context, record Record) error { return q.queue.Send(ctx, record, "") }
