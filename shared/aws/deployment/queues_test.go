package deployment_test

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/deployment"
	"stille/shared/names"
	"stille/shared/operator"
)

var at = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// fakeSQS has queues by their physical names.
type fakeSQS map[string]fakeQueue

// No test of the lists moves a message.
func (fakeSQS) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return nil, errors.New("not a list")
}

func (fakeSQS) SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return nil, errors.New("not a list")
}

func (fakeSQS) DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	return nil, errors.New("not a list")
}

type fakeQueue struct{ stack, name, dead, messages string }

func (f fakeSQS) ListQueues(_ context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	out := &sqs.ListQueuesOutput{}
	for name := range f {
		if strings.HasPrefix(name, *in.QueueNamePrefix) {
			out.QueueUrls = append(out.QueueUrls, "https://sqs/1/"+name)
		}
	}
	return out, nil
}

func (f fakeSQS) ListQueueTags(_ context.Context, in *sqs.ListQueueTagsInput, _ ...func(*sqs.Options)) (*sqs.ListQueueTagsOutput, error) {
	q := f[path.Base(*in.QueueUrl)]
	return &sqs.ListQueueTagsOutput{Tags: map[string]string{names.TagStack: q.stack, names.TagQueue: q.name, names.TagDeadLetter: q.dead}}, nil
}

func (f fakeSQS) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"ApproximateNumberOfMessages": f[path.Base(*in.QueueUrl)].messages, "ApproximateNumberOfMessagesNotVisible": "1", "ApproximateNumberOfMessagesDelayed": "2",
	}}, nil
}

// fakeCloudWatch has the ages of queues by their physical names, the newest
// first. It tells everything on two pages. A queue "down" makes it fail.
type fakeCloudWatch map[string][]float64

func (f fakeCloudWatch) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	if _, down := f["down"]; down {
		return nil, errors.New("throttled")
	}
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		m := q.MetricStat.Metric
		if *m.Namespace != "AWS/SQS" || *m.MetricName != "ApproximateAgeOfOldestMessage" || *m.Dimensions[0].Name != "QueueName" ||
			in.EndTime.Sub(*in.StartTime) != 15*time.Minute || in.ScanBy != types.ScanByTimestampDescending {
			return nil, errors.New("not the metric of a queue")
		}
		out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{Id: q.Id, Values: f[*m.Dimensions[0].Value]})
	}
	if in.NextToken == nil {
		out.NextToken = aws.String("more")
	}
	return out, nil
}

func TestQueuesAreThoseTaggedForTheStack(t *testing.T) {
	queues := deployment.Queues{Stack: "stille", SQS: fakeSQS{
		"stille-b-x1.fifo": {"stille", "waiting-dead", "true", "0"},
		"stille-a-x1":      {"stille", "feedback-queue", "false", "4"},
		"stille-two-a-x1":  {"stille-two", "feedback-queue", "false", "9"},
		"other-a-x1":       {"stille", "purge-missed", "true", "9"},
	}}
	got, err := queues.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []operator.Queue{
		{Name: "feedback-queue", Messages: 7, URL: "https://sqs/1/stille-a-x1"},
		{Name: "waiting-dead", Messages: 3, Dead: true, URL: "https://sqs/1/stille-b-x1.fifo"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNewestAgeOfEachQueueIsAdded(t *testing.T) {
	all := []operator.Queue{{URL: "https://sqs/1/a"}, {URL: "https://sqs/1/b"}, {URL: "https://sqs/1/c"}}
	queues := deployment.Queues{CloudWatch: fakeCloudWatch{"a": {90, 7}, "b": {0}}}
	if err := queues.AddAges(t.Context(), all, at); err != nil {
		t.Fatal(err)
	}
	if *all[0].OldestSeconds != 90 || *all[1].OldestSeconds != 0 || all[2].OldestSeconds != nil {
		t.Errorf("ages are %+v", all)
	}
	queues.CloudWatch = fakeCloudWatch{"down": nil}
	if err := queues.AddAges(t.Context(), all, at); err == nil {
		t.Error("a failure of CloudWatch is no error")
	}
	queues.CloudWatch = nil
	if err := queues.AddAges(t.Context(), all, at); err != nil {
		t.Errorf("without CloudWatch: %v", err)
	}
}
