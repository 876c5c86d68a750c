// Package sqsqueue sends messages to SQS queues. It promises that a message is
// durable once a call has returned without an error, and that an error holds
// nothing of the message.
package sqsqueue

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

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

// Outage is the outage queue: a FIFO queue that recognises a repeated message
// by its content.
type Outage struct{ queue Queue }

// NewOutage returns the outage queue with this URL.
func NewOutage(client Client, url string) Outage { return Outage{New(client, url)} }

// Put queues an opt-out.
func (o Outage) Put(ctx context.Context, optOut outage.OptOut) error {
	return o.queue.Send(ctx, optOut, optOut.Group())
}
