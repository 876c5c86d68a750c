//go:build infra

package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

// Beside it, purge-verify learns the version that certificates name.
func TestACommitDeploysTheFunctionThatItChanged(t *testing.T) {
	before, after := production(), synthesiseCommit(onAWS(), awsSettings(), nil, "v2", names.Check)
	var changed []string
	for id, resource := range after.resources {
		if !cmp.Equal(before.resources[id], resource) {
			changed = append(changed, after.name(id))
		}
	}
	slices.Sort(changed)
	if diff := cmp.Diff([]string{"stille-check", "stille-purge-verify"}, changed); diff != "" {
		t.Error(diff)
	}
	verify := after.named("AWS::Lambda::Function", "Properties", "Environment", "Variables", names.VarVersion)["stille-purge-verify"]
	if verify != "v2" || len(before.resources) != len(after.resources) {
		t.Errorf("the version is %v, of %d resources %d are left", verify, len(before.resources), len(after.resources))
	}
}

func TestFunctions(t *testing.T) {
	const function = "AWS::Lambda::Function"
	var all []string
	for _, name := range functionNames() {
		all = append(all, "stille-"+name)
	}
	equal := func(t *testing.T, want, got map[string]any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	inBoth(t, func(t *testing.T, made template) {
		t.Run("are binaries of ours", func(t *testing.T) {
			equal(t, same("provided.al2023", all...), made.named(function, "Properties", "Runtime"))
		})
		t.Run("keep capacity for opt-outs", func(t *testing.T) {
			equal(t,
				both(same(nil, all...), same(50.0, "stille-unsubscribe-email", "stille-unsubscribe-sms")),
				made.named(function, "Properties", "ReservedConcurrentExecutions"))
		})
		t.Run("know their stack", func(t *testing.T) {
			equal(t, same("stille", all...), made.named(function, "Properties", "Environment", "Variables", names.VarStack))
		})
		t.Run("collect before their memory is full", func(t *testing.T) {
			limits := made.named(function, "Properties", "Environment", "Variables", "GOMEMLIMIT")
			for name, memory := range made.named(function, "Properties", "MemorySize") {
				if want := fmt.Sprintf("%.0fMiB", 0.85*memory.(float64)); limits[name] != want {
					t.Errorf("%s has %v MB and a limit of %v, want %s", name, memory, limits[name], want)
				}
			}
		})
		t.Run("log for a while", func(t *testing.T) {
			groups := made.named("AWS::Logs::LogGroup", "Properties", "RetentionInDays")
			for _, name := range functionNames() {
				if got := groups["/aws/lambda/stille-"+name]; got != 90.0 {
					t.Errorf("%s keeps logs for %v days", name, got)
				}
			}
			for name, days := range groups {
				if days == nil {
					t.Errorf("%s keeps logs for ever", name)
				}
			}
		})
		t.Run("have time to delete a page", func(t *testing.T) {
			if got := made.named(function, "Properties", "Timeout")["stille-purge-delete"]; got != 900.0 {
				t.Errorf("purge-delete: %v s", got)
			}
		})
		t.Run("park what they cannot take", func(t *testing.T) {
			queues := made.named(function, "Properties", "Environment", "Variables", names.VarParkedQueue)
			for name, want := range map[string]string{"propagate": "propagateparked", "stamp": "stampparked", "hook": "hookdead"} {
				if got := made.text(queues["stille-"+name]); got != want {
					t.Errorf("%s parks in %s", name, got)
				}
			}
		})
	})
	t.Run("run on arm64 in production, on this machine locally", func(t *testing.T) {
		here := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
		equal(t, same([]any{"arm64"}, all...), production().named(function, "Properties", "Architectures"))
		equal(t, same([]any{here}, all...), local().named(function, "Properties", "Architectures"))
	})
	t.Run("mint links to the brands' domains in production", func(t *testing.T) {
		if got := production().named(function, "Properties", "Environment", "Variables", names.VarLinkBase)["stille-mint"]; got != nil {
			t.Errorf("production: %v", got)
		}
		if got := local().text(local().named(function, "Properties", "Environment", "Variables", names.VarLinkBase)["stille-mint"]); got != below("stille-links-api") {
			t.Errorf("local: %s", got)
		}
	})
}

func TestStreams(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		var got []string
		for name, mapping := range made.named("AWS::Lambda::EventSourceMapping", "Properties") {
			// Of a queue: TestWhatIsPublishedReachesItsFunction, TestOptOutsWaitForTheStore, TestWebhooksAreToldThroughAQueue.
			if strings.HasSuffix(name, "inbox") || name == "drainwaiting" || name == "deliverwebhooks" {
				continue
			}
			got = append(got, made.text(dig(mapping, "EventSourceArn"))+" -> "+made.text(dig(mapping, "FunctionName"))+
				", else "+made.text(dig(mapping, "DestinationConfig", "OnFailure", "Destination")))
			if dig(mapping, "StartingPosition") != "TRIM_HORIZON" || dig(mapping, "BisectBatchOnFunctionError") != true {
				t.Errorf("a stream skips or blocks: %v", mapping)
			}
			if dig(mapping, "MaximumRecordAgeInSeconds") != nil || dig(mapping, "ParallelizationFactor") != 10.0 || !slices.Equal(dig(mapping, "FunctionResponseTypes").([]any), []any{"ReportBatchItemFailures"}) {
				t.Errorf("a stream discards records, or is slow: %v", mapping)
			}
		}
		want := []string{"stille-ledger -> stille-propagate, else propagateparked"}
		for _, table := range perClass("stille-records-%s") {
			want = append(want, table+" -> stille-stamp, else stampparked")
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestQueuesAreTaggedForTheOperator(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		got := map[string]string{}
		for _, tags := range made.named("AWS::SQS::Queue", "Properties", "Tags") {
			values := map[string]string{}
			for _, tag := range tags.([]any) {
				tag := tag.(map[string]any)
				values[tag["Key"].(string)] = tag["Value"].(string)
			}
			got[values[names.TagStack]+" "+values[names.TagQueue]] = values[names.TagDeadLetter]
		}
		want := map[string]string{
			"stille propagate-parked": "true", "stille stamp-parked": "true", "stille purge-missed": "true", "stille rotation-missed": "true",
			"stille feedback-dead": "true", "stille feedback-queue": "false", "stille sms-reply-dead": "true", "stille sms-reply-queue": "false",
			"stille waiting-dead": "true", "stille waiting": "false", "stille webhooks-dead": "true", "stille webhooks": "false", "stille hook-dead": "true",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestQueuesKeepAddressesForFourDaysAtMost(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		queues := []string{"propagateparked", "purgemissed", "rotationmissed", "stampparked", "feedbackqueue", "feedbackdead", "smsreplyqueue", "smsreplydead", "hookdead", "webhooks", "webhooksdead"}
		for property, value := range map[string]any{"MessageRetentionPeriod": 345600.0, "SqsManagedSseEnabled": true} {
			got := made.named("AWS::SQS::Queue", "Properties", property)
			delete(got, "waiting") // no address: TestOptOutsWaitForTheStore
			delete(got, "waitingdead")
			if diff := cmp.Diff(same(value, queues...), got); diff != "" {
				t.Errorf("%s: %s", property, diff)
			}
		}
	})
}
