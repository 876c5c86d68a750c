package deployment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/deployment"
	"stille/shared/operator"
)

// moving is two queues that hold the bodies of messages.
type moving struct {
	fakeSQS
	bodies  map[string][]string // by URL
	groups  []string            // of what was sent, with the ids
	fails   string              // the call that fails
	answers int                 // of a receive without a message
}

func (m *moving) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out := &sqs.ReceiveMessageOutput{}
	if m.answers++; m.answers%2 == 1 { // a short answer overlooks messages
		return out, nil
	}
	for n, body := range m.bodies[*in.QueueUrl] {
		if n == 2 {
			break
		}
		out.Messages = append(out.Messages, types.Message{
			MessageId: aws.String("id " + body), ReceiptHandle: aws.String(body), Body: &body, Attributes: map[string]string{"MessageGroupId": "group " + body},
		})
	}
	return out, nil
}

func (m *moving) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if m.fails == "send" {
		return nil, errors.New("throttled")
	}
	m.bodies[*in.QueueUrl] = append(m.bodies[*in.QueueUrl], *in.MessageBody)
	m.groups = append(m.groups, aws.ToString(in.MessageGroupId)+", "+aws.ToString(in.MessageDeduplicationId))
	return nil, nil
}

func (m *moving) DeleteMessage(_ context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	if m.fails == "delete" {
		return nil, errors.New("throttled")
	}
	if m.bodies[*in.QueueUrl][0] != *in.ReceiptHandle {
		return nil, errors.New("another message")
	}
	m.bodies[*in.QueueUrl] = m.bodies[*in.QueueUrl][1:]
	return nil, nil
}

func TestQueueWithoutAnOrderGetsNoIDs(t *testing.T) {
	m := &moving{bodies: map[string][]string{"dead": {"1"}}}
	if _, err := (deployment.Queues{SQS: m}).Move(t.Context(), operator.Queue{URL: "dead", Messages: 1}, operator.Queue{URL: "live"}); err != nil || m.groups[0] != "group 1, " {
		t.Errorf("error %v, sent as %q", err, m.groups)
	}
}

func TestMessagesAreMovedAndNoneIsLost(t *testing.T) {
	for _, test := range []struct {
		fails    string
		listed   int
		moved    int
		from, to []string
	}{
		{"", 5, 5, nil, []string{"1", "2", "3", "4", "5"}},
		{"", 9, 5, nil, []string{"1", "2", "3", "4", "5"}}, // the count is approximate
		{"", 0, 0, []string{"1", "2", "3", "4", "5"}, nil},
		{"send", 5, 0, []string{"1", "2", "3", "4", "5"}, nil},
		{"delete", 5, 0, []string{"1", "2", "3", "4", "5"}, []string{"1"}},
	} {
		t.Run(fmt.Sprint(test.fails, " ", test.listed), func(t *testing.T) {
			m := &moving{bodies: map[string][]string{"dead": {"1", "2", "3", "4", "5"}}, fails: test.fails}
			moved, err := deployment.Queues{SQS: m}.Move(t.Context(), operator.Queue{Name: "x-dead", URL: "dead", Messages: test.listed}, operator.Queue{Name: "x", URL: "live.fifo"})
			if moved != test.moved || (err != nil) != (test.fails != "") {
				t.Errorf("moved %d, error %v", moved, err)
			}
			if diff := cmp.Diff([][]string{test.from, test.to}, [][]string{append([]string(nil), m.bodies["dead"]...), m.bodies["live.fifo"]}); diff != "" {
				t.Errorf("queues (-want +got):\n%s", diff)
			}
			if len(m.groups) > 0 && m.groups[0] != "group 1, id 1" {
				t.Errorf("sent as %s", m.groups[0])
			}
		})
	}
}
