//go:build infra

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

func TestPurgesStartByTheClockOfTheirZone(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		schedules := made.named("AWS::Scheduler::Schedule", "Properties")
		want := map[string][2]string{
			"stille-purge-communication": {"cron(30 3 * * ? *)", "Europe/Oslo"},
			"stille-purge-messaging":     {"cron(40 3 * * ? *)", "Europe/Oslo"},
			"stille-purge-contact":       {"cron(50 3 * * ? *)", "Europe/Oslo"},
			"stille-purge-service":       {"cron(0 4 * * ? *)", "Europe/Oslo"},
		}
		got := map[string][2]string{}
		for name, schedule := range schedules {
			if !strings.HasPrefix(name, "stille-purge-") { // TestLinkKeysAreRotatedOnceAYear
				continue
			}
			got[name] = [2]string{made.text(dig(schedule, "ScheduleExpression")), made.text(dig(schedule, "ScheduleExpressionTimezone"))}
			target := dig(schedule, "Target")
			if to := made.text(dig(target, "Arn")); to != name {
				t.Errorf("%s starts %s", name, to)
			}
			if input := dig(target, "Input"); input != `{"scheduledTime":"<aws.scheduler.scheduled-time>"}` {
				t.Errorf("%s passes %v", name, input)
			}
			if missed := made.text(dig(target, "DeadLetterConfig", "Arn")); missed != "purgemissed" {
				t.Errorf("%s is lost in %s", name, missed)
			}
			if state, mode := dig(schedule, "State"), dig(schedule, "FlexibleTimeWindow", "Mode"); state != "ENABLED" || mode != "OFF" {
				t.Errorf("%s is %v with a window %v", name, state, mode)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// definition is a class's state machine, with functions by their names.
func (t template) definition(tb testing.TB, class string) map[string]any {
	tb.Helper()
	var states map[string]any
	text := t.text(t.named("AWS::StepFunctions::StateMachine", "Properties", "DefinitionString")["stille-purge-"+class])
	if err := json.Unmarshal([]byte(text), &states); err != nil {
		tb.Fatal(err)
	}
	return states
}

func TestPurge(t *testing.T) {
	for _, class := range classNames() {
		made := production().definition(t, class)
		state := func(name string) any { return dig(made, "States", name) }
		run := map[string]any{"class": class, "run.$": "$$.Execution.Name", "startedAt.$": "$$.Execution.StartTime"}

		t.Run(class+" is planned, deleted, verified", func(t *testing.T) {
			next := func(name string) [2]any { return [2]any{dig(state(name), "Resource"), dig(state(name), "Next")} }
			want := map[string][2]any{
				"Plan":                  {"stille-purge-plan", "What next?"},
				"Finish the run before": {"stille-purge-verify", "Plan"},
				"Delete":                {nil, "Delete with fewer shards"},

				"Delete with fewer shards": {nil, "Verify"},
				"Verify":                   {"stille-purge-verify", "Completed?"},
				"Certify the plan":         {"stille-purge-verify", "Completed?"},
			}
			if made["StartAt"] != "Plan" {
				t.Errorf("it begins with %v", made["StartAt"])
			}
			for name, follows := range want {
				if got := next(name); got != follows {
					t.Errorf("%s: %v, want %v", name, got, follows)
				}
			}
			branches := map[string]any{
				"Type": "Choice",
				"Choices": []any{
					map[string]any{"Variable": "$.next", "StringEquals": "delete", "Next": "Delete"},
					map[string]any{"Variable": "$.next", "StringEquals": "finish", "Next": "Finish the run before"},
				},
				"Default": "Certify the plan",
			}
			if diff := cmp.Diff(branches, state("What next?")); diff != "" {
				t.Error(diff)
			}
		})
		t.Run(class+" tells every step its run", func(t *testing.T) {
			for name, more := range map[string]map[string]any{
				"Plan":                {"input.$": "$$.Execution.Input", "machine.$": "$$.StateMachine.Id"},
				"Verify":              {"worked.$": "$.worked"},
				"Certify the plan":    {},
				"Certify the failure": {"failed": true, "error.$": "$.Error"},
			} {
				if diff := cmp.Diff(both(run, more), dig(state(name), "Parameters")); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
		t.Run(class+" certifies a killed run as that run", func(t *testing.T) {
			want := map[string]any{"class": class, "run.$": "$.unfinished", "startedAt.$": "$.startedAt", "failed": true, "error": "Killed"}
			if diff := cmp.Diff(want, dig(state("Finish the run before"), "Parameters")); diff != "" {
				t.Error(diff)
			}
		})
		t.Run(class+" deletes shard by shard until each is done", func(t *testing.T) {
			remove := state("Delete")
			if got := [3]any{dig(remove, "ItemsPath"), dig(remove, "MaxConcurrency"), dig(remove, "ResultPath")}; got != [3]any{"$.shards", 16.0, "$.worked"} {
				t.Errorf("the map is over %v", got)
			}
			pages := dig(remove, "ItemProcessor", "States", "Delete pages")
			if got := [3]any{dig(pages, "Resource"), dig(pages, "Parameters"), dig(pages, "Next")}; got != [3]any{"stille-purge-delete", nil, "Shard done?"} {
				t.Errorf("pages are deleted by %v", got)
			}
			want := map[string]any{
				"Type": "Choice",
				"Choices": []any{
					map[string]any{"Variable": "$.stopped", "BooleanEquals": true, "Next": "Shard stopped"},
					map[string]any{"Variable": "$.late", "BooleanEquals": true, "Next": "Shard late"},
					map[string]any{"Variable": "$.done", "BooleanEquals": true, "Next": "Shard done"},
					map[string]any{"Variable": "$.throttled", "BooleanEquals": true, "Next": "Shard throttled"},
				},
				"Default": "Delete pages",
			}
			if diff := cmp.Diff(want, dig(remove, "ItemProcessor", "States", "Shard done?")); diff != "" {
				t.Error(diff)
			}
		})
		t.Run(class+" works on throttled shards with fewer at a time", func(t *testing.T) {
			throttled := dig(state("Delete"), "ItemProcessor", "States", "Shard throttled")
			if diff := cmp.Diff(map[string]any{"Type": "Pass", "End": true}, throttled); diff != "" {
				t.Errorf("the work is not handed on: %s", diff)
			}
			slow := state("Delete with fewer shards")
			if got := [3]any{dig(slow, "ItemsPath"), dig(slow, "MaxConcurrency"), dig(slow, "ResultPath")}; got != [3]any{"$.worked", 4.0, "$.worked"} {
				t.Errorf("the map is over %v", got)
			}
			want := map[string]any{
				"Type": "Choice", "Choices": []any{map[string]any{"Variable": "$.shard", "IsPresent": true, "Next": "Delete pages slowly"}}, "Default": "Shard ended",
			}
			if diff := cmp.Diff(want, dig(slow, "ItemProcessor", "States", "Throttled?")); diff != "" {
				t.Error(diff)
			}
			if got := dig(slow, "ItemProcessor", "States", "Slow shard done?", "Default"); got != "Delete pages slowly" {
				t.Errorf("a slow shard goes on with %v", got)
			}
		})
		t.Run(class+" lets the other shards finish when one fails", func(t *testing.T) {
			shard := dig(state("Delete"), "ItemProcessor", "States")
			want := []any{map[string]any{"ErrorEquals": []any{"States.ALL"}, "Next": "Shard failed"}}
			if diff := cmp.Diff(want, dig(shard, "Delete pages", "Catch")); diff != "" {
				t.Error(diff)
			}
			for name, how := range map[string]string{"Shard done": "done", "Shard failed": "failed", "Shard stopped": "stopped", "Shard late": "late"} {
				want := map[string]any{"Type": "Pass", "Result": map[string]any{how: true}, "End": true}
				if diff := cmp.Diff(want, dig(shard, name)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
		t.Run(class+" succeeds only if verified as completed", func(t *testing.T) {
			want := map[string]any{
				"Type": "Choice",
				"Choices": []any{
					map[string]any{"Variable": "$.outcome", "StringEquals": "COMPLETED", "Next": "Completed"},
					map[string]any{"Variable": "$.outcome", "StringEquals": "HALTED", "Next": "Halted"},
					map[string]any{"Variable": "$.outcome", "StringEquals": "STOPPED", "Next": "Stopped"},
				},
				"Default": "Failed",
			}
			if diff := cmp.Diff(want, state("Completed?")); diff != "" {
				t.Error(diff)
			}
			if got := dig(state("Completed"), "Type"); got != "Succeed" {
				t.Errorf("a completed run ends with %v", got)
			}
			for name, event := range map[string]string{"Failed": "PurgeFailed", "Halted": "PurgeHalted", "Stopped": "PurgeStopped"} {
				if got := [2]any{dig(state(name), "Type"), dig(state(name), "Error")}; got != [2]any{"Fail", event} {
					t.Errorf("%s is %v", name, got)
				}
			}
		})
		t.Run(class+" ends in a certificate whatever fails", func(t *testing.T) {
			for _, name := range []string{"Plan", "Finish the run before", "Delete", "Delete with fewer shards", "Verify", "Certify the plan"} {
				want := []any{map[string]any{"ErrorEquals": []any{"States.ALL"}, "Next": "Certify the failure"}}
				if diff := cmp.Diff(want, dig(state(name), "Catch")); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			certify := state("Certify the failure")
			if got := [2]any{dig(certify, "Resource"), dig(certify, "Next")}; got != [2]any{"stille-purge-verify", "Failed"} {
				t.Errorf("a failure is certified by %v", got)
			}
		})
		t.Run(class+" tries again what AWS lost", func(t *testing.T) {
			lost := []any{"Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException"}
			pages := dig(state("Delete"), "ItemProcessor", "States", "Delete pages")
			for name, want := range map[string]struct {
				state any
				tries []any
			}{
				"Plan":                {state("Plan"), []any{lost}},
				"Delete pages":        {pages, []any{lost, []any{"States.TaskFailed"}}},
				"Verify":              {state("Verify"), []any{lost, []any{"States.TaskFailed"}}},
				"Certify the failure": {state("Certify the failure"), []any{lost, []any{"States.TaskFailed"}}},
			} {
				var got []any
				for _, retry := range listOf(dig(want.state, "Retry")) {
					got = append(got, dig(retry, "ErrorEquals"))
				}
				if diff := cmp.Diff(want.tries, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
	t.Run("invokes its three functions only", func(t *testing.T) {
		want := machineRights(names.PurgeDelete, names.PurgePlan, names.PurgeVerify)
		if diff := cmp.Diff(want, production().rights()["purgerole"]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAClassMoreIsOneStanzaMore(t *testing.T) {
	const stanza = `
  - class: newsletter-archive
    promise: P1Y
    keep: P300D
    anchor: the issue
    zone: Europe/Vilnius
    schedule: cron(15 5 * * ? *)
    owner: marketing
    legalBasis: GDPR art. 6(1)(f)
    sentence: Issues are deleted after a year.
`
	made := synthesise(onAWS(), awsSettings(), []string{stanza})
	want := []string{
		"AWS::CloudWatch::Alarm stille-audit-aborted-%",
		"AWS::CloudWatch::Alarm stille-audit-failed-%",
		"AWS::CloudWatch::Alarm stille-audit-faults-%",
		"AWS::CloudWatch::Alarm stille-audit-timed-out-%",
		"AWS::CloudWatch::Alarm stille-overdue-%",
		"AWS::CloudWatch::Alarm stille-purge-aborted-%",
		"AWS::CloudWatch::Alarm stille-purge-absent-%",
		"AWS::CloudWatch::Alarm stille-purge-failed-%",
		"AWS::CloudWatch::Alarm stille-purge-timed-out-%",
		"AWS::CloudWatch::Alarm stille-rewritten-%",
		"AWS::DynamoDB::GlobalTable stille-records-%",
		"AWS::Lambda::EventSourceMapping stamprecords%",
		"AWS::SSM::Parameter /stille/records-%-stream",
		"AWS::Scheduler::Schedule stille-audit-%",
		"AWS::Scheduler::Schedule stille-purge-%",
		"AWS::StepFunctions::StateMachine stille-audit-%",
		"AWS::StepFunctions::StateMachine stille-purge-%",
	}
	if diff := cmp.Diff(want, made.ofClass("newsletter-archive")); diff != "" {
		t.Errorf("what the stanza adds (-want +got):\n%s", diff)
	}
	var indexes []string
	for _, index := range listOf(dig(made.named("AWS::DynamoDB::GlobalTable", "Properties", "GlobalSecondaryIndexes")["stille-records-newsletter-archive"])) {
		indexes = append(indexes, made.text(dig(index, "IndexName")))
	}
	if diff := cmp.Diff([]string{"due", "withdrawn", "subject", "running"}, indexes); diff != "" {
		t.Errorf("the table's indexes (-want +got):\n%s", diff)
	}
	schedules := made.named("AWS::Scheduler::Schedule", "Properties")
	for name, when := range map[string]string{"stille-purge-newsletter-archive": "cron(15 5 * * ? *)", "stille-audit-newsletter-archive": auditSchedule} {
		schedule := schedules[name]
		got := [3]string{made.text(dig(schedule, "ScheduleExpression")), made.text(dig(schedule, "ScheduleExpressionTimezone")), made.text(dig(schedule, "Target", "Arn"))}
		if diff := cmp.Diff([3]string{when, "Europe/Vilnius", name}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if may := made.rights()[made.text(dig(schedule, "Target", "RoleArn"))]; !slices.Contains(may, "states:StartExecution "+name) {
			t.Errorf("the schedule %s may not start it, but: %q", name, may)
		}
	}
	if got := made.text(dig(made.outputs["PurgeNewsletterArchive"], "Value")); got != "stille-purge-newsletter-archive" {
		t.Errorf("the output is %s", got)
	}
	if diff := cmp.Diff(made.rightsIn("*"), made.rightsIn("newsletter-archive")); diff != "" {
		t.Errorf("what the roles may do with every other class, and with this one (-want +got):\n%s", diff)
	}
}

// ofClass are the resources that bear a class's name, with % in its place.
func (t template) ofClass(class string) []string {
	var found []string
	for id, resource := range t.resources {
		name := t.name(id)
		for _, written := range []string{class, strings.ReplaceAll(class, "-", "")} {
			if strings.Contains(name, written) {
				found = append(found, fmt.Sprint(resource["Type"], " ", strings.Replace(name, written, "%", 1)))
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// rightsIn is what every role may do with a class's records, * being all of our
// own classes, with % in the place of its name.
func (t template) rightsIn(class string) map[string][]string {
	found := map[string][]string{}
	for role, lines := range t.rights() {
		for _, line := range lines {
			if one := strings.Replace(line, "stille-records-"+class, "stille-records-%", 1); one != line {
				found[role] = append(found[role], one)
			}
		}
	}
	return found
}

func TestOverdueRecordsAlarmUntilTheNextPurge(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		alarms := made.named("AWS::CloudWatch::Alarm", "Properties")
		for _, class := range []string{"communication", "messaging", "contact", "service"} {
			got := alarms["stille-overdue-"+class]
			for property, want := range map[string]any{
				"Namespace": "stille", "MetricName": "OverdueRecords", "Statistic": "Maximum", "Period": 86400.0, "EvaluationPeriods": 1.0,
				"Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
				"Dimensions": []any{map[string]any{"Name": "class", "Value": class}, map[string]any{"Name": "stackName", "Value": "stille"}},
			} {
				if diff := cmp.Diff(want, dig(got, property)); diff != "" {
					t.Errorf("%s of %s (-want +got):\n%s", property, class, diff)
				}
			}
		}
	})
}

func TestMachinesLogEveryStepWithoutItsData(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		for name, logging := range made.named("AWS::StepFunctions::StateMachine", "Properties", "LoggingConfiguration") {
			got := [3]any{dig(logging, "Level"), dig(logging, "IncludeExecutionData"), made.text(dig(logging, "Destinations", "CloudWatchLogsLogGroup", "LogGroupArn"))}
			if got != [3]any{"ALL", false, "/aws/vendedlogs/states/stille"} {
				t.Errorf("%s logs %v", name, got)
			}
		}
	})
}
