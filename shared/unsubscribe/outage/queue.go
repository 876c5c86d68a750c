package outage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Client is the part of SQS that is needed.
type Client interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Queue is where opt-outs wait: a FIFO queue that tells repeats by their
// content.
type Queue struct {
	client Client
	url    string
}

// NewQueue returns the queue with this URL.
func NewQueue(client Client, url string) *Queue { return &Queue{client: client, url: url} }

// Put has an opt-out wait. Once it has returned without an error, the opt-out
// is durable.
func (q *Queue) Put(ctx context.Context, o OptOut) error {
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("queueing an opt-out: %w", err)
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: aws.String(string(body)), MessageGroupId: aws.String(o.group()),
	})
	if err != nil {
		return fmt.Errorf("queueing an opt-out: %w", err)
	}
	return nil
}

// group is the same for all of a contact's opt-outs, which keep their order. A
// queue's encryption leaves it readable, so it is not the key itself.
func (o OptOut) group() string {
	sum := sha256.Sum256([]byte(o.Keys[0]))
	return hex.EncodeToString(sum[:])
}
