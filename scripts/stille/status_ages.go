package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"stille/shared/aws/keyring"
)

// metrics is the part of CloudWatch that says how old a queue's messages are:
// SQS itself does not.
type metrics interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// SQS reports a queue's age every minute, or every five where it sleeps.
const (
	agePeriod = 5 * time.Minute
	ageSpan   = 3 * agePeriod
)

// addAges adds how long the oldest message of each queue has waited, where
// CloudWatch tells.
func (s *system) addAges(ctx context.Context, all []queueAnswer, now time.Time) error {
	if s.metrics == nil || len(all) == 0 {
		return nil
	}
	input := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-ageSpan)), EndTime: aws.Time(now), ScanBy: types.ScanByTimestampDescending}
	byID := map[string]*queueAnswer{}
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
	pages := cloudwatch.NewGetMetricDataPaginator(s.metrics, input)
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

// oldest is how long the oldest message has waited, for people.
func (q queueAnswer) oldest() string {
	if q.OldestSeconds == nil {
		return "-"
	}
	return (time.Duration(*q.OldestSeconds) * time.Second).String()
}

// keyYear is the age at which a key is worth a word, in days.
const keyYear = 365

// primaryAnswer is the primary key of a set: what is written or made with it.
type primaryAnswer struct {
	Set     string    `json:"set"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Days    int       `json:"ageDays"`
	Next    string    `json:"next,omitempty"` // the command that is due for the set
}

// primaryKeys asks the function that may see them, without having it count what
// uses them.
func primaryKeys(ctx context.Context, s *session) ([]primaryAnswer, error) {
	sys, err := s.system(ctx)
	if err != nil {
		return nil, err
	}
	listing, err := sys.rotateKeys.List(ctx, true)
	if err != nil {
		return nil, err
	}
	var all []primaryAnswer
	for _, set := range listing.Sets {
		for _, key := range set.Keys {
			if !key.Primary {
				continue
			}
			one := primaryAnswer{Set: set.Name, ID: key.ID, Created: key.Created, Days: key.AgeDays}
			if !set.From.After(s.now()) {
				one.Next = set.Next
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// hint is what an operator should know of a key over a year old. Proof keys are
// never rotated.
func (k primaryAnswer) hint() string {
	switch {
	case k.Days <= keyYear || k.Set == keyring.ProofSet:
		return ""
	case strings.HasPrefix(k.Set, keyring.LinkSet):
		return fmt.Sprintf("%s: the key %s is over a year old, and a schedule rotates it yearly: `stille keys rotate link` does it now", k.Set, k.ID)
	}
	return fmt.Sprintf("%s: the key %s is over a year old; it stays, unless it may have leaked: then `stille keys rotate contact`", k.Set, k.ID)
}

func (a statusAnswer) keysText(w io.Writer) {
	if len(a.Keys) == 0 {
		return
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY SET\tPRIMARY KEY\tCREATED\tDAYS")
	for _, k := range a.Keys {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", k.Set, k.ID, k.Created.Format(time.RFC3339), k.Days)
	}
	_ = table.Flush() // into a buffer
	for _, k := range a.Keys {
		if hint := k.hint(); hint != "" {
			fmt.Fprintf(w, "\n%s\n", hint)
		}
	}
}
