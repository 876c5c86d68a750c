//go:build stack

package main

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/names"
	"stille/shared/retention"
)

func TestNoAddressIsKeptOutsideTheClassTables(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("canary")
	if err := s.optOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	token := s.links[0][strings.LastIndexByte(s.links[0], '/')+1:]
	var ignored any
	// Every refused request holds the address.
	for _, bad := range []any{
		map[string]any{"scope": "nobody", "reason": "stop", "contacts": p.contacts()},
		map[string]any{"scope": "acme", "reason": p.email, "note": p.sms, "contacts": p.contacts()},
		map[string]any{"contacts": p.email},
	} {
		if err := s.api.call(t.Context(), names.RouteSuppressions, bad, &ignored); err == nil {
			t.Error("a bad request was taken")
		}
	}
	if _, err := s.api.get(t.Context(), s.stack.Links+"/e/"+token+"x"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.operator(t.Context(), "hold", "set", "--case", "canary-case", "--reason", "claim", "--contact", "email", p.email); err != nil {
		t.Fatal(err)
	}
	if err := s.keep(t.Context(), p, s.newPerson("canary.too"), s.newPerson("ida")); err != nil {
		t.Fatal(err)
	}
	s.strandARecord(t, p)
	if _, _, err := s.runPurge(t.Context(), retention.Messaging); err != nil {
		t.Fatal(err)
	}
	canaries := []string{p.email, p.sms, p.sms[3:], token, s.stack.APIKey, "canary." + s.id}
	looked := map[string]int{}
	look := func(where, text string) {
		looked[where]++
		for n, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("canary %d is in %s", n, where)
			}
		}
	}
	s.lookIntoTables(t, look)
	s.lookIntoLogs(t, look)
	s.lookIntoBuckets(t, look)
	s.lookIntoTheParkedQueue(t, look)
	stack := names.DefaultStack
	for _, place := range []string{
		stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns), stack.Table(names.TableTools),
		s.stack.Buckets["evidence"], s.stack.Buckets["manifests"], parkedByStamp,
		s.stack.Logs + names.UnsubscribeEmail, s.stack.Logs + names.UnsubscribeSMS, s.stack.Logs + names.Stamp,
	} {
		if looked[place] == 0 {
			t.Errorf("there was nothing to look into in %s", place)
		}
	}
}

// strandARecord writes a record that stamp cannot read, with a canary in place
// of a time.
func (s *story) strandARecord(t *testing.T, p person) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(s.stack.Config()).PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(names.DefaultStack.Records(retention.Messaging)),
		Item: map[string]ddb.AttributeValue{
			"id": &ddb.AttributeValueMemberS{Value: "stranded"}, "retentionStart": &ddb.AttributeValueMemberS{Value: p.email},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// parkedByStamp names the place in the test's messages.
const parkedByStamp = "the parked queue"

// lookIntoTheParkedQueue waits for the record that stamp parked.
func (s *story) lookIntoTheParkedQueue(t *testing.T, look func(where, text string)) {
	t.Helper()
	functions, queues := lambda.NewFromConfig(s.stack.Config()), sqs.NewFromConfig(s.stack.Config())
	stamp, err := functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(names.DefaultStack.Function(names.Stamp))})
	if err != nil {
		t.Fatal(err)
	}
	url := stamp.Environment.Variables[names.VarParkedQueue]
	for range 60 { // a second each: the stream is slow on a busy machine
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			look(parkedByStamp, aws.ToString(m.Body))
		}
		if len(got.Messages) > 0 {
			return
		}
	}
}

func (s *story) lookIntoTables(t *testing.T, look func(where, text string)) {
	t.Helper()
	db := dynamodb.NewFromConfig(s.stack.Config())
	stack := names.DefaultStack
	for _, table := range []string{stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns), stack.Table(names.TableTools)} {
		pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: &table})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				look(table, flat(item))
			}
		}
	}
}

// flat is the whole text of an item.
func flat(item map[string]ddb.AttributeValue) string {
	var b strings.Builder
	for name, value := range item {
		b.WriteString(name + " ")
		switch v := value.(type) {
		case *ddb.AttributeValueMemberS:
			b.WriteString(v.Value + " ")
		case *ddb.AttributeValueMemberSS:
			b.WriteString(strings.Join(v.Value, " "))
		case *ddb.AttributeValueMemberM:
			b.WriteString(flat(v.Value))
		case *ddb.AttributeValueMemberL:
			for _, one := range v.Value {
				b.WriteString(flat(map[string]ddb.AttributeValue{"": one}))
			}
		}
	}
	return b.String()
}

func (s *story) lookIntoLogs(t *testing.T, look func(where, text string)) {
	t.Helper()
	logs := cloudwatchlogs.NewFromConfig(s.stack.Config())
	groups, err := logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &s.stack.Logs})
	if err != nil || len(groups.LogGroups) == 0 {
		t.Fatalf("%d log groups, error %v", len(groups.LogGroups), err)
	}
	for _, group := range groups.LogGroups {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group.LogGroupName})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, event := range page.Events {
				look(aws.ToString(group.LogGroupName), aws.ToString(event.Message))
			}
		}
	}
}

func (s *story) lookIntoBuckets(t *testing.T, look func(where, text string)) {
	t.Helper()
	files := s3.NewFromConfig(s.stack.Config())
	for _, bucket := range []string{s.stack.Buckets["evidence"], s.stack.Buckets["manifests"]} {
		pages := s3.NewListObjectsV2Paginator(files, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range page.Contents {
				got, err := files.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: object.Key})
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(got.Body)
				if err != nil {
					t.Fatal(err)
				}
				look(bucket, aws.ToString(object.Key)+" "+string(body))
			}
		}
	}
}
