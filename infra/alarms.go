package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/jsii-runtime-go"
)

// alarm is one sign that a promise may not be kept.
type alarm struct {
	id, meaning string
	metric      awscloudwatch.Metric
	threshold   float64 // reached or passed, it alarms
	periods     float64 // this many periods on end
	below       bool    // it alarms below the threshold instead, and where nothing is measured
}

// alarms go to one topic, to which the operators subscribe.
func (s stack) alarms(links awsapigatewayv2.HttpApi, consumers []consumer, p purges) {
	minutes := func(n float64, statistic string) *awscloudwatch.MetricOptions {
		return &awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(n)), Statistic: jsii.String(statistic)}
	}
	alarms := []alarm{
		{id: "links-failing", meaning: "A link in a message answered 5xx: somebody's opt-out was not taken",
			metric: links.MetricServerError(minutes(5, "Sum")), threshold: 1, periods: 1},
		{id: "purge-missed", meaning: "The scheduler could not start a purge",
			metric: p.missed.MetricApproximateNumberOfMessagesVisible(minutes(5, "Maximum")), threshold: 1, periods: 1},
	}
	for _, c := range consumers {
		name := *c.Node().Id()
		alarms = append(alarms,
			alarm{id: name + "-parked", meaning: "A change in a table was parked: its consequences have not been drawn",
				metric: c.parked.MetricApproximateNumberOfMessagesVisible(minutes(5, "Maximum")), threshold: 1, periods: 1},
			alarm{id: name + "-behind", meaning: "Changes in a table wait for over a quarter of an hour for their consequences",
				metric: c.Metric(jsii.String("IteratorAge"), minutes(5, "Maximum")), threshold: 15 * 60 * 1000, periods: 1},
		)
	}
	for _, m := range p.machines {
		alarms = append(alarms,
			alarm{id: "purge-failed-" + m.class, meaning: "A purge failed",
				metric: m.MetricFailed(minutes(5, "Sum")), threshold: 1, periods: 1},
			alarm{id: "purge-timed-out-" + m.class, meaning: "A purge did not end in time",
				metric: m.MetricTimedOut(minutes(5, "Sum")), threshold: 1, periods: 1},
			alarm{id: "purge-absent-" + m.class, meaning: "No purge of the class ended well for 26 hours",
				metric: m.MetricSucceeded(minutes(60, "Sum")), threshold: 1, periods: 26, below: true},
		)
	}

	topic := s.topic("alarms", string(s.Name)+"-alarms", "cloudwatch.amazonaws.com")
	for _, a := range alarms {
		s.alarm(a).AddAlarmAction(awscloudwatchactions.NewSnsAction(topic))
	}
}

func (s stack) alarm(a alarm) awscloudwatch.Alarm {
	comparison, missing := awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD, awscloudwatch.TreatMissingData_NOT_BREACHING
	if a.below {
		comparison, missing = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD, awscloudwatch.TreatMissingData_BREACHING
	}
	return a.metric.CreateAlarm(s.Stack, jsii.String("alarm-"+a.id), &awscloudwatch.CreateAlarmOptions{
		AlarmName:          jsii.String(string(s.Name) + "-" + a.id),
		AlarmDescription:   jsii.String(a.meaning),
		Threshold:          jsii.Number(a.threshold),
		EvaluationPeriods:  jsii.Number(a.periods),
		ComparisonOperator: comparison,
		TreatMissingData:   missing,
	})
}
