package environment

import (
	"regexp"

	"stille/shared/strictyaml"
)

// Replica is a bucket in another account or region that gets a copy of all evidence.
type Replica struct {
	Bucket  string // "" for no replica
	Account string
	Key     string // the ARN of the key that encrypts the copies; "" for S3's own
}

// The forms of what lies elsewhere.
var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	keyARN     = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	vaultARN   = regexp.MustCompile(`^arn:aws[a-z-]*:backup:([a-z0-9-]+):([0-9]{12}):backup-vault:[A-Za-z0-9_-]{2,50}$`)
)

// readCopies reads where copies of evidence and of tables go.
func readCopies(f *strictyaml.Fields, e *Environment) {
	if f.Has("evidenceReplica") {
		to := f.Mapping("evidenceReplica")
		e.EvidenceReplica = Replica{Bucket: matching(to, "bucket", bucketName, "must be the name of a bucket"), Account: e.Account}
		if to.Has("account") {
			e.EvidenceReplica.Account = matching(to, "account", account, "must be 12 digits in quotation marks")
		}
		if to.Has("key") {
			e.EvidenceReplica.Key = matching(to, "key", keyARN, "must be the ARN of a key of KMS in the region of the bucket")
		}
		switch {
		case e.CustomerKeys && !to.Has("key"):
			to.Note("key is missing: with customerKeys, S3 copies nothing without a key in the region of the bucket")
		case !e.CustomerKeys && to.Has("key"):
			to.Wrong("key", "goes with customerKeys: true")
		}
	}
	if f.Has("backupVault") {
		e.BackupVault = f.Text("backupVault")
		of := vaultARN.FindStringSubmatch(e.BackupVault)
		switch {
		case e.BackupVault == "": // noted
		case of == nil:
			f.Wrong("backupVault", "must be the ARN of a vault of AWS Backup, as in arn:aws:backup:eu-west-1:ACCOUNT:backup-vault:NAME")
		case of[1] == e.Region && of[2] == e.Account:
			f.Wrong("backupVault", "is in the account and the region of the environment: name a vault elsewhere")
		}
	}
}
