//go:build stack

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/names"
)

func TestEventsGoOutForEveryChange(t *testing.T) {
	s := tellNew(t, io.Discard)
	cfg := s.stack.Config()
	queues, bus := sqs.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("heard-" + s.id)})
	if err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:sqs:" + s.stack.Region + ":000000000000:heard-" + s.id
	name := aws.String(names.DefaultStack.Bus())
	if _, err := bus.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("heard-" + s.id), EventBusName: name, EventPattern: aws.String(`{"source":["stille"]}`),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("heard-" + s.id), EventBusName: name, Targets: []eb.Target{{Id: aws.String("q"), Arn: &arn}},
	}); err != nil {
		t.Fatal(err)
	}
	p := s.newPerson("heard")
	links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []url.Values{{"action": {"unsubscribe"}}, {"action": {"resubscribe"}}} {
		if got, err := s.api.post(t.Context(), links[0].URL, form); err != nil || got.status != http.StatusOK {
			t.Fatalf("status %d, error %v", got.status, err)
		}
	}
	if _, _, err := s.runPurge(t.Context(), "contact"); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]string{
		names.ContactSuppressed: `"reason":"unsubscribed"`, names.ContactReleased: `"key":"` + links[0].Key + `"`, names.PurgeCompleted: `"class":"contact"`,
	}
	heard := ""
	for deadline := time.Now().Add(patience); len(wanted) > 0 && time.Now().Before(deadline); {
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			heard += aws.ToString(m.Body)
			var event struct {
				Type   string          `json:"detail-type"`
				Detail json.RawMessage `json:"detail"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &event); err != nil {
				t.Fatal(err)
			}
			if detail := wanted[event.Type]; detail != "" && strings.Contains(compact(t, event.Detail), detail) {
				delete(wanted, event.Type)
			}
		}
	}
	if len(wanted) > 0 {
		t.Errorf("not heard: %v", wanted)
	}
	if strings.Contains(heard, s.id) {
		t.Error("an event carries an address or a number")
	}
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
