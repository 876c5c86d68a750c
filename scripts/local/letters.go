package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"stille/shared/retention"
)

// lettersBucket is the bucket of the demo's policy in which the objects of
// conversations lie.
const lettersBucket = "demo-letters"

// makeBuckets makes the buckets that the policy's classes name, with versions. On
// AWS they belong to others.
func (p Place) makeBuckets(ctx context.Context, policy *retention.Policy) error {
	files := p.objects()
	for _, class := range policy.Classes {
		for _, bucket := range class.Buckets {
			_, err := files.CreateBucket(ctx, &s3.CreateBucketInput{
				Bucket:                    &bucket,
				CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)},
			})
			if err != nil && !errors.As(err, new(*types.BucketAlreadyOwnedByYou)) {
				return fmt.Errorf("making the bucket %s: %w", bucket, err)
			}
			_, err = files.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
			})
			if err != nil {
				return fmt.Errorf("keeping versions in the bucket %s: %w", bucket, err)
			}
		}
	}
	return nil
}
