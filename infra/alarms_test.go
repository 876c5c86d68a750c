//go:build infra

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every alarm is in the heading of a chapter of the runbook, and no heading names
// another alarm.
func TestRunbookHasAChapterForEveryAlarm(t *testing.T) {
	runbook, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	var chapters []string
	for heading := range strings.Lines(string(runbook)) {
		if strings.HasPrefix(heading, "## ") {
			for _, name := range regexp.MustCompile("`stille-[^`]*`").FindAllString(heading, -1) {
				chapters = append(chapters, strings.Trim(name, "`"))
			}
		}
	}
	alarms := []string{}
	for name := range production().named("AWS::CloudWatch::Alarm", "Properties") {
		for _, class := range classNames() {
			if before, found := strings.CutSuffix(name, "-"+class); found {
				name = before + "-CLASS"
			}
		}
		if strings.HasPrefix(name, "stille-throttled-") {
			name = "stille-throttled-FUNCTION"
		}
		alarms = append(alarms, name)
	}
	for rule := range production().named("AWS::Events::Rule", "Properties") {
		alarms = append(alarms, rule)
	}
	slices.Sort(alarms)
	slices.Sort(chapters)
	if diff := cmp.Diff(slices.Compact(alarms), slices.Compact(chapters)); diff != "" {
		t.Errorf("alarms against chapters (-want +got)\n%s", diff)
	}
}

func TestDisabledKeyIsTold(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		rule := made.named("AWS::Events::Rule", "Properties")["stille-key-disabled"]
		if got := made.text(dig(rule, "Targets", "Arn")); got != "stille-alarms" {
			t.Errorf("%s hears of it", got)
		}
		var keys []string
		for _, key := range listOf(dig(map[string]any{"all": dig(rule, "EventPattern", "detail", "resources", "ARN")}, "all")) {
			keys = append(keys, made.text(key))
		}
		if diff := cmp.Diff([]string{"signingkey", "recordskey"}, keys); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]any{"DisableKey", "ScheduleKeyDeletion"}, dig(map[string]any{"all": dig(rule, "EventPattern", "detail", "eventName")}, "all")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestThrottledCallsAreCounted(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		filter := made.named("AWS::Logs::MetricFilter", "Properties")
		for name, of := range filter {
			if name != "/aws/apigateway/stille-tools-stage" || dig(of, "FilterPattern") != `{ $.status = "429" }` ||
				dig(of, "MetricTransformations", "Dimensions", "Value") != "$.stackName" {
				t.Errorf("%s: %v", name, of)
			}
		}
		if len(filter) != 1 {
			t.Errorf("%d filters", len(filter))
		}
	})
}
