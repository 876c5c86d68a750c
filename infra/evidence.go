package main

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsbackup"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/retention"
)

const (
	// evidenceDays is how long no principal can delete or overwrite a certificate,
	// whatever its rights: five years, the longest promise of the bounds.
	evidenceDays = 5 * 366

	// auditDays is how long the notes of an audit are kept. The manifest of a purge
	// is kept until its run is certified; purge-verify removes it then.
	auditDays = 7
)

// buckets hold the certificates and the manifests of the purges.
type buckets struct {
	evidence, manifests awss3.IBucket
}

func (s stack) buckets() buckets {
	requests := s.privateBucket("access-logs", &awss3.BucketProps{
		LifecycleRules: &[]*awss3.LifecycleRule{{Expiration: days(float64(s.LogDays))}},
	})
	return buckets{
		evidence: s.bucket("evidence", requests, &awss3.BucketProps{
			Versioned:                  jsii.Bool(true),
			ObjectLockDefaultRetention: awss3.ObjectLockRetention_Compliance(days(evidenceDays)),
		}),
		manifests: s.bucket("manifests", requests, &awss3.BucketProps{
			LifecycleRules: &[]*awss3.LifecycleRule{{
				Prefix:                              jsii.String(names.AuditParts),
				Expiration:                          days(auditDays),
				AbortIncompleteMultipartUploadAfter: days(1),
			}},
		}),
	}
}

// objects are the ARNs of everything in a bucket.
func objects(bucket awss3.IBucket) []*string {
	return []*string{bucket.ArnForObjects(jsii.String("*"))}
}

// bucket adds a private bucket to the data stack, whose requests another bucket notes.
func (s stack) bucket(id string, requests awss3.IBucket, props *awss3.BucketProps) awss3.IBucket {
	props.ServerAccessLogsBucket = requests
	props.ServerAccessLogsPrefix = jsii.String(id + "/")
	s.customer.encryptBucket(props) // not the bucket of requests: S3 notes them only under its own key
	made := s.privateBucket(id, props)
	if props.ObjectLockDefaultRetention != nil {
		s.replicate(made)
	}
	return awss3.Bucket_FromBucketName(s.Stack, jsii.String(id), s.stored(id+"-bucket", made.BucketName()))
}

// privateBucket adds a bucket to the data stack, with what all share.
func (s stack) privateBucket(id string, props *awss3.BucketProps) awss3.Bucket {
	props.BlockPublicAccess = awss3.BlockPublicAccess_BLOCK_ALL()
	if props.Encryption == "" {
		props.Encryption = awss3.BucketEncryption_S3_MANAGED
	}
	props.EnforceSSL = jsii.Bool(true)
	props.ObjectOwnership = awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED
	props.RemovalPolicy = s.Settings.RemovalPolicy
	return awss3.NewBucket(s.data, jsii.String(id), props)
}

// replicate has S3 copy every certificate to the environment's replica, with its lock.
// A delete marker stays where it was set.
func (s stack) replicate(evidence awss3.Bucket) {
	to := s.EvidenceReplica
	if to.Bucket == "" {
		return
	}
	bucket := fmt.Sprintf("arn:%s:s3:::%s", *s.data.Partition(), to.Bucket)
	destination := map[string]any{"Bucket": bucket}
	rule := map[string]any{
		"Id": "evidence", "Status": "Enabled", "Priority": 1, "Filter": map[string]any{"Prefix": ""},
		"DeleteMarkerReplication": map[string]any{"Status": "Disabled"},
		"Destination":             destination,
	}
	copies := []string{"s3:ReplicateObject", "s3:ReplicateTags"}
	if to.Account != s.Config.Account {
		destination["Account"], destination["AccessControlTranslation"] = to.Account, map[string]any{"Owner": "Destination"}
		copies = append(copies, "s3:ObjectOwnerOverrideToBucketOwner")
	}
	may := []awsiam.PolicyStatement{
		allow([]*string{evidence.BucketArn()}, "s3:GetReplicationConfiguration", "s3:ListBucket"),
		allow(objects(evidence), "s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging", "s3:GetObjectRetention", "s3:GetObjectLegalHold"),
		allow([]*string{jsii.String(bucket + "/*")}, copies...),
	}
	if to.Key != "" {
		destination["EncryptionConfiguration"] = map[string]any{"ReplicaKmsKeyID": to.Key}
		rule["SourceSelectionCriteria"] = map[string]any{"SseKmsEncryptedObjects": map[string]any{"Status": "Enabled"}}
		may = append(may, allow([]*string{jsii.String(to.Key)}, "kms:Encrypt", "kms:GenerateDataKey"))
	}
	role := awsiam.NewRole(s.data, jsii.String("replica-role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("s3.amazonaws.com"), nil),
	})
	// The bucket needs the role, and the policy the bucket.
	awsiam.NewPolicy(s.data, jsii.String("replica-policy"), &awsiam.PolicyProps{Roles: &[]awsiam.IRole{role}, Statements: &may})
	evidence.Node().DefaultChild().(awss3.CfnBucket).AddPropertyOverride(jsii.String("ReplicationConfiguration"), map[string]any{
		"Role": role.RoleArn(), "Rules": []any{rule},
	})
}

