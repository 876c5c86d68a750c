//go:build infra

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

func inboxNames() []string { return []string{names.Feedback, names.SMSReply} }

// logical is a name without what CloudFormation does not take in its ids.
func logical(name string) string { return strings.ReplaceAll(name, "-", "") }

func TestWhatIsPublishedReachesItsFunction(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		t.Run("reach a queue in their envelope", func(t *testing.T) {
			var got []string
			for _, subscription := range made.named("AWS::SNS::Subscription", "Properties") {
				if made.text(dig(subscription, "TopicArn")) == "stille-alarms" {
					continue // TestAlarmsAreHeard
				}
				got = append(got, made.text(dig(subscription, "TopicArn"))+" -> "+dig(subscription, "Protocol").(string)+" "+made.text(dig(subscription, "Endpoint")))
				if dead := made.text(dig(subscription, "RedrivePolicy", "deadLetterTargetArn")); !slices.Contains([]string{"feedbackdead", "smsreplydead"}, dead) {
					t.Errorf("what is not delivered goes to %s", dead)
				}
				if raw := dig(subscription, "RawMessageDelivery"); raw != false {
					t.Errorf("raw delivery: %v", raw)
				}
			}
			slices.Sort(got)
			want := []string{"stille-feedback -> sqs feedbackqueue", "stille-sms-reply -> sqs smsreplyqueue"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("reach a queue for that topic only", func(t *testing.T) {
			var got []string
			for _, policy := range made.named("AWS::SQS::QueuePolicy", "Properties", "PolicyDocument", "Statement") {
				for _, statement := range listOf(policy) {
					if dig(statement, "Effect") == "Allow" {
						got = append(got, dig(statement, "Principal", "Service").(string)+" "+dig(statement, "Action").(string)+" "+
							made.text(dig(statement, "Resource"))+" from "+made.text(dig(statement, "Condition", "ArnEquals", "aws:SourceArn")))
					}
				}
			}
			slices.Sort(got)
			want := []string{
				"sns.amazonaws.com sqs:SendMessage feedbackdead from stille-feedback",
				"sns.amazonaws.com sqs:SendMessage feedbackqueue from stille-feedback",
				"sns.amazonaws.com sqs:SendMessage smsreplydead from stille-sms-reply",
				"sns.amazonaws.com sqs:SendMessage smsreplyqueue from stille-sms-reply",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("reach the function one by one", func(t *testing.T) {
			mappings := made.named("AWS::Lambda::EventSourceMapping", "Properties")
			for _, name := range inboxNames() {
				mapping := mappings[logical(name)+"inbox"]
				if got, want := made.text(dig(mapping, "EventSourceArn"))+" -> "+made.text(dig(mapping, "FunctionName")), logical(name)+"queue -> stille-"+name; got != want {
					t.Errorf("%s, want %s", got, want)
				}
				if got := dig(mapping, "FunctionResponseTypes"); cmp.Diff([]any{"ReportBatchItemFailures"}, got) != "" {
					t.Errorf("%s fails a whole batch: %v", name, got)
				}
				if got := dig(mapping, "ScalingConfig", "MaximumConcurrency"); got != 10.0 {
					t.Errorf("%s runs %v times at once", name, got)
				}
			}
		})
	})
}

func TestFailingMessageReachesDeadLetterQueue(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		queues := made.named("AWS::SQS::Queue", "Properties")
		timeouts := made.named("AWS::Lambda::Function", "Properties", "Timeout")
		for _, name := range inboxNames() {
			queue := queues[logical(name)+"queue"]
			if got := made.text(dig(queue, "RedrivePolicy", "deadLetterTargetArn")); got != logical(name)+"dead" {
				t.Errorf("%s puts aside into %s", name, got)
			}
			if got := dig(queue, "RedrivePolicy", "maxReceiveCount"); got != 5.0 {
				t.Errorf("%s is tried %v times", name, got)
			}
			timeout := timeouts["stille-"+name].(float64)
			if hidden := dig(queue, "VisibilityTimeout").(float64); hidden < 6*timeout {
				t.Errorf("%s has %v s, and a message comes again after %v", name, timeout, hidden)
			}
		}
	})
}

func TestSESPublishesBouncesComplaintsAndSubscriptions(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		if diff := cmp.Diff(map[string]any{"stille": "stille"}, made.named("AWS::SES::ConfigurationSet", "Properties", "Name")); diff != "" {
			t.Error(diff)
		}
		for id, resource := range made.resources {
			if resource["Type"] != "AWS::SES::ConfigurationSetEventDestination" {
				continue
			}
			properties := resource["Properties"]
			if got := made.text(dig(properties, "ConfigurationSetName")); got != "stille" {
				t.Errorf("of the set %s", got)
			}
			if got := made.text(dig(properties, "EventDestination", "SnsDestination", "TopicARN")); got != "stille-feedback" {
				t.Errorf("to %s", got)
			}
			if diff := cmp.Diff([]any{"bounce", "complaint", "subscription"}, dig(properties, "EventDestination", "MatchingEventTypes")); diff != "" || dig(properties, "EventDestination", "Enabled") != true {
				t.Errorf("events: %s", diff)
			}
			if !slices.ContainsFunc(listOf(resource["DependsOn"]), func(on any) bool { return strings.HasPrefix(on.(string), "feedbackPolicy") }) {
				t.Errorf("%s does not wait for the right to publish: %v", id, resource["DependsOn"])
			}
			return
		}
		t.Error("no event destination")
	})
}

func TestSMSGoToAWSInProduction(t *testing.T) {
	const variable = "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2"
	for environment, test := range map[string]struct {
		made template
		want any
	}{"production": {production(), nil}, "local": {local(), smsGateway}} {
		for name, got := range test.made.named("AWS::Lambda::Function", "Properties", "Environment", "Variables", variable) {
			want := test.want
			if name != "stille-sms-reply" {
				want = nil
			}
			if got != want {
				t.Errorf("%s, %s: SMS go to %v", environment, name, got)
			}
		}
	}
}

func TestRepliesAreForgotten(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		want := map[string]any{"AttributeName": "expires", "Enabled": true}
		if diff := cmp.Diff(want, made.named("AWS::DynamoDB::GlobalTable", "Properties", "TimeToLiveSpecification")["stille-replies"]); diff != "" {
			t.Error(diff)
		}
	})
}
