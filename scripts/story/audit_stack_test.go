//go:build stack

package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// plant writes an item directly into a table, and removes it when the test
// ends.
func (s *story) plant(t *testing.T, table, key string, item map[string]any) {
	t.Helper()
	db := dynamodb.NewFromConfig(s.stack.Config())
	written, err := attributevalue.MarshalMap(item)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: written}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's context has ended by now.
		in := &dynamodb.DeleteItemInput{TableName: &table, Key: map[string]ddb.AttributeValue{key: written[key]}}
		if _, err := db.DeleteItem(context.Background(), in); err != nil {
			t.Error(err)
		}
	})
}

// plantFindings plants one record with each finding, and a healthy one, and
// returns their ids.
func (s *story) plantFindings(t *testing.T) map[purge.Finding]string {
	t.Helper()
	lately := retention.Sort(s.now.Add(-30 * 24 * time.Hour))
	silent := strings.Repeat("0", 42) + s.id // not a contact's key
	ids := map[purge.Finding]string{}
	for finding, item := range map[purge.Finding]map[string]any{
		"":                 {"retentionStart": lately},
		purge.NoStart:      {"occurredAt": retention.Sort(s.now.Add(-200 * 24 * time.Hour))},
		purge.AbsurdStart:  {"retentionStart": "1970-01-01T00:00:00Z"},
		purge.Unreadable:   {"retentionStart": "soon"},
		purge.Unstamped:    {"retentionStart": lately, "retentionShard": "xx"}, // stamp leaves a shard as it is
		purge.NotWithdrawn: {"retentionStart": lately, "subject": silent},
		purge.Overdue:      {"retentionStart": "2020-01-01T00:00:00Z"},
		purge.OverdueHeld:  {"retentionStart": "2020-01-01T00:00:00Z"},
	} {
		id := "audited-" + string(finding) + "-" + s.id
		ids[finding], item["id"], item["scope"], item["data"] = id, id, "acme", s.newPerson("audited").email
		if item["occurredAt"] == nil {
			item["occurredAt"] = lately
		}
		s.plant(t, names.DefaultStack.Records(retention.Messaging), names.AttrID, item)
	}
	if _, err := s.operator(t.Context(), "hold", "set", "--case", "audit-"+s.id, "--reason", "claim", "--record", retention.Messaging, ids[purge.OverdueHeld]); err != nil {
		t.Fatal(err)
	}
	for _, stamped := range []purge.Finding{"", purge.NotWithdrawn, purge.Overdue, purge.OverdueHeld} {
		if err := s.awaitStamp(t.Context(), tale{class: retention.Messaging, record: record{ID: ids[stamped]}}); err != nil {
			t.Fatal(err)
		}
	}
	// A stamp is a change too, and stamp takes it again. A later write comes
	// later in the stream.
	last := "audited-last-" + s.id
	s.plant(t, names.DefaultStack.Records(retention.Messaging), names.AttrID, map[string]any{
		"id": last, "scope": "acme", "occurredAt": lately, "retentionStart": lately,
	})
	if err := s.awaitStamp(t.Context(), tale{class: retention.Messaging, record: record{ID: last}}); err != nil {
		t.Fatal(err)
	}
	// This opt-out has no ledger entry, so nothing propagates it.
	at := s.now.Add(-time.Hour).UTC().Format(time.RFC3339)
	s.plant(t, names.DefaultStack.Table(names.TableSuppressions), names.AttrKey, map[string]any{
		"key": silent, "channel": "email", "version": 1, "head": "planted",
		"marks": map[string]any{"acme": map[string]any{"unsubscribed": map[string]any{"first": at, "last": at, "source": "link"}}},
	})
	return ids
}

// runAudit starts the audit of a class with the input of its schedule.
func (s *story) runAudit(t *testing.T, class string) (run string) {
	t.Helper()
	weekly, err := s.nightly.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String(names.DefaultStack.Audit(class))})
	if err != nil {
		t.Fatal(err)
	}
	started, err := s.sfn.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: weekly.Target.Arn, Input: weekly.Target.Input})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		got, err := s.sfn.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		switch got.Status {
		case types.ExecutionStatusRunning:
		case types.ExecutionStatusSucceeded:
			return aws.ToString(got.Name)
		default:
			t.Fatalf("it ended %s: %s %s", got.Status, aws.ToString(got.Error), aws.ToString(got.Cause))
		}
	}
	t.Fatal("the audit is not done after five minutes")
	return ""
}

func TestAnAuditFindsWhatThePurgesNeverSee(t *testing.T) {
	s := tellNew(t, io.Discard)
	ids := s.plantFindings(t)
	cfg := s.stack.Config()
	runs := dynamo.NewRuns(dynamo.NewClient(cfg), names.DefaultStack)
	before, err := runs.Head(t.Context(), retention.Messaging)
	if err != nil {
		t.Fatal(err)
	}
	run := s.runAudit(t, retention.Messaging)

	files := evidence.NewCertificates(s3.NewFromConfig(cfg), s.stack.Buckets["evidence"])
	sealed, err := files.Load(t.Context(), retention.Messaging, run)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := files.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := certificate.Verify(sealed, func(shard string) ([]byte, error) {
		return files.LoadList(t.Context(), retention.Messaging, run, shard)
	}, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if c.Run != run || c.Outcome != certificate.Completed || c.Proof != certificate.ProofScan || c.Previous != before || c.Counts.Deleted != 0 {
		t.Errorf("the certificate says %+v", c)
	}
	if head, err := runs.Head(t.Context(), retention.Messaging); err != nil || head != certificate.Hash(sealed.JSON) {
		t.Errorf("it is not the newest of the class, error %v", err)
	}
	encoded, err := files.Report(t.Context(), retention.Messaging, run)
	if err != nil {
		t.Fatal(err)
	}
	if c.PlanHash != certificate.Hash(encoded) {
		t.Error("the certificate is of another report")
	}
	var report purge.Report
	if err := json.Unmarshal(encoded, &report); err != nil {
		t.Fatal(err)
	}
	for _, finding := range purge.Every() {
		for planted, id := range ids {
			if named := slices.Contains(report.Findings[finding].IDs, id); named != (planted == finding) {
				t.Errorf("%s, planted as %q: named %v", finding, planted, named)
			}
		}
	}
	held, failed := report.Findings[purge.OverdueHeld].Count, report.Findings[purge.Overdue].Count
	if c.Counts != (certificate.Counts{Due: held + failed, Held: held, Failed: failed}) {
		t.Errorf("counts %+v, %d held and %d overdue in the report", c.Counts, held, failed)
	}
	said := false
	s.lookIntoLogs(t, func(where, line string) {
		said = said || where == s.stack.Logs+names.PurgeVerify && strings.Contains(line, run) && strings.Contains(line, `"AuditFaults":`)
	})
	if !said {
		t.Error("the log has no line with the metric")
	}
}
