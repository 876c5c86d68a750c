package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
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
