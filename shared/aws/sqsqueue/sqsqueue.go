// Package sqsqueue sends messages to SQS queues. It promises that a message is
// durable once a call has returned without an error, and that an error holds
// nothing of the message.
package sqsqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"stille/shared/unsubscribe/outage"
	"stille/shared/webhook"
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

// Put queues an opt-out: the outage queue is a FIFO queue that recognises a repeated
// message by its content.
func (q Queue) Put(ctx context.Context, optOut outage.OptOut) error {
	return q.Send(ctx, optOut, optOut.Group())
}

// Counter is the part of SQS that Depth needs.
type Counter interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// depths are the counts of a queue: what waits, what a function has, what is
// delayed.
func depths() []types.QueueAttributeName {
	return []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
}

// Depth is about how many messages the queue of a URL holds, hidden and delayed ones too.
func Depth(ctx context.Context, client Counter, url string) (int, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: depths()})
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

// BatchClient is the part of SQS that Webhooks needs.
type BatchClient interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Webhooks is a queue of deliveries. It keeps no order. The group of a message is
// its webhook: SQS gives the messages of a webhook that has few of them a turn
// before the backlog of another ("fair queues").
type Webhooks struct {
	client BatchClient
	url    string
}

// NewWebhooks returns the queue of deliveries with this URL.
func NewWebhooks(client BatchClient, url string) Webhooks { return Webhooks{client, url} }

// errRefused means that SQS did not take every message of a batch.
var errRefused = errors.New("the queue did not take every message")

// atOnce is how many messages SQS takes in one request.
const atOnce = 10

// Put queues the deliveries, which nobody gets before the pause is over. After an
// error, any of them may be in the queue.
func (q Webhooks) Put(ctx context.Context, pause time.Duration, all ...webhook.Delivery) error {
	for chunk := range slices.Chunk(all, atOnce) {
		in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for i, d := range chunk {
			body, err := json.Marshal(d)
			if err != nil {
				return fmt.Errorf("writing a message for a queue: %w", err)
			}
			entry := types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body)), DelaySeconds: int32(pause / time.Second), //nolint:gosec // at most 900
			}
			if d.Webhook != "" {
				entry.MessageGroupId = aws.String(d.Webhook)
			}
			in.Entries = append(in.Entries, entry)
		}
		out, err := q.client.SendMessageBatch(ctx, in)
		if err != nil {
			return fmt.Errorf("sending to a queue: %w", err)
		}
		if len(out.Failed) > 0 {
			return errRefused
		}
	}
	return nil
}
