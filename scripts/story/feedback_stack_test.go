//go:build stack

package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"stille/shared/names"
	"stille/shared/scope"
)

// report publishes the first message of a file in events/, as SES would for
// this address.
func (s *story) report(t *testing.T, file, address string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(deployed.root, "events", file))
	if err != nil {
		t.Fatal(err)
	}
	var batch events.SQSEvent
	if err := json.Unmarshal(data, &batch); err != nil {
		t.Fatal(err)
	}
	var envelope struct{ Message string }
	if err := json.Unmarshal([]byte(batch.Records[0].Body), &envelope); err != nil {
		t.Fatal(err)
	}
	s.reportText(t, strings.ReplaceAll(envelope.Message, "kari@example.no", address))
}

func (s *story) reportText(t *testing.T, text string) {
	t.Helper()
	topic := s.stack.Topics["feedback"]
	if _, err := sns.NewFromConfig(s.stack.Config()).Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: &text}); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for the effect of a published message.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	if err := await(t.Context(), func(context.Context) (bool, error) { return done(), nil }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// answers returns what a check of a person answers, e-mail first.
func (s *story) answers(t *testing.T, in scope.Scope, p person) [2]string {
	t.Helper()
	got, err := s.api.check(t.Context(), in, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	return [2]string{got[0].String(), got[1].String()}
}

func TestFeedbackSilencesTheAddressOnly(t *testing.T) {
	const noBasis = "do not send (no-basis, globex)" // globex requires one, and no opt-out stops its messages
	for _, test := range []struct {
		file        string
		acme, other string // a check's answers for the e-mail address
	}{
		{"feedback.hard-bounce.json", "do not send (hard-bounce, *)", "do not send (hard-bounce, *)"},
		{"feedback.bounce-notification.json", "do not send (hard-bounce, *)", "do not send (hard-bounce, *)"},
		{"feedback.complaint.json", "do not send (complaint, acme)", noBasis},
		{"feedback.complaint-notification.json", "do not send (complaint, *)", "do not send (complaint, *)"},
	} {
		t.Run(test.file, func(t *testing.T) {
			s := tellNew(t, io.Discard)
			p := s.newPerson("reported")
			if got := s.answers(t, "acme", p); got != [2]string{"send", "send"} {
				t.Fatalf("before: %v", got)
			}
			s.report(t, test.file, p.email)
			eventually(t, "the check never said no", func() bool { return s.answers(t, "acme", p)[0] != "send" })
			if got, want := s.answers(t, "acme", p), [2]string{test.acme, "send"}; got != want {
				t.Errorf("in acme %v, want %v", got, want)
			}
			if got, want := s.answers(t, "globex", p), [2]string{test.other, noBasis}; got != want {
				t.Errorf("in globex %v, want %v", got, want)
			}
		})
	}
}

func TestRepeatedOrEmptyFeedbackChangesNothing(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("echo")
	wanted := []string{`"effect":"echoes"`, `"detail":"Transient/MailboxFull"`, `"detail":"not-spam"`, `"type":"Delivery"`, `"type":"greeting"`}
	for _, file := range []string{"feedback.echo.json", "feedback.transient.json", "feedback.not-spam.json", "feedback.delivery.json", "feedback.greeting.json"} {
		s.report(t, file, p.email)
	}
	group := s.stack.Logs + names.Feedback
	eventually(t, "not all of them were taken", func() bool {
		var logged strings.Builder
		s.lookIntoLogs(t, func(where, text string) {
			if where == group {
				logged.WriteString(text)
			}
		})
		for _, line := range wanted {
			if !strings.Contains(logged.String(), line) {
				return false
			}
		}
		return true
	})
	if got := s.answers(t, "acme", p); got != [2]string{"send", "send"} {
		t.Errorf("after: %v", got)
	}
}

func TestUnreadableEventReachesDeadLetterQueue(t *testing.T) {
	s := tellNew(t, io.Discard)
	queues := sqs.NewFromConfig(s.stack.Config())
	url := s.queueOf(t, names.Feedback)
	attributes, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl:       &url,
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameRedrivePolicy, sqstypes.QueueAttributeNameVisibilityTimeout},
	})
	if err != nil {
		t.Fatal(err)
	}
	var redrive struct{ DeadLetterTargetArn string }
	if err := json.Unmarshal([]byte(attributes.Attributes["RedrivePolicy"]), &redrive); err != nil {
		t.Fatal(err)
	}
	// Five attempts of three minutes each take too long to wait for.
	hide := func(seconds string) {
		t.Helper()
		if _, err := queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": seconds}}); err != nil {
			t.Fatal(err)
		}
	}
	hide("1")
	defer hide(attributes.Attributes["VisibilityTimeout"])

	p := s.newPerson("behind")
	s.reportText(t, `{"eventType":"Bounce","bounce":{`+s.id)
	s.report(t, "feedback.hard-bounce.json", p.email)
	eventually(t, "what came behind it was not taken", func() bool { return s.answers(t, "acme", p)[0] != "send" })

	dead := s.urlOf(t, redrive.DeadLetterTargetArn)
	eventually(t, "it is not in the dead-letter queue", func() bool {
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &dead, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			if strings.Contains(aws.ToString(m.Body), s.id) {
				return true
			}
		}
		return false
	})
}

// queueOf is the queue that feeds a function.
func (s *story) queueOf(t *testing.T, function string) string {
	t.Helper()
	got, err := lambda.NewFromConfig(s.stack.Config()).ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{
		FunctionName: aws.String(names.DefaultStack.Function(function)),
	})
	if err != nil || len(got.EventSourceMappings) != 1 {
		t.Fatalf("%d sources, error %v", len(got.EventSourceMappings), err)
	}
	return s.urlOf(t, aws.ToString(got.EventSourceMappings[0].EventSourceArn))
}

func (s *story) urlOf(t *testing.T, arn string) string {
	t.Helper()
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	got, err := sqs.NewFromConfig(s.stack.Config()).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(got.QueueUrl)
}

func TestSESKnowsTheConfigurationSet(t *testing.T) {
	got, err := sesv2.NewFromConfig(deployed.stack.Config()).GetConfigurationSetEventDestinations(t.Context(), &sesv2.GetConfigurationSetEventDestinationsInput{
		ConfigurationSetName: aws.String(names.DefaultStack.ConfigurationSet()),
	})
	if err != nil || len(got.EventDestinations) != 1 {
		t.Fatalf("%d destinations, error %v", len(got.EventDestinations), err)
	}
	d := got.EventDestinations[0]
	if d.SnsDestination == nil || aws.ToString(d.SnsDestination.TopicArn) != deployed.stack.Topics["feedback"] || !d.Enabled {
		t.Errorf("events go elsewhere: %+v", d)
	}
}
