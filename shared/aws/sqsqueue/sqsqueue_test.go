package sqsqueue_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/sqsqueue"
	"stille/shared/contact"
	"stille/shared/unsubscribe/outage"
)

// client keeps the sent messages.
type client struct {
	sent []*sqs.SendMessageInput
	err  error
}

func (c *client) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	c.sent = append(c.sent, in)
	return &sqs.SendMessageOutput{}, c.err
}

func TestAMessageIsSentInJSON(t *testing.T) {
	for _, group := range []string{"", "g"} {
		var c client
		if err := sqsqueue.New(&c, "https://queue").Send(t.Context(), map[string]int{"a": 1}, group); err != nil {
			t.Fatal(err)
		}
		in := c.sent[0]
		if *in.QueueUrl != "https://queue" || *in.MessageBody != `{"a":1}` || aws.ToString(in.MessageGroupId) != group || (in.MessageGroupId == nil) != (group == "") {
			t.Errorf("sent %+v", in)
		}
	}
}

func TestAnOptOutIsQueuedInItsGroup(t *testing.T) {
	var c client
	o := outage.OptOut{Keys: []contact.Key{"k"}, Channel: contact.Email, Scope: "acme"}
	if err := sqsqueue.NewOutage(&c, "https://queue").Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(c.sent[0].MessageGroupId); got != o.Group() {
		t.Errorf("group %s", got)
	}
}

// counts are the attributes of a queue.
type counts map[string]string

func (c counts) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	if c == nil {
		return nil, errors.New("the queue is down")
	}
	return &sqs.GetQueueAttributesOutput{Attributes: c}, nil
}

func TestHiddenAndDelayedMessagesAreCounted(t *testing.T) {
	const all, hidden, delayed = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"
	if n, err := sqsqueue.Count(counts{all: "1", hidden: "20", delayed: "300"}, "https://queue").Depth(t.Context()); n != 321 || err != nil {
		t.Errorf("%d, error %v", n, err)
	}
	for _, c := range []counts{nil, {all: "0", hidden: "0"}} {
		if _, err := sqsqueue.Count(c, "https://queue").Depth(t.Context()); err == nil {
			t.Error("a queue that says nothing is taken for empty")
		}
	}
}

func TestAFailureToSendIsAnError(t *testing.T) {
	down := errors.New("the queue is down")
	if err := sqsqueue.New(&client{err: down}, "https://queue").Send(t.Context(), 1, ""); !errors.Is(err, down) {
		t.Errorf("error %v", err)
	}
}
