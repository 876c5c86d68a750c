package deadletter_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/deadletter"
)

// client keeps the last message.
type client struct {
	url, body string
	err       error
}

func (c *client) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	c.url, c.body = *in.QueueUrl, *in.MessageBody
	return &sqs.SendMessageOutput{}, c.err
}

func TestAParkedRecordHoldsOnlyKeyAndReason(t *testing.T) {
	record := events.DynamoDBEventRecord{
		EventID: "event-1", EventSourceArn: "arn:stream",
		Change: events.DynamoDBStreamRecord{
			Keys: map[string]events.DynamoDBAttributeValue{
				"key": events.NewStringAttribute("k"), "version": events.NewNumberAttribute("7"), "raw": events.NewBinaryAttribute([]byte{1}),
			},
			NewImage: map[string]events.DynamoDBAttributeValue{"data": events.NewStringAttribute("kanari.fugl@example.no")},
		},
	}
	var c client
	if err := deadletter.NewQueue(&c, "https://queue").Park(t.Context(), deadletter.Of(record, errors.New("it cannot be read"))); err != nil {
		t.Fatal(err)
	}
	var got deadletter.Record
	if err := json.Unmarshal([]byte(c.body), &got); err != nil {
		t.Fatal(err)
	}
	want := deadletter.Record{Stream: "arn:stream", Event: "event-1", Keys: map[string]string{"key": "k", "version": "7"}, Reason: "it cannot be read"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if c.url != "https://queue" || strings.Contains(c.body, "kanari") {
		t.Errorf("sent to %s, or with the record's data", c.url)
	}
}

func TestLongImageIsLeftOut(t *testing.T) {
	for length, want := range map[int]bool{100: true, 240 << 10: false} {
		record := deadletter.Record{Reason: "rewritten"}.WithImage(map[string]any{"data": strings.Repeat("x", length)})
		if got := len(record.Image) > 0; got != want || !want == (record.Reason == "rewritten") {
			t.Errorf("%d bytes: an image: %v, reason %q", length, got, record.Reason)
		}
	}
}

func TestAFailureToParkIsAnError(t *testing.T) {
	down := errors.New("the queue is down")
	if err := deadletter.NewQueue(&client{err: down}, "https://queue").Park(t.Context(), deadletter.Record{}); !errors.Is(err, down) {
		t.Errorf("error %v", err)
	}
}
