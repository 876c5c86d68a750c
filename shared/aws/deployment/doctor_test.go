package deployment

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"stille/shared/names"
)

// ringingAlarms are the alarms of an account that ring, by their names, each with the
// topic that it tells.
type ringingAlarms map[string]string

func (r ringingAlarms) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	out := &cloudwatch.DescribeAlarmsOutput{}
	for name, topic := range r {
		if strings.HasPrefix(name, aws.ToString(in.AlarmNamePrefix)) {
			out.MetricAlarms = append(out.MetricAlarms, types.MetricAlarm{AlarmName: aws.String(name), AlarmActions: []string{"arn:aws:sns:eu-north-1:210987654321:" + topic}})
		}
	}
	return out, nil
}

func TestAlarmsOfAnotherStackDoNotRing(t *testing.T) {
	account := ringingAlarms{"quiet-stamp-behind": "quiet-alarms", "quiet-test-stamp-behind": "quiet-test-alarms", "hush-stamp-behind": "hush-alarms"}
	found, err := Doctor{Stack: names.Deployed{Stack: "quiet"}, CloudWatch: account}.ringing(t.Context())
	if err != nil || len(found) != 1 || !strings.Contains(found[0].Wrong, " quiet-stamp-behind ") {
		t.Errorf("%v, %v", found, err)
	}
}