// nightly is when tables are backed up: before the night's purges, so that a copy holds
// a deleted record for the shortest time.
const nightly = "cron(0 1 * * ? *)"

// copyTables backs up every table each night, and copies the backup to the
// environment's vault elsewhere. A backup ends a day before the tables' own
// point-in-time backups: a copy is made hours after its backup.
func (s stack) copyTables(k keys, t tables) {
	if s.BackupVault == "" {
		return
	}
	vault := awsbackup.NewCfnBackupVault(s.data, jsii.String("backups"), &awsbackup.CfnBackupVaultProps{
		BackupVaultName:  jsii.String(s.Prefix.Backups()),
		EncryptionKeyArn: k.encryption.KeyArn(), // another account takes no copy from a vault with AWS's key
	})
	vault.ApplyRemovalPolicy(s.Settings.RemovalPolicy, nil)
	role := awsiam.NewRole(s.Stack, jsii.String("backup-role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("backup.amazonaws.com"), nil),
		ManagedPolicies: &[]awsiam.IManagedPolicy{
			awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AWSBackupServiceRolePolicyForBackup")),
		},
	})
	of := map[int32][]table{}
	for _, one := range t.all() {
		days := environment.ShapeOf(one.id).BackupDays
		of[days] = append(of[days], one)
	}
	for _, kept := range []int32{retention.BackupDays, environment.BackupDays} {
		id := fmt.Sprintf("backups-%d-days", kept)
		ends := awsbackup.CfnBackupPlan_LifecycleResourceTypeProperty{DeleteAfterDays: jsii.Number(float64(kept - 1))}
		plan := awsbackup.NewCfnBackupPlan(s.Stack, jsii.String(id), &awsbackup.CfnBackupPlanProps{BackupPlan: awsbackup.CfnBackupPlan_BackupPlanResourceTypeProperty{
			BackupPlanName: jsii.String(string(s.Prefix) + "-" + id),
			BackupPlanRule: []any{awsbackup.CfnBackupPlan_BackupRuleResourceTypeProperty{
				RuleName: jsii.String("nightly"), ScheduleExpression: jsii.String(nightly), TargetBackupVault: jsii.String(s.Prefix.Backups()), Lifecycle: ends,
				CopyActions: []any{awsbackup.CfnBackupPlan_CopyActionResourceTypeProperty{DestinationBackupVaultArn: jsii.String(s.BackupVault), Lifecycle: ends}},
			}},
		}})
		awsbackup.NewCfnBackupSelection(s.Stack, jsii.String(id+"-tables"), &awsbackup.CfnBackupSelectionProps{
			BackupPlanId: plan.AttrBackupPlanId(),
			BackupSelection: awsbackup.CfnBackupSelection_BackupSelectionResourceTypeProperty{
				SelectionName: jsii.String("tables"), IamRoleArn: role.RoleArn(), Resources: new(arns(of[kept]...)),
			},
		})
	}
}

// all are the tables of the stack.
func (t tables) all() []table {
	return slices.Concat([]table{t.suppressions, t.ledger, t.holds, t.holdHistory, t.runs, t.tools, t.replies, t.slots}, t.records())
}
