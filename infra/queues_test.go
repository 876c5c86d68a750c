//go:build infra

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

func TestOptOutsWaitForTheStore(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		queues := made.named("AWS::SQS::Queue", "Properties")
		for _, name := range []string{"waiting", "waitingdead"} {
			queue, _ := queues[name].(map[string]any)
			for property, want := range map[string]any{
				"FifoQueue": true, "ContentBasedDeduplication": true, "SqsManagedSseEnabled": true,
				"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
				"MessageRetentionPeriod": 1209600.0,
			} {
				if diff := cmp.Diff(want, queue[property]); diff != "" {
					t.Errorf("%s, %s: %s", name, property, diff)
				}
			}
			if queue["QueueName"] != nil {
				t.Errorf("%s: a fixed name", name)
			}
		}
		redrive := dig(queues["waiting"], "RedrivePolicy")
		if made.text(dig(redrive, "deadLetterTargetArn")) != "waitingdead" || dig(redrive, "maxReceiveCount") != 1000.0 {
			t.Errorf("what cannot be carried out goes to %v", redrive)
		}
		mapping := made.named("AWS::Lambda::EventSourceMapping", "Properties")["drainwaiting"]
		if made.text(dig(mapping, "EventSourceArn")) != "waiting" || made.text(dig(mapping, "FunctionName")) != "stille-drain" {
			t.Errorf("the queue is drained by %v", mapping)
		}
		if diff := cmp.Diff([]any{"ReportBatchItemFailures"}, dig(mapping, "FunctionResponseTypes")); diff != "" {
			t.Errorf("a failing message takes its batch with it: %s", diff)
		}
		if got := dig(mapping, "ScalingConfig", "MaximumConcurrency"); got != 5.0 {
			t.Errorf("what has waited floods the store: %v at once", got)
		}
		functions := made.named("AWS::Lambda::Function", "Properties")
		timeout, _ := dig(functions["stille-drain"], "Timeout").(float64)
		if again, _ := dig(queues["waiting"], "VisibilityTimeout").(float64); timeout == 0 || again < 6*timeout {
			t.Errorf("an opt-out comes again after %v s, while drain may take %v s", again, timeout)
		}
		for _, door := range []string{"stille-unsubscribe-email", "stille-unsubscribe-sms", "stille-feedback", "stille-sms-reply", "stille-drain"} {
			if got := made.text(dig(functions[door], "Environment", "Variables", names.VarOutageQueue)); got != "waiting" {
				t.Errorf("%s queues in %s", door, got)
			}
		}
	})
}

func TestWebhooksAreToldThroughAQueue(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		queues := made.named("AWS::SQS::Queue", "Properties")
		if made.text(dig(queues["webhooks"], "RedrivePolicy", "deadLetterTargetArn")) != "webhooksdead" || dig(queues["webhooks"], "SqsManagedSseEnabled") != true {
			t.Errorf("the queue is %v", queues["webhooks"])
		}
		mapping := made.named("AWS::Lambda::EventSourceMapping", "Properties")["deliverwebhooks"]
		if made.text(dig(mapping, "EventSourceArn")) != "webhooks" || made.text(dig(mapping, "FunctionName")) != "stille-deliver" {
			t.Errorf("the queue feeds %v", mapping)
		}
		functions := made.named("AWS::Lambda::Function", "Properties")
		for _, tells := range []string{"stille-unsubscribe-email", "stille-unsubscribe-sms", "stille-propagate", "stille-deliver"} {
			if got := made.text(dig(functions[tells], "Environment", "Variables", names.VarWebhookQueue)); got != "webhooks" {
				t.Errorf("%s queues in %s", tells, got)
			}
		}
		if got := made.text(dig(functions["stille-deliver"], "Environment", "Variables", names.VarWebhookDead)); got != "webhooksdead" {
			t.Errorf("what nobody takes goes to %s", got)
		}
	})
	for want, made := range map[any]template{nil: production(), "yes": local()} {
		if got := dig(made.named("AWS::Lambda::Function", "Properties")["stille-deliver"], "Environment", "Variables", names.VarWebhookLocal); got != want {
			t.Errorf("the loopback address may be called: %v, want %v", got, want)
		}
	}
}

func TestOutageQueuesDemandTLS(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		denied := map[string]bool{}
		for _, policy := range made.named("AWS::SQS::QueuePolicy", "Properties", "PolicyDocument", "Statement") {
			for _, statement := range listOf(policy) {
				if dig(statement, "Effect") == "Deny" && dig(statement, "Condition", "Bool", "aws:SecureTransport") == "false" {
					denied[made.text(dig(statement, "Resource"))] = true
				}
			}
		}
		if !denied["waiting"] || !denied["waitingdead"] {
			t.Errorf("only these do: %v", denied)
		}
	})
}
