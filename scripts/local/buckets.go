package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"stille/shared/names"
	"stille/shared/retention"
)

// template is the Object Lock part of a CloudFormation template.
type template struct {
	Resources map[string]struct {
		Type       string
		Properties struct {
			ObjectLockConfiguration *struct {
				Rule struct {
					DefaultRetention types.DefaultRetention
				}
			}
		}
	}
}

// lockBuckets sets the Object Lock of the template by API: the CloudFormation of the
// emulator ignores Object Lock, and nobody must delete a certificate here either.
func (p Place) lockBuckets(ctx context.Context, name names.Stack) error {
	stack := name.Data()
	data, err := os.ReadFile(p.path("cdk.out", stack+".template.json"))
	if err != nil {
		return fmt.Errorf("reading what buckets to lock: %w", err)
	}
	var synthesised template
	if err := json.Unmarshal(data, &synthesised); err != nil {
		return fmt.Errorf("reading what buckets to lock: %w", err)
	}
	for id, resource := range synthesised.Resources {
		lock := resource.Properties.ObjectLockConfiguration
		if resource.Type != "AWS::S3::Bucket" || lock == nil {
			continue
		}
		if err := p.lockBucket(ctx, stack, id, lock.Rule.DefaultRetention); err != nil {
			return fmt.Errorf("locking the bucket %s: %w", id, err)
		}
	}
	return nil
}

func (p Place) lockBucket(ctx context.Context, stack, id string, retention types.DefaultRetention) error {
	found, err := cloudformation.NewFromConfig(p.config()).DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{
		StackName:         aws.String(stack),
		LogicalResourceId: aws.String(id),
	})
	if err != nil {
		return err
	}
	_, err = p.objects().PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{
		Bucket: found.StackResourceDetail.PhysicalResourceId,
		ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule:              &types.ObjectLockRule{DefaultRetention: &retention},
		},
	})
	return err
}

func (p Place) objects() *s3.Client {
	return s3.NewFromConfig(p.config(), func(o *s3.Options) { o.UsePathStyle = true })
}

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
