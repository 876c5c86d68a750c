// Package deployment is a deployed stack as its operator sees it, beside its
// tables: the queues, the executions and the schedules. It promises that it
// deletes no message that it has not sent on, and that it starts only what it is
// asked to.
package deployment

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"stille/shared/aws/sqsqueue"
	"stille/shared/names"
	"stille/shared/operator"
)

// SQS is the part of SQS that counts and moves messages.
type SQS interface {
	ListQueueTags(context.Context, *sqs.ListQueueTagsInput, ...func(*sqs.Options)) (*sqs.ListQueueTagsOutput, error)
	ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// Queues are the queues of one stack.
type Queues struct {
	SQS        SQS
	CloudWatch cloudwatch.GetMetricDataAPIClient // nil on the local stack, which has no metrics
	Stack      names.Stack
}

// All returns every queue of the stack, sorted by name: its tags say which those
// are.
func (q Queues) All(ctx context.Context) ([]operator.Queue, error) {
	pages := sqs.NewListQueuesPaginator(q.SQS, &sqs.ListQueuesInput{
		QueueNamePrefix: aws.String(string(q.Stack) + "-"), MaxResults: aws.Int32(1000),
	})
	var all []operator.Queue
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the queues: %w", err)
		}
		for _, url := range page.QueueUrls {
			got, err := q.SQS.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
			if err != nil {
				return nil, fmt.Errorf("reading the tags of a queue: %w", err)
			}
			if got.Tags[names.TagStack] != string(q.Stack) {
				continue
			}
			messages, err := sqsqueue.Depth(ctx, q.SQS, url)
			if err != nil {
				return nil, err
			}
			all = append(all, operator.Queue{
				Name: got.Tags[names.TagQueue], Dead: got.Tags[names.TagDeadLetter] == "true", URL: url, Messages: messages,
			})
		}
	}
	slices.SortFunc(all, func(a, b operator.Queue) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// SQS reports a queue's age every minute, or every five minutes while the queue
// is inactive.
const (
	agePeriod = 5 * time.Minute
	ageSpan   = 3 * agePeriod
)

// AddAges sets the age of the oldest message of each queue where CloudWatch
// knows it.
func (q Queues) AddAges(ctx context.Context, all []operator.Queue, now time.Time) error {
	if q.CloudWatch == nil || len(all) == 0 {
		return nil
	}
	input := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-ageSpan)), EndTime: aws.Time(now), ScanBy: metrics.ScanByTimestampDescending}
	byID := map[string]*operator.Queue{}
	for i := range all {
		id := fmt.Sprintf("q%d", i)
		byID[id] = &all[i]
		input.MetricDataQueries = append(input.MetricDataQueries, metrics.MetricDataQuery{Id: &id, MetricStat: &metrics.MetricStat{
			Period: aws.Int32(int32(agePeriod / time.Second)), Stat: aws.String("Maximum"),
			Metric: &metrics.Metric{
				Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateAgeOfOldestMessage"),
				Dimensions: []metrics.Dimension{{Name: aws.String("QueueName"), Value: aws.String(path.Base(all[i].URL))}},
			},
		}})
	}
	pages := cloudwatch.NewGetMetricDataPaginator(q.CloudWatch, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("asking CloudWatch how old messages are: %w", err)
		}
		for _, result := range page.MetricDataResults {
			queue := byID[aws.ToString(result.Id)]
			if queue != nil && queue.OldestSeconds == nil && len(result.Values) > 0 {
				queue.OldestSeconds = aws.Int(int(result.Values[0]))
			}
		}
	}
	return nil
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
