package deployment

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"stille/shared/operator"
)

// CloudWatch is the part of CloudWatch that knows the age of messages, which
// SQS itself does not tell.
type CloudWatch interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// SQS reports a queue's age every minute, or every five minutes while the queue
// is inactive.
const (
	agePeriod = 5 * time.Minute
	ageSpan   = 3 * agePeriod
)

// AddAges sets the age of the oldest message of each queue where CloudWatch
// knows it.
func (q Queues) AddAges(ctx context.Context, all []operator.Queue, now time.Time) error {
	if q.CloudWatch == nil || len(all) == 0 {
		return nil
	}
	input := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-ageSpan)), EndTime: aws.Time(now), ScanBy: types.ScanByTimestampDescending}
	byID := map[string]*operator.Queue{}
	for i := range all {
		id := fmt.Sprintf("q%d", i)
		byID[id] = &all[i]
		input.MetricDataQueries = append(input.MetricDataQueries, types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Period: aws.Int32(int32(agePeriod / time.Second)), Stat: aws.String("Maximum"),
			Metric: &types.Metric{
				Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateAgeOfOldestMessage"),
				Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String(path.Base(all[i].URL))}},
			},
		}})
	}
	pages := cloudwatch.NewGetMetricDataPaginator(q.CloudWatch, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("asking CloudWatch how old messages are: %w", err)
		}
		for _, result := range page.MetricDataResults {
			queue := byID[aws.ToString(result.Id)]
			if queue != nil && queue.OldestSeconds == nil && len(result.Values) > 0 {
				queue.OldestSeconds = aws.Int(int(result.Values[0]))
			}
		}
	}
	return nil
}
