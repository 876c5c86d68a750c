package environment

import (
	"cmp"
	"regexp"
	"strings"

	"stille/shared/retention"
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
	keyARN   = regexp.MustCompile(`^arn:([a-z-]+):kms:([a-z0-9-]+):([0-9]{12}):key/[A-Za-z0-9-]+$`)
	vaultARN = regexp.MustCompile(`^arn:([a-z-]+):backup:([a-z0-9-]+):([0-9]{12}):backup-vault:[A-Za-z0-9_-]{2,50}$`)
)

// readCopies reads where copies of evidence and of tables go.
func readCopies(f *strictyaml.Fields, e *Environment) {
	if f.Has("evidenceReplica") {
		to := f.Mapping("evidenceReplica")
		optional := to.Optional()
		e.EvidenceReplica = Replica{
			Bucket: to.Text("bucket"), Account: cmp.Or(optional.Matching("account", account, "must be 12 digits in quotation marks"), e.Account),
		}
		if bucket := e.EvidenceReplica.Bucket; bucket != "" && !retention.IsBucket(bucket) {
			to.Wrong("bucket", "must be the name of a bucket")
		}
		e.EvidenceReplica.Key, _, _ = arn(optional, "key", keyARN, *e, "must be the ARN of a key of KMS in the region of the bucket")
		switch {
		case e.CustomerKeys && !to.Has("key"):
			to.Note("key is missing: with customerKeys, S3 copies nothing without a key in the region of the bucket")
		case !e.CustomerKeys && to.Has("key"):
			to.Wrong("key", "goes with customerKeys: true")
		}
	}
	vault, region, account := arn(f.Optional(), "backupVault", vaultARN, *e, "must be the ARN of a vault of AWS Backup, as in arn:aws:backup:eu-west-1:ACCOUNT:backup-vault:NAME")
	if e.BackupVault = vault; vault != "" && region == e.Region && account == e.Account {
		f.Wrong("backupVault", "is in the account and the region of the environment: name a vault elsewhere")
	}
}

// arn reads the ARN of something in the partition of the environment. It returns "" also
// after noting a mistake.
func arn(f *strictyaml.Fields, name string, form *regexp.Regexp, e Environment, must string) (text, region, account string) {
	of := form.FindStringSubmatch(f.Matching(name, form, must))
	if of == nil {
		return "", "", ""
	}
	partition := "aws"
	if strings.HasPrefix(e.Region, "us-gov-") {
		partition = "aws-us-gov"
	}
	if of[1] != partition {
		f.Wrong(name, "must begin with arn:%s:, as everything in %s does", partition, e.Region)
		return "", "", ""
	}
	return of[0], of[2], of[3]
}
