//go:build store

package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"stille/scripts/stackfile"
)

// ages stand in for CloudWatch: by a queue's name what its metric was, the
// newest first. A queue of the name "down" makes it fail.
type ages map[string][]float64

func (a ages) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	if _, down := a["down"]; down {
		return nil, errors.New("throttled")
	}
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		m := q.MetricStat.Metric
		if *m.Namespace != "AWS/SQS" || *m.MetricName != "ApproximateAgeOfOldestMessage" || *m.Dimensions[0].Name != "QueueName" ||
			in.EndTime.Sub(*in.StartTime) != 15*time.Minute || in.ScanBy != types.ScanByTimestampDescending {
			return nil, errors.New("not the metric of a queue")
		}
		out.MetricDataResults = append(out.MetricDataResults, types.MetricDataResult{Id: q.Id, Values: a[*m.Dimensions[0].Value]})
	}
	if in.NextToken == nil { // and then the same again
		out.NextToken = aws.String("more")
	}
	return out, nil
}

func TestKeysOverAYearOldAreNamedWithWhatToDo(t *testing.T) {
	d := deploy(t)
	d.rotates.answer = `{"sets":[
		{"set":"contact","keys":[{"id":"00000001","created":"2024-11-20T00:00:00Z","ageDays":732},{"id":"00000002","created":"2025-11-21T00:00:00Z","primary":true,"ageDays":366}],
		 "next":"stille keys rotate contact","from":"2026-11-22T03:00:01Z"},
		{"set":"link-email","keys":[{"id":"00000003","created":"2025-11-21T00:00:00Z","primary":true,"ageDays":366}]},
		{"set":"link-sms","keys":[{"id":"00000004","created":"2025-11-22T00:00:00Z","primary":true,"ageDays":365}],"next":"stille keys rotate link"},
		{"set":"proof","keys":[{"id":"00000005","created":"2024-11-22T00:00:00Z","primary":true,"ageDays":730}]}]}`
	text, inJSON := d.status(t)
	hints := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return !strings.Contains(line, "over a year old") })
	want := []string{
		"contact: the key 00000002 is over a year old; it stays, unless it may have leaked: then `stille keys rotate contact`",
		"link-email: the key 00000003 is over a year old; a schedule rotates it once a year: `stille keys rotate link` does it now",
	}
	if diff := cmp.Diff(want, hints); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(inJSON.Keys) != 4 || inJSON.Next != "stille keys rotate link" || inJSON.Because != "link-sms: it is due" {
		t.Errorf("next is %q because %q; the keys are %+v", inJSON.Next, inJSON.Because, inJSON.Keys)
	}
	if asked := d.rotates.asked[0]; !strings.HasSuffix(asked, `rotate-keys {"list":true,"brief":true}`) {
		t.Errorf("it asked %q", asked)
	}
}

func TestOnTheLocalStackNobodyKnowsHowLongMessagesWait(t *testing.T) {
	folder := stackAt(t, stackfile.Stack{Endpoint: "http://127.0.0.1:4566", Region: "eu-north-1"})
	sys, err := connect(t.Context(), options{Stack: "stille"}, folder, nothingSet)
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t)
	d.metrics = sys.metrics
	d.messages.add(queue{d.name, "purge-missed", true, "0"})
	got := d.run(t, "status").ended(t, exitDone)
	if !strings.Contains(got.out, "purge-missed  0         -       dead letters\n") || got.errors != "" {
		t.Errorf("it says %q and answers\n%s", got.errors, got.out)
	}
}

func TestWithoutTheAgesAStatusIsStillTold(t *testing.T) {
	d := deploy(t)
	d.rotates.err, d.ages["down"] = errors.New("no right"), nil
	d.messages.add(queue{d.name, "purge-missed", true, "0"})
	got := d.run(t, "status").ended(t, exitDone)
	for _, says := range []string{"how long messages wait is not known: asking CloudWatch how old messages are: throttled\n", "the keys' ages are not known: calling rotate-keys: no right\n"} {
		if !strings.Contains(got.errors, says) {
			t.Errorf("it does not say %q, but %q", says, got.errors)
		}
	}
	if !strings.Contains(got.out, "purge-missed  0         -       dead letters\n") || !strings.HasSuffix(got.out, "\nnothing to do\n") {
		t.Errorf("it answers\n%s", got.out)
	}
}
