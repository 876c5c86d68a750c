//go:build stack

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
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
	before, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(names.DefaultStack.Table(names.TableHolds)), Key: fence})
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]ddb.AttributeValue{"target": fence["target"], "epoch": &ddb.AttributeValueMemberS{Value: "?"}}
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(names.DefaultStack.Table(names.TableHolds)), Item: broken}); err != nil {
		t.Fatal(err)
	}
	machine := s.stack.Purge["communication"]
	started, err := s.sfn.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Input: aws.String("{}")})
	if err != nil {
		t.Fatal(err)
	}
	status := types.ExecutionStatusRunning
	var run string
	for deadline := time.Now().Add(patience); status == types.ExecutionStatusRunning && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got, err := s.sfn.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		status, run = got.Status, aws.ToString(got.Name)
	}
	// The fence is repaired before any check: the next purge must succeed.
	if before.Item == nil {
		_, err = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(names.DefaultStack.Table(names.TableHolds)), Key: fence})
	} else {
		_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(names.DefaultStack.Table(names.TableHolds)), Item: before.Item})
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
	c, _ := s.readCertificate(t, "communication", run)
	if c.Outcome != certificate.Failed || c.Counts.Failed == 0 {
		t.Errorf("certificate %s, %+v", c.Outcome, c.Counts)
	}
	if _, counts, err := s.runPurge(t.Context(), "communication"); err != nil || counts.Deleted == 0 {
		t.Errorf("the next run: %+v, error %v", counts, err)
	}
}

// killedRecords are due records of one shard: more than one page, and fewer than
// halt a run.
const killedRecords = 900

// TestKilledPurgeIsCertifiedOnce stops an execution while its function deletes,
// and starts the next in the same moment.
func TestKilledPurgeIsCertifiedOnce(t *testing.T) {
	s := tellNew(t, io.Discard)
	db := dynamodb.NewFromConfig(s.stack.Config())
	table, prefix := names.DefaultStack.Records("communication"), "killed-"+s.id
	var items []ddb.WriteRequest
	for n := range killedRecords {
		item := map[string]ddb.AttributeValue{}
		for name, value := range map[string]string{
			names.AttrID: fmt.Sprintf("%s-%d", prefix, n), names.AttrOccurredAt: "2020-01-01T00:00:00Z", names.AttrRetentionStart: "2020-01-01T00:00:00Z",
			names.AttrRetentionSort: "2020-01-01T00:00:00Z", names.AttrRetentionShard: "2a",
		} {
			item[name] = &ddb.AttributeValueMemberS{Value: value}
		}
		items = append(items, ddb.WriteRequest{PutRequest: &ddb.PutRequest{Item: item}})
	}
	for some := range slices.Chunk(items, 25) {
		if _, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]ddb.WriteRequest{table: some}}); err != nil {
			t.Fatal(err)
		}
	}
	left := func() int {
		found, err := db.Scan(t.Context(), &dynamodb.ScanInput{
			TableName: &table, ConsistentRead: aws.Bool(true), FilterExpression: aws.String("begins_with(id, :prefix)"),
			ExpressionAttributeValues: map[string]ddb.AttributeValue{":prefix": &ddb.AttributeValueMemberS{Value: prefix}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return int(found.Count)
	}
	start := func() *sfn.StartExecutionOutput {
		started, err := s.sfn.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: aws.String(s.stack.Purge["communication"]), Input: aws.String("{}")})
		if err != nil {
			t.Fatal(err)
		}
		return started
	}
	first := start()
	for deadline := time.Now().Add(patience); left() == killedRecords && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := s.sfn.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: first.ExecutionArn}); err != nil {
		t.Fatal(err)
	}
	second := start()
	var ended *sfn.DescribeExecutionOutput
	if err := every(t.Context(), func() (bool, error) {
		var err error
		ended, err = s.sfn.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: second.ExecutionArn})
		return err == nil && ended.Status != types.ExecutionStatusRunning, err
	}); err != nil || ended.Status != types.ExecutionStatusSucceeded {
		t.Fatalf("the next run ended %s, error %v", ended.Status, err)
	}
	deleted, lines := 0, map[string]int{}
	for _, arn := range []*string{first.ExecutionArn, second.ExecutionArn} {
		run := (*arn)[strings.LastIndex(*arn, ":")+1:]
		c, list := s.readCertificate(t, "communication", run)
		t.Logf("%s: %s, %+v", run, c.Outcome, c.Counts)
		deleted += c.Counts.Deleted
		for _, key := range list {
			lines[key]++
		}
	}
	if left() != 0 || deleted < killedRecords || len(lines) != deleted {
		t.Errorf("%d are left, the certificates count %d and list %d different ones of %d", left(), deleted, len(lines), killedRecords)
	}
}

// readCertificate returns the certificate of a run, and all keys in the lists.
func (s *story) readCertificate(t *testing.T, class, run string) (certificate.Certificate, []string) {
	t.Helper()
	files := evidence.NewCertificates(s3.NewFromConfig(s.stack.Config()), s.stack.Buckets["evidence"])
	signed, err := files.Load(t.Context(), class, run)
	if err != nil {
		t.Fatalf("%s: %v", run, err)
	}
	keys, err := files.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var lines []string
	c, err := certificate.Verify(signed, func(shard string) ([]byte, error) {
		list, err := files.LoadList(t.Context(), class, run, shard)
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, strings.Fields(string(list))...)
		return list, err
	}, keys...)
	if err != nil {
		t.Fatalf("%s: %v", run, err)
	}
	return c, lines
}
