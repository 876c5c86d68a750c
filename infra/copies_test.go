//go:build infra

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/environment"
)

func TestEvidenceIsCopiedWithItsLock(t *testing.T) {
	made := elsewhere()
	got := made.named("AWS::S3::Bucket", "Properties", "ReplicationConfiguration", "Rules")["evidence"].([]any)[0]
	want := map[string]any{
		"Id": "evidence", "Status": "Enabled", "Priority": 1.0, "Filter": map[string]any{"Prefix": ""},
		"DeleteMarkerReplication": map[string]any{"Status": "Disabled"},
		"SourceSelectionCriteria": map[string]any{"SseKmsEncryptedObjects": map[string]any{"Status": "Enabled"}},
	}
	rule := got.(map[string]any)
	destination := rule["Destination"].(map[string]any)
	delete(rule, "Destination")
	if diff := cmp.Diff(want, rule); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if bucket := made.text(destination["Bucket"]); bucket != "proof-elsewhere" || destination["Account"] != "210987654323" ||
		dig(destination, "AccessControlTranslation", "Owner") != "Destination" || dig(destination, "EncryptionConfiguration", "ReplicaKmsKeyID") != "arn:aws:kms:ap-southeast-1:210987654323:key/7d" {
		t.Errorf("copies go to %s: %v", bucket, destination)
	}
	if diff := cmp.Diff([]string{
		"kms:Encrypt arn:aws:kms:ap-southeast-1:210987654323:key/7d", "kms:GenerateDataKey arn:aws:kms:ap-southeast-1:210987654323:key/7d",
		"s3:GetObjectLegalHold evidence/*", "s3:GetObjectRetention evidence/*", "s3:GetObjectVersionAcl evidence/*", "s3:GetObjectVersionForReplication evidence/*", "s3:GetObjectVersionTagging evidence/*",
		"s3:GetReplicationConfiguration evidence", "s3:ListBucket evidence",
		"s3:ObjectOwnerOverrideToBucketOwner proof-elsewhere/*", "s3:ReplicateObject proof-elsewhere/*", "s3:ReplicateTags proof-elsewhere/*",
	}, slices.Sorted(slices.Values(made.rights()["replicarole"]))); diff != "" {
		t.Errorf("rights (-want +got)\n%s", diff)
	}
	if got := production().named("AWS::S3::Bucket", "Properties", "ReplicationConfiguration")["evidence"]; got != nil {
		t.Errorf("without the setting: %v", got)
	}
}

// A copy must not hold a deleted record for longer than the backups that certificates
// tell of.
func TestTablesAreCopiedAsLongAsTheirBackups(t *testing.T) {
	made := elsewhere()
	plans, covered := made.named("AWS::Backup::BackupPlan", "Properties", "BackupPlan"), map[string]float64{}
	for _, selection := range made.named("AWS::Backup::BackupSelection", "Properties") {
		rule := listOf(dig(plans[made.text(dig(selection, "BackupPlanId"))], "BackupPlanRule"))[0]
		copied := listOf(dig(rule, "CopyActions"))[0]
		days := dig(rule, "Lifecycle", "DeleteAfterDays").(float64)
		if dig(copied, "Lifecycle", "DeleteAfterDays") != days || dig(copied, "DestinationBackupVaultArn") != "arn:aws:backup:ap-southeast-1:210987654323:backup-vault:hush" ||
			dig(rule, "TargetBackupVault") != "hush-backups" {
			t.Errorf("a rule is %v", rule)
		}
		for _, table := range listOf(dig(selection, "BackupSelection", "Resources")) {
			covered[made.text(table)] = days
		}
	}
	want := map[string]float64{}
	for _, name := range allTables() {
		id := strings.TrimPrefix(name, "stille-")
		want[other().Deployed().Table(id)] = float64(environment.ShapeOf(id).BackupDays - 1)
	}
	if diff := cmp.Diff(want, covered); diff != "" {
		t.Errorf("days of copies (-want +got)\n%s", diff)
	}
	if got := made.named("AWS::Backup::BackupVault", "DeletionPolicy"); len(got) != 1 {
		t.Errorf("vaults %v", got)
	}
	if got := production().named("AWS::Backup::BackupPlan"); len(got) > 0 {
		t.Errorf("without the setting: %v", got)
	}
}
