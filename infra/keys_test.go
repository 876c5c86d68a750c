//go:build infra

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinkKeysAreRotatedOnceAYear(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		schedule := made.named("AWS::Scheduler::Schedule", "Properties")["stille-rotate-keys"]
		got := map[string]string{}
		for name, value := range map[string]any{
			"when":     dig(schedule, "ScheduleExpression"),
			"zone":     dig(schedule, "ScheduleExpressionTimezone"),
			"state":    dig(schedule, "State"),
			"function": dig(schedule, "Target", "Arn"),
			"input":    dig(schedule, "Target", "Input"),
			"else":     dig(schedule, "Target", "DeadLetterConfig", "Arn"),
		} {
			got[name] = made.text(value)
		}
		want := map[string]string{
			"when": "cron(0 9 15 1 ? *)", "zone": "Etc/UTC", "state": "ENABLED",
			"function": "stille-rotate-keys", "input": `{"rotate":"link"}`, "else": "rotationmissed",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestARotationThatFailsIsNotLost(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		for _, config := range made.named("AWS::Lambda::EventInvokeConfig", "Properties") {
			if made.text(dig(config, "FunctionName")) != "stille-rotate-keys" {
				continue
			}
			if got := made.text(dig(config, "DestinationConfig", "OnFailure", "Destination")); got != "rotationmissed" {
				t.Errorf("it ends in %s", got)
			}
			return
		}
		t.Error("rotate-keys says nowhere where it ends")
	})
}
