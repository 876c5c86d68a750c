//go:build stack

package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"stille/shared/names"
)

// TestDoctorNamesWhatIsWrong breaks one thing after the other and repairs it.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	s := tellNew(t, io.Discard)
	cfg := s.stack.Config()
	functions, keys, topics := lambda.NewFromConfig(cfg), kms.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	examine := func() error {
		_, err := s.operator(t.Context(), "doctor", "--json")
		return err
	}
	if err := examine(); err != nil {
		t.Fatalf("a healthy stack: %v", err)
	}
	mappings, err := functions.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String(names.DefaultStack.Function(names.Stamp))})
	if err != nil || len(mappings.EventSourceMappings) == 0 {
		t.Fatal(len(mappings.EventSourceMappings), err)
	}
	switchTo := func(on bool) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := functions.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: mappings.EventSourceMappings[0].UUID, Enabled: &on})
			return err
		}
	}
	signing, err := keys.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String(names.DefaultStack.SigningKey())})
	if err != nil {
		t.Fatal(err)
	}
	id := signing.KeyMetadata.KeyId
	topic := strings.Replace(s.stack.Topics["feedback"], names.DefaultStack.FeedbackTopic(), names.DefaultStack.AlarmTopic(), 1)
	heard, err := topics.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	if err != nil || len(heard.Subscriptions) == 0 {
		t.Fatalf("%d subscribers, error %v", len(heard.Subscriptions), err)
	}
	for _, broken := range []struct {
		name, says     string
		wreck, restore func(ctx context.Context) error
	}{
		{"a disabled mapping", "is disabled", switchTo(false), switchTo(true)},
		{"a disabled key", "the key that signs certificates is Disabled",
			func(ctx context.Context) error {
				_, err := keys.DisableKey(ctx, &kms.DisableKeyInput{KeyId: id})
				return err
			},
			func(ctx context.Context) error {
				_, err := keys.EnableKey(ctx, &kms.EnableKeyInput{KeyId: id})
				return err
			}},
		{"a topic that nobody hears", "nobody hears the alarms",
			func(ctx context.Context) error {
				for _, s := range heard.Subscriptions {
					if _, err := topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn}); err != nil {
						return err
					}
				}
				return nil
			},
			func(ctx context.Context) error {
				_, err := topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: heard.Subscriptions[0].Protocol, Endpoint: heard.Subscriptions[0].Endpoint})
				return err
			}},
	} {
		t.Run(broken.name, func(t *testing.T) {
			if err := broken.wreck(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := examine(); err == nil || !strings.Contains(err.Error(), broken.says) {
				t.Errorf("it says %v", err)
			}
			if err := broken.restore(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := examine(); err != nil {
				t.Errorf("repaired: %v", err)
			}
		})
	}
}
