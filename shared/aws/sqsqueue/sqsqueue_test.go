package sqsqueue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"stille/shared/aws/sqsqueue"
	"stille/shared/contact"
	"stille/shared/unsubscribe/outage"
	"stille/shared/webhook"
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
	if err := sqsqueue.New(&c, "https://queue").Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(c.sent[0].MessageGroupId); got != o.Group() {
		t.Errorf("group %s", got)
	}
}

// batches keeps the requests, and refuses some of each.
type batches struct {
	requests []*sqs.SendMessageBatchInput
	failed   []types.BatchResultErrorEntry
	err      error
}

func (b *batches) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	b.requests = append(b.requests, in)
	return &sqs.SendMessageBatchOutput{Failed: b.failed}, b.err
}

func TestDeliveriesAreQueuedTenAtATime(t *testing.T) {
	var b batches
	all := make([]webhook.Delivery, 12)
	all[11] = webhook.Delivery{Webhook: "id", Queued: time.Unix(1, 0), Event: webhook.Event{Type: webhook.Suppressed, Data: webhook.Data{ID: "entry-1"}}}
	if err := sqsqueue.NewWebhooks(&b, "https://queue").Put(t.Context(), 90*time.Second, all...); err != nil {
		t.Fatal(err)
	}
	if len(b.requests) != 2 || len(b.requests[0].Entries) != 10 || len(b.requests[1].Entries) != 2 {
		t.Fatalf("%d requests", len(b.requests))
	}
	last := b.requests[1].Entries[1]
	if got, err := webhook.Read(*last.MessageBody); err != nil || got.Event.Data.ID != "entry-1" || last.DelaySeconds != 90 || aws.ToString(last.MessageGroupId) != "id" || b.requests[0].Entries[0].MessageGroupId != nil {
		t.Errorf("error %v, queued %+v", err, last)
	}
	for _, b := range []*batches{{err: errors.New("the queue is down")}, {failed: make([]types.BatchResultErrorEntry, 1)}} {
		if err := sqsqueue.NewWebhooks(b, "https://queue").Put(t.Context(), 0, all...); err == nil || len(b.requests) != 1 {
			t.Errorf("error %v", err)
		}
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
	if n, err := sqsqueue.Depth(t.Context(), counts{all: "1", hidden: "20", delayed: "300"}, "https://queue"); n != 321 || err != nil {
		t.Errorf("%d, error %v", n, err)
	}
	for _, c := range []counts{nil, {all: "0", hidden: "0"}} {
		if _, err := sqsqueue.Depth(t.Context(), c, "https://queue"); err == nil {
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
