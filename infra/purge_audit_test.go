//go:build infra

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

func TestEveryClassIsAuditedOnceAWeek(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		audited := 0
		for name, schedule := range made.named("AWS::Scheduler::Schedule", "Properties") {
			if !strings.HasPrefix(name, "stille-audit-") {
				continue
			}
			audited++
			when := [4]any{dig(schedule, "ScheduleExpression"), dig(schedule, "ScheduleExpressionTimezone"), dig(schedule, "State"), dig(schedule, "FlexibleTimeWindow", "Mode")}
			if when != [4]any{"cron(0 5 ? * SUN *)", "Europe/Oslo", "ENABLED", "OFF"} {
				t.Errorf("%s is at %v", name, when)
			}
			if to, missed := made.text(dig(schedule, "Target", "Arn")), made.text(dig(schedule, "Target", "DeadLetterConfig", "Arn")); to != name || missed != "purgemissed" {
				t.Errorf("%s starts %s and is lost in %s", name, to, missed)
			}
		}
		if audited != len(classNames()) {
			t.Errorf("%d classes are audited", audited)
		}
	})
}

func TestAudit(t *testing.T) {
	machines := production().named("AWS::StepFunctions::StateMachine", "Properties", "DefinitionString")
	for _, class := range classNames() {
		var made map[string]any
		if err := json.Unmarshal([]byte(production().text(machines["stille-audit-"+class])), &made); err != nil {
			t.Fatal(err)
		}
		state := func(name string) any { return dig(made, "States", name) }
		run := map[string]any{"class": class, "run.$": "$$.Execution.Name", "startedAt.$": "$$.Execution.StartTime", "audit": true}

		t.Run(class+" is read in 64 segments, then certified", func(t *testing.T) {
			segments := listOf(dig(state("Divide"), "Result", "segments"))
			for n, segment := range segments {
				if segment != float64(n) {
					t.Errorf("segment %d is %v", n, segment)
				}
			}
			if made["StartAt"] != "Divide" || len(segments) != 64 || dig(state("Divide"), "Next") != "Read" {
				t.Errorf("it begins with %v, in %d segments, then %v", made["StartAt"], len(segments), dig(state("Divide"), "Next"))
			}
			read := state("Read")
			if got := [4]any{dig(read, "ItemsPath"), dig(read, "MaxConcurrency"), dig(read, "ResultPath"), dig(read, "Next")}; got != [4]any{"$.segments", 8.0, "$.worked", "Certify"} {
				t.Errorf("the map is over %v", got)
			}
			item := map[string]any{"class": class, "run.$": "$$.Execution.Name", "segment.$": "$$.Map.Item.Value", "of": 64.0}
			if diff := cmp.Diff(item, dig(read, "ItemSelector")); diff != "" {
				t.Error(diff)
			}
			for name, want := range map[string]map[string]any{
				"Certify":             both(run, map[string]any{"worked.$": "$.worked"}),
				"Certify the failure": both(run, map[string]any{"failed": true, "error.$": "$.Error"}),
			} {
				if diff := cmp.Diff(want, dig(state(name), "Parameters")); diff != "" || dig(state(name), "Resource") != "stille-purge-verify" {
					t.Errorf("%s, by %v: %s", name, dig(state(name), "Resource"), diff)
				}
			}
		})
		t.Run(class+" has each segment read to its end", func(t *testing.T) {
			segment := dig(state("Read"), "ItemProcessor", "States")
			pages := dig(segment, "Read pages")
			if got := [3]any{dig(pages, "Resource"), dig(pages, "Parameters"), dig(pages, "Next")}; got != [3]any{"stille-purge-audit", nil, "Segment done?"} {
				t.Errorf("pages are read by %v", got)
			}
			for name, want := range map[string]any{
				"Segment done?": map[string]any{
					"Type":    "Choice",
					"Choices": []any{map[string]any{"Variable": "$.done", "BooleanEquals": true, "Next": "Segment done"}},
					"Default": "Read pages",
				},
				"Segment done":   map[string]any{"Type": "Pass", "Result": map[string]any{"done": true}, "End": true},
				"Segment failed": map[string]any{"Type": "Pass", "Result": map[string]any{"failed": true}, "End": true},
			} {
				if diff := cmp.Diff(want, dig(segment, name)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			if diff := cmp.Diff([]any{map[string]any{"ErrorEquals": []any{"States.ALL"}, "Next": "Segment failed"}}, dig(pages, "Catch")); diff != "" {
				t.Error(diff)
			}
		})
		t.Run(class+" always ends in a certificate", func(t *testing.T) {
			for _, name := range []string{"Read", "Certify"} {
				if diff := cmp.Diff([]any{map[string]any{"ErrorEquals": []any{"States.ALL"}, "Next": "Certify the failure"}}, dig(state(name), "Catch")); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			want := map[string]any{
				"Type": "Choice", "Default": "Failed",
				"Choices": []any{map[string]any{"Variable": "$.outcome", "StringEquals": "COMPLETED", "Next": "Completed"}},
			}
			if diff := cmp.Diff(want, state("Completed?")); diff != "" {
				t.Error(diff)
			}
			if got := [4]any{dig(state("Certify"), "Next"), dig(state("Certify the failure"), "Next"), dig(state("Failed"), "Type"), dig(state("Failed"), "Error")}; got != [4]any{"Completed?", "Failed", "Fail", "AuditFailed"} {
				t.Errorf("it ends %v", got)
			}
		})
	}
	t.Run("invokes its two functions only", func(t *testing.T) {
		want := machineRights(names.PurgeAudit, names.PurgeVerify)
		if diff := cmp.Diff(want, production().rights()["auditrole"]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnAuditsFaultsAlarm(t *testing.T) {
	alarms := production().named("AWS::CloudWatch::Alarm", "Properties")
	for _, class := range classNames() {
		alarm := alarms["stille-audit-faults-"+class]
		got := [4]any{dig(alarm, "Namespace"), dig(alarm, "MetricName"), dig(alarm, "Threshold"), dig(alarm, "ComparisonOperator")}
		if got != [4]any{"stille", "AuditFaults", 1.0, "GreaterThanOrEqualToThreshold"} {
			t.Errorf("%s: %v", class, got)
		}
		if diff := cmp.Diff([]any{map[string]any{"Name": "class", "Value": class}, map[string]any{"Name": "stackName", "Value": "stille"}}, dig(map[string]any{"all": dig(alarm, "Dimensions")}, "all")); diff != "" {
			t.Errorf("%s: %s", class, diff)
		}
	}
}
