package deployment

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"stille/shared/operator"
)

// Mover is the part of SQS that moves messages.
type Mover interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// emptyAnswers is how many answers without a message, in a row, end a move: a single
// one may overlook messages.
const emptyAnswers = 3

// Move moves the messages of a queue, one by one, to another queue, and returns how
// many it moved: at most those that were there when the queues were listed. A
// message is sent before it is deleted: a move that is interrupted leaves it in
// both queues, in none ever. A queue that keeps an order keeps the groups.
func (q Queues) Move(ctx context.Context, from, to operator.Queue) (moved int, err error) {
	for empty := 0; empty < emptyAnswers && moved < from.Messages; {
		got, err := q.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &from.URL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
		})
		if err != nil {
			return moved, fmt.Errorf("receiving from %s: %w", from.Name, err)
		}
		if empty++; len(got.Messages) > 0 {
			empty = 0
		}
		for _, m := range got.Messages {
			if err := q.moveOne(ctx, m, from, to); err != nil {
				return moved, err
			}
			moved++
		}
	}
	return moved, nil
}

func (q Queues) moveOne(ctx context.Context, m types.Message, from, to operator.Queue) error {
	send := &sqs.SendMessageInput{QueueUrl: &to.URL, MessageBody: m.Body}
	if group := m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]; group != "" {
		send.MessageGroupId = aws.String(group)
	}
	if strings.HasSuffix(to.URL, ".fifo") {
		// Under the id of the dead letter: a queue that saw the same body within five
		// minutes, and failed to carry it out, would drop the message. A queue without
		// an order takes no deduplication id.
		send.MessageDeduplicationId = m.MessageId
	}
	if _, err := q.SQS.SendMessage(ctx, send); err != nil {
		return fmt.Errorf("sending to %s: %w", to.Name, err)
	}
	if _, err := q.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &from.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
		return fmt.Errorf("deleting from %s: %w", from.Name, err)
	}
	return nil
}
