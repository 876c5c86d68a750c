//go:build stack

package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"stille/shared/aws/objects/objectstest"
)

func TestObjectsInS3GoWithAllTheirVersions(t *testing.T) {
	files, name := s3.NewFromConfig(deployed.stack.Config()), "letters-of-the-suite"
	_, err := files.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, ObjectLockEnabledForBucket: aws.Bool(true),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(deployed.stack.Config().Region)},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = files.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	objectstest.Suite(t, objectstest.Bucket{S3: files, Name: name})
}
