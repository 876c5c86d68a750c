package main

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queues is the part of SQS that says what waits.
type queues interface {
	ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// queueAnswer is one queue of the stack.
type queueAnswer struct {
	Name     string `json:"queue"`
	Messages int    `json:"messages"` // about so many
	Aside    bool   `json:"aside"`    // for what nobody could take: an operator must look at every message
	URL      string `json:"url"`
	// How long the oldest message has waited; absent where CloudWatch does not tell.
	OldestSeconds *int `json:"oldestSeconds,omitempty"`
}

// aside are the queues that should be empty, by how their names end.
var aside = regexp.MustCompile(`(dead|parked|missed)$`)

// waitingMessages looks into the queues of the stack, by their names:
// CloudFormation makes them of the stack's, the queue's in the stack and
// something random.
func (s *system) waitingMessages(ctx context.Context) ([]queueAnswer, error) {
	ours := regexp.MustCompile(`^` + regexp.QuoteMeta(string(s.name)) + `-([A-Za-z]+)[0-9A-F]{8}-[A-Za-z0-9]+(\.fifo)?$`)
	pages := sqs.NewListQueuesPaginator(s.queues, &sqs.ListQueuesInput{
		QueueNamePrefix: aws.String(string(s.name) + "-"), MaxResults: aws.Int32(1000),
	})
	var all []queueAnswer
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the queues: %w", err)
		}
		for _, url := range page.QueueUrls {
			match := ours.FindStringSubmatch(path.Base(url))
			if match == nil {
				continue
			}
			one := queueAnswer{Name: match[1], Aside: aside.MatchString(match[1]), URL: url}
			if one.Messages, err = s.messagesIn(ctx, url); err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b queueAnswer) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func (s *system) messagesIn(ctx context.Context, url string) (int, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	got, err := s.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("looking into a queue: %w", err)
	}
	sum := 0
	for _, name := range names {
		n, err := strconv.Atoi(got.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("looking into a queue: %s is no number", name)
		}
		sum += n
	}
	return sum, nil
}
