//go:build stack

package main

import (
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

func TestTheManifestInS3KeepsItsPromises(t *testing.T) {
	files := s3.NewFromConfig(deployed.stack.Config())
	purgetest.Manifest(t, evidence.NewManifest(files, deployed.stack.Buckets["manifests"], time.Now), "suite")
}

func TestTheEvidenceBucketIsLocked(t *testing.T) {
	files := s3.NewFromConfig(deployed.stack.Config())
	bucket := deployed.stack.Buckets["evidence"]
	got, err := files.GetObjectLockConfiguration(t.Context(), &s3.GetObjectLockConfigurationInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	if got.ObjectLockConfiguration.Rule == nil || got.ObjectLockConfiguration.Rule.DefaultRetention == nil {
		t.Fatal("there is no default retention")
	}
}

func TestFailedPurgeEndsInACertificate(t *testing.T) {
	s := tellNew(t, io.Discard)
	// An unreadable fence stops the shard of a due record.
	id := "unfenced-" + s.id
	start, _, err := s.newestStart("P6M", -3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.storeAll(t.Context(), "communication", []record{{ID: id, OccurredAt: start, Start: &start}}); err != nil {
		t.Fatal(err)
	}
	if err := s.awaitStamp(t.Context(), tale{class: "communication", record: record{ID: id}}); err != nil {
		t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(s.stack.Config())
	fence := map[string]ddb.AttributeValue{"target": &ddb.AttributeValueMemberS{Value: "fence#" + retention.Shard(id)}}
	before, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(names.DefaultStack.Holds()), Key: fence})
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]ddb.AttributeValue{"target": fence["target"], "epoch": &ddb.AttributeValueMemberS{Value: "?"}}
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(names.DefaultStack.Holds()), Item: broken}); err != nil {
		t.Fatal(err)
	}
	machine := s.stack.Purge["communication"]
	started, err := s.sfn.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Input: aws.String("{}")})
	if err != nil {
		t.Fatal(err)
	}
	status := types.ExecutionStatusRunning
	var run string
	for deadline := time.Now().Add(2 * time.Minute); status == types.ExecutionStatusRunning && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got, err := s.sfn.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		status, run = got.Status, aws.ToString(got.Name)
	}
	// The fence is repaired before any check: the next purge must succeed.
	if before.Item == nil {
		_, err = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(names.DefaultStack.Holds()), Key: fence})
	} else {
		_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(names.DefaultStack.Holds()), Item: before.Item})
	}
	if err != nil {
		t.Fatal(err)
	}
	if status != types.ExecutionStatusFailed {
		t.Fatalf("the run ended %s", status)
	}
	if gone, err := s.isGone(t.Context(), tale{class: "communication", record: record{ID: id}}); err != nil || gone {
		t.Errorf("the record is gone: %v, error %v", gone, err)
	}
	files := evidence.NewCertificates(s3.NewFromConfig(s.stack.Config()), s.stack.Buckets["evidence"])
	sealed, err := files.Load(t.Context(), "communication", run)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := files.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := certificate.Verify(sealed, func(shard string) ([]byte, error) {
		return files.LoadList(t.Context(), "communication", run, shard)
	}, keys...)
	if err != nil || c.Outcome != certificate.Failed || c.Counts.Failed == 0 {
		t.Errorf("certificate %s, %+v, error %v", c.Outcome, c.Counts, err)
	}
	if _, counts, err := s.runPurge(t.Context(), "communication"); err != nil || counts.Deleted == 0 {
		t.Errorf("the next run: %+v, error %v", counts, err)
	}
}
