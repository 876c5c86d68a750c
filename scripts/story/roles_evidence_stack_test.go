//go:build stack

package main

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/names"
)

// call is a request that needs only credentials.
type call = func(context.Context, aws.Config) error

func put(bucket, key string) call {
	return func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).PutObject(ctx, &s3.PutObjectInput{
			Bucket: &bucket, Key: &key, Body: strings.NewReader("{}"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		})
		return err
	}
}

func get(bucket, key string) call {
	return func(ctx context.Context, cfg aws.Config) error {
		got, err := s3.NewFromConfig(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return err
		}
		return got.Body.Close()
	}
}

func list(bucket string) call {
	return func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
		return err
	}
}

func remove(bucket, key string) call {
	return func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
}

// listVersions and removeVersion are the requests with which purge-delete
// deletes a record's objects.
func listVersions(bucket string) call {
	return func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket})
		return err
	}
}

func removeVersion(bucket, key, version string) call {
	return func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: &version})
		return err
	}
}

func TestPurgeRolesInBuckets(t *testing.T) {
	evidence, manifests := deployed.stack.Buckets["evidence"], deployed.stack.Buckets["manifests"]
	const certificate, page, part = "certificates/no-class/trial/certificate.json", names.ManifestPages + "messaging/trial/00/page.ids.json", names.AuditParts + "messaging/trial/part.json"
	judge(t, []deed{
		{"write a certificate", put(evidence, certificate), []string{names.PurgeVerify}},
		{"read a certificate", get(evidence, certificate), []string{names.PurgeVerify}},
		{"list certificates", list(evidence), []string{names.PurgeVerify}},
		{"hide a certificate", remove(evidence, certificate), nil},
		{"write a page of ids", put(manifests, page), []string{names.PurgePlan, names.PurgeDelete}},
		{"read a page of ids", get(manifests, page), []string{names.PurgeVerify}},
		{"list pages of ids", list(manifests), []string{names.PurgeVerify}},
		{"delete a page of ids", remove(manifests, page), []string{names.PurgeVerify}},
		{"write a part of an audit", put(manifests, part), []string{names.PurgeAudit}},
	})
}

func TestPurgeRolesReachNoBucketOutsideThePolicy(t *testing.T) {
	files, bucket, key := s3.NewFromConfig(deployed.stack.Config()), "letters-of-a-stranger", "letter.pdf"
	if _, err := files.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(deployed.stack.Region)},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := files.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	written, err := files.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("Dear Sir")})
	if err != nil {
		t.Fatal(err)
	}
	judge(t, []deed{
		{"read", get(bucket, key), nil},
		{"write", put(bucket, "letter.txt"), nil},
		{"list", list(bucket), nil},
		{"list versions", listVersions(bucket), nil},
		{"delete", remove(bucket, key), nil},
		{"delete a version", removeVersion(bucket, key, aws.ToString(written.VersionId)), nil},
	})
}

func TestPurgeRolesElsewhere(t *testing.T) {
	digest := sha256.Sum256([]byte("trial"))
	sign := func(ctx context.Context, cfg aws.Config) error {
		_, err := kms.NewFromConfig(cfg).Sign(ctx, &kms.SignInput{
			KeyId: aws.String(names.DefaultStack.SigningKey()), Message: digest[:],
			MessageType: kmstypes.MessageTypeDigest, SigningAlgorithm: kmstypes.SigningAlgorithmSpecEcdsaSha256,
		})
		return err
	}
	secret := func(name string) call {
		return func(ctx context.Context, cfg aws.Config) error {
			_, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
			return err
		}
	}
	announce := func(ctx context.Context, cfg aws.Config) error {
		_, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
			EventBusName: aws.String(names.DefaultStack.Bus()), Source: aws.String("trial"), DetailType: aws.String("trial"), Detail: aws.String("{}"),
		}}})
		return err
	}
	judge(t, []deed{
		{"sign a certificate", sign, []string{names.PurgeVerify}},
		{"read the proof keys", secret(names.DefaultStack.ProofKeys()), []string{names.PurgeVerify}},
		{"read the contact keys", secret(names.DefaultStack.ContactKeys()), nil},
		{"read the link keys", secret(names.DefaultStack.LinkKeys()), nil},
		{"announce", announce, []string{names.PurgeVerify}},
	})
}
