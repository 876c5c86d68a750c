// Package deadletter puts stream records that a function cannot take aside, into a
// queue that an operator empties: a stream stands still behind a record that
// fails for ever. It promises that what is parked names the record by its key
// and the reason, and carries nothing else of it.
package deadletter

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Record names a stream record: enough to find it in its table and to put it
// on its way again.
type Record struct {
	Stream string            `json:"stream"` // ARN
	Event  string            `json:"event"`  // the stream's event id
	Keys   map[string]string `json:"keys"`   // the item's primary key; its strings and numbers
	Reason string            `json:"reason"`
}

// Of describes the stream record that could not be taken.
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

// Client is the part of SQS that is needed.
type Client interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Queue is where records are parked.
type Queue struct {
	client Client
	url    string
}

// NewQueue returns the queue with this URL.
func NewQueue(client Client, url string) *Queue { return &Queue{client: client, url: url} }

// Park puts a record aside.
func (q *Queue) Park(ctx context.Context, record Record) error {
	body, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("parking a record: %w", err)
	}
	if _, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))}); err != nil {
		return fmt.Errorf("parking a record: %w", err)
	}
	return nil
}
