//go:build infra

package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/deployed"
	"stille/shared/names"
	"stille/shared/scope"
)

// What the emulator drops in silence is only ever seen here.

func TestTables(t *testing.T) {
	const table = "AWS::DynamoDB::GlobalTable"
	equal := func(t *testing.T, want, got map[string]any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	inBoth(t, func(t *testing.T, made template) {
		t.Run("can be restored, class tables for a week", func(t *testing.T) {
			equal(t,
				both(same(35.0, promiseTables()...), same(7.0, append(perClass("stille-records-%s"), "stille-slots")...)),
				made.named(table, "Properties", "Replicas", "PointInTimeRecoverySpecification", "RecoveryPeriodInDays"))
			equal(t, same(true, allTables()...),
				made.named(table, "Properties", "Replicas", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"))
		})
		t.Run("are billed by use", func(t *testing.T) {
			equal(t, same("PAY_PER_REQUEST", allTables()...), made.named(table, "Properties", "BillingMode"))
		})
		t.Run("expire nothing by themselves", func(t *testing.T) {
			expiring := made.named(table, "Properties", "TimeToLiveSpecification")
			delete(expiring, "stille-replies") // TestRepliesAreForgotten
			equal(t, same(nil, slices.DeleteFunc(allTables(), func(name string) bool { return name == "stille-replies" })...), expiring)
		})
		t.Run("stream where something follows from a change", func(t *testing.T) {
			equal(t,
				both(both(same(nil, append(promiseTables(), "stille-slots")...), same("NEW_AND_OLD_IMAGES", perClass("stille-records-%s")...)), same("NEW_IMAGE", "stille-ledger")),
				made.named(table, "Properties", "StreamSpecification", "StreamViewType"))
		})
		t.Run("encrypt records with our key", func(t *testing.T) {
			equal(t,
				both(same(nil, append(promiseTables(), "stille-slots")...), same("KMS", perClass("stille-records-%s")...)),
				made.named(table, "Properties", "SSESpecification", "SSEType"))
			for name, key := range made.named(table, "Properties", "Replicas", "SSESpecification", "KMSMasterKeyId") {
				if _, records := strings.CutPrefix(name, "stille-records-"); records && made.text(key) != "recordskey" {
					t.Errorf("%s is encrypted with %v", name, key)
				}
			}
		})
		t.Run("have the index of a slot's record", func(t *testing.T) {
			got := indexesOf(made.named(table, "Properties", "GlobalSecondaryIndexes")["stille-slots"])
			if diff := cmp.Diff([]string{"record: record; KEYS_ONLY"}, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("have the indexes of a class", func(t *testing.T) {
			for _, name := range perClass("stille-records-%s") {
				got := indexesOf(made.named(table, "Properties", "GlobalSecondaryIndexes")[name])
				want := []string{
					"due: retentionShard, retentionSort; KEYS_ONLY",
					"running: retentionShard, activeSort; KEYS_ONLY",
					"subject: subject; KEYS_ONLY",
					"withdrawn: retentionShard, withdrawnAt; KEYS_ONLY",
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	})
	t.Run("cannot be deleted in production", func(t *testing.T) {
		equal(t, same(true, allTables()...), production().named(table, "Properties", "Replicas", "DeletionProtectionEnabled"))
		equal(t, same(false, allTables()...), local().named(table, "Properties", "Replicas", "DeletionProtectionEnabled"))
	})
}

// indexesOf puts an index each on a line.
func indexesOf(list any) []string {
	var lines []string
	indexes, _ := list.([]any)
	for _, index := range indexes {
		var attributes []string
		for _, key := range dig(index, "KeySchema").([]any) {
			attributes = append(attributes, dig(key, "AttributeName").(string))
		}
		lines = append(lines, dig(index, "IndexName").(string)+": "+strings.Join(attributes, ", ")+
			"; "+dig(index, "Projection", "ProjectionType").(string))
	}
	return slices.Sorted(slices.Values(lines))
}

func TestWhatIsStoredOutlivesTheStackInProduction(t *testing.T) {
	for kind, kept := range map[string]string{
		"AWS::DynamoDB::GlobalTable": "Retain", "AWS::S3::Bucket": "Retain", "AWS::KMS::Key": "Retain",
		"AWS::SecretsManager::Secret": "Retain", "AWS::Logs::LogGroup": "Retain",
		"AWS::SQS::Queue": "RetainExceptOnCreate",
	} {
		for _, environment := range []struct {
			name, want string
			made       template
		}{{"production", kept, production()}, {"local", "Delete", local()}} {
			policies := environment.made.named(kind, "DeletionPolicy")
			want := same(environment.want, slices.Collect(maps.Keys(policies))...)
			if diff := cmp.Diff(want, policies); diff != "" || len(policies) == 0 {
				t.Errorf("%s, %s: %s", environment.name, kind, diff)
			}
		}
	}
}

// A stack whose first deploy failed is deleted before the next one. What it keeps
// under a name of ours would stand in the way.
func TestFailedDeployCanBeRepeated(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		for id, resource := range made.resources {
			kind := resource["Type"].(string)
			stored := made.data[id] != nil
			if stored && (strings.HasPrefix(kind, "AWS::Lambda::") || strings.HasPrefix(kind, "Custom::") || strings.HasPrefix(kind, "AWS::CloudFormation::")) {
				t.Errorf("the data stack can fail at %s, a %s", id, kind)
			}
			for _, property := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if kept, _ := resource[property].(string); !stored && strings.HasPrefix(kept, "Retain") && made.name(id) != unnamed(id) {
					t.Errorf("%s is kept under its name %s", id, made.name(id))
				}
			}
		}
	})
}

func TestDataStackNotesWhatItPromises(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		content, err := json.Marshal(map[string]any{"Resources": made.data})
		if err != nil {
			t.Fatal(err)
		}
		got, err := deployed.In(content)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got.Classes)
		want := deployed.Promised{Classes: classNames(), Scopes: map[uint16]scope.Scope{1: "acme", 2: "acme/newsletter", 3: "globex"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBuckets(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		buckets := made.named("AWS::S3::Bucket", "Properties")
		t.Run("lock every certificate for five years", func(t *testing.T) {
			want := map[string]any{"ObjectLockEnabled": "Enabled", "Rule": map[string]any{
				"DefaultRetention": map[string]any{"Mode": "COMPLIANCE", "Days": 1830.0}}}
			if diff := cmp.Diff(want, dig(buckets["evidence"], "ObjectLockConfiguration")); diff != "" {
				t.Error(diff)
			}
			if got := dig(buckets["evidence"], "ObjectLockEnabled"); got != true {
				t.Errorf("object lock: %v", got)
			}
			if got := dig(buckets["evidence"], "VersioningConfiguration", "Status"); got != "Enabled" {
				t.Errorf("versioning: %v", got)
			}
		})
		t.Run("forget the notes of audits after a week, and no manifest", func(t *testing.T) {
			want := map[string]any{"Rules": []any{map[string]any{
				"Status": "Enabled", "ExpirationInDays": 7.0, "Prefix": "audits/",
				"AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 1.0},
			}}}
			if diff := cmp.Diff(want, dig(buckets["manifests"], "LifecycleConfiguration")); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("note every request for as long as logs are kept", func(t *testing.T) {
			for _, name := range []string{"evidence", "manifests"} {
				if got := made.text(dig(buckets[name], "LoggingConfiguration", "DestinationBucketName")); got != "accesslogs" {
					t.Errorf("%s is noted in %s", name, got)
				}
			}
			want := map[string]any{"Rules": []any{map[string]any{"Status": "Enabled", "ExpirationInDays": 90.0}}}
			if diff := cmp.Diff(want, dig(buckets["accesslogs"], "LifecycleConfiguration")); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("are private", func(t *testing.T) {
			for name, bucket := range buckets {
				want := same(true, "BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
				if diff := cmp.Diff(want, dig(bucket, "PublicAccessBlockConfiguration")); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
		t.Run("answer over TLS only", func(t *testing.T) {
			for _, name := range []string{"evidencePolicy", "manifestsPolicy"} {
				statement := dig(made.named("AWS::S3::BucketPolicy", "Properties", "PolicyDocument", "Statement")[name], "Condition")
				if diff := cmp.Diff(map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}, statement); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	})
}

func TestKeys(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		t.Run("sign certificates on P-256", func(t *testing.T) {
			key := made.named("AWS::KMS::Key", "Properties")["signingkey"]
			if got := [2]any{dig(key, "KeySpec"), dig(key, "KeyUsage")}; got != [2]any{"ECC_NIST_P256", "SIGN_VERIFY"} {
				t.Errorf("signing key: %v", got)
			}
			for alias, target := range made.named("AWS::KMS::Alias", "Properties", "AliasName") {
				if target != "alias/stille-certificates" {
					t.Errorf("%s is %v", alias, target)
				}
			}
		})
		t.Run("are rotated by KMS where they encrypt", func(t *testing.T) {
			if got := dig(made.named("AWS::KMS::Key", "Properties")["recordskey"], "EnableKeyRotation"); got != true {
				t.Errorf("rotation: %v", got)
			}
		})
		t.Run("are in no template", func(t *testing.T) {
			secrets := made.named("AWS::SecretsManager::Secret", "Properties")
			for name, secret := range secrets {
				if dig(secret, "SecretString") != nil || dig(secret, "GenerateSecretString") != nil {
					t.Errorf("%s has a value", name)
				}
			}
			want := []string{"stille/contact-keys", "stille/hooks", "stille/link-keys", "stille/proof-keys", "stille/webhooks"}
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(secrets))); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("are made once", func(t *testing.T) {
			resource := made.named("Custom::FirstKeys", "Properties")["firstkeys"]
			if got := made.text(dig(resource, "ServiceToken")); got != "stille-rotate-keys" {
				t.Errorf("made by %s", got)
			}
			if diff := cmp.Diff([]string{"ServiceTimeout", "ServiceToken"}, slices.Sorted(maps.Keys(resource.(map[string]any)))); diff != "" {
				t.Errorf("a property that changes replaces them: %s", diff)
			}
		})
	})
}

func TestTopicsTakeOnlyTheirPublisher(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		got := map[string]string{}
		for _, policy := range made.named("AWS::SNS::TopicPolicy", "Properties", "PolicyDocument", "Statement") {
			for _, statement := range policy.([]any) {
				// EventBridge's rule tells who is subscribed that a key was disabled.
				if dig(statement, "Principal", "Service") == "events.amazonaws.com" && made.text(dig(statement, "Resource")) == "stille-alarms" {
					continue
				}
				if dig(statement, "Effect") == "Allow" {
					got[made.text(dig(statement, "Resource"))] = dig(statement, "Principal", "Service").(string)
					if made.text(dig(statement, "Condition", "StringEquals", "AWS:SourceAccount")) != "AWS::AccountId" {
						t.Errorf("any account may publish: %v", statement)
					}
				}
			}
		}
		want := map[string]string{
			"stille-feedback": "ses.amazonaws.com", "stille-sms-reply": "sms-voice.amazonaws.com", "stille-alarms": "cloudwatch.amazonaws.com",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAlarms(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		alarms := made.named("AWS::CloudWatch::Alarm", "Properties")
		want := slices.Concat(
			[]string{"stille-feedback-behind", "stille-feedback-dead", "stille-sms-reply-behind", "stille-sms-reply-dead", "stille-links-failing", "stille-tools-failing", "stille-tools-throttled", "stille-propagate-behind", "stille-propagate-parked",
				"stille-purge-missed", "stille-rotation-missed", "stille-stamp-behind", "stille-stamp-parked", "stille-waiting-behind", "stille-waiting-dead", "stille-webhooks-behind", "stille-webhooks-dead", "stille-hook-dead"},
			perClass("stille-purge-absent-%s"), perClass("stille-overdue-%s"), perClass("stille-rewritten-%s"),
			perClass("stille-purge-failed-%s"), perClass("stille-purge-aborted-%s"), perClass("stille-purge-timed-out-%s"),
			perClass("stille-audit-failed-%s"), perClass("stille-audit-aborted-%s"), perClass("stille-audit-timed-out-%s"), perClass("stille-audit-faults-%s"))
		for _, name := range functionNames() {
			want = append(want, "stille-throttled-"+name)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(alarms))); diff != "" {
			t.Error(diff)
		}
		for name, alarm := range alarms {
			actions, _ := dig(alarm, "AlarmActions").([]any)
			if len(actions) != 1 || made.text(actions[0]) != "stille-alarms" {
				t.Errorf("%s reaches nobody: %v", name, actions)
			}
			if meaning, typed, ok := strings.Cut(dig(alarm, "AlarmDescription").(string), ". Type: "); !ok || meaning == "" || typed == "" {
				t.Errorf("%s does not say what to type", name)
			}
			missing := "notBreaching"
			if strings.Contains(name, "absent") {
				missing = "breaching"
			}
			if got := dig(alarm, "TreatMissingData"); got != missing {
				t.Errorf("%s: missing data is %v", name, got)
			}
		}
	})
}

// below is an API's address in the emulator, where text puts the API's name
// for its id.
func below(api string) string { return gateway + "/_aws/execute-api/" + api }

func TestOutputs(t *testing.T) {
	address := map[string]func(string) string{
		"production": func(api string) string { return api }, // its own: ApiEndpoint
		"local":      below,
	}
	inBoth(t, func(t *testing.T, made template) {
		_, environment, _ := strings.Cut(t.Name(), "/")
		got := map[string]string{}
		for name, output := range made.outputs {
			got[name] = made.text(dig(output, "Value"))
		}
		want := map[string]string{
			names.OutputLinks: address[environment]("stille-links-api"), names.OutputAPI: address[environment]("stille-tools-api"),
			names.OutputEvidenceBucket: "evidence", names.OutputManifestBucket: "manifests",
			names.OutputFeedbackTopic: "stille-feedback", names.OutputSMSReplyTopic: "stille-sms-reply",
			names.OutputLook: "maylook", names.OutputOperate: "mayoperate", names.OutputApprove: "mayapprove",
		}
		for _, class := range classNames() {
			want[names.OutputPurge(class)] = "stille-purge-" + class
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
