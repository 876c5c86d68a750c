// Package sqsqueue sends messages to SQS queues. It promises that a message is
// durable once a call has returned without an error, and that an error holds
// nothing of the message.
package sqsqueue

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"stille/shared/unsubscribe/outage"
)

// Client is the part of SQS that Queue needs.
type Client interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Queue is one SQS queue.
type Queue struct {
	client Client
	url    string
}

// New returns the queue with this URL.
func New(client Client, url string) Queue { return Queue{client: client, url: url} }

// Send sends the value as JSON. A FIFO queue keeps the order of the messages of
// one group; for any other queue the group must be empty.
func (q Queue) Send(ctx context.Context, value any, group string) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("writing a message for a queue: %w", err)
	}
	in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))}
	if group != "" {
		in.MessageGroupId = &group
	}
	if _, err := q.client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("sending to a queue: %w", err)
	}
	return nil
}

// Counter is the part of SQS that Counted needs.
type Counter interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// Counted is a queue whose messages are counted.
type Counted struct {
	client Counter
	url    string
}

// Count returns the queue with this URL.
func Count(client Counter, url string) Counted { return Counted{client, url} }

// depths are the counts of a queue: what waits, what a function has, what is
// delayed.
func depths() []types.QueueAttributeName {
	return []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
}

// Depth is about how many messages the queue holds, hidden and delayed ones too.
func (q Counted) Depth(ctx context.Context) (int, error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: depths()})
	if err != nil {
		return 0, fmt.Errorf("looking into a queue: %w", err)
	}
	depth := 0
	for _, name := range depths() {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("looking into a queue: %s is not a number", name)
		}
		depth += n
	}
	return depth, nil
}

// Outage is the outage queue: a FIFO queue that recognises a repeated message
// by its content.
type Outage struct{ queue Queue }

// NewOutage returns the outage queue with this URL.
func NewOutage(client Client, url string) Outage { return Outage{New(client, url)} }

// Put queues an opt-out.
func (o Outage) Put(ctx context.Context, optOut outage.OptOut) error {
	return o.queue.Send(ctx, optOut, optOut.Group())
}
