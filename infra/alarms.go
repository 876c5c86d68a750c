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
func (s stack) alarms(links awsapigatewayv2.HttpApi, w waiting, inboxes []inbox, consumers []consumer, p purges, r rotation) {
	minutes := func(n float64, statistic string) *awscloudwatch.MetricOptions {
		return &awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(n)), Statistic: jsii.String(statistic)}
	}
	alarms := []alarm{
		{id: "links-failing", meaning: "A link in a message answered 5xx: somebody's opt-out was not taken, or waits for the store",
			metric: links.MetricServerError(minutes(5, "Sum")), threshold: 1, periods: 1},
		{id: "waiting-behind", meaning: "An opt-out waits for the store for over a quarter of an hour",
			metric: w.queue.MetricApproximateAgeOfOldestMessage(minutes(5, "Maximum")), threshold: 15 * 60, periods: 1},
		{id: "waiting-dead", meaning: "An opt-out could not be carried out and was put aside: somebody still gets messages",
			metric: w.dead.MetricApproximateNumberOfMessagesVisible(minutes(5, "Maximum")), threshold: 1, periods: 1},
		{id: "rotation-missed", meaning: "The yearly rotation of the link keys failed",
			metric: r.missed.MetricApproximateNumberOfMessagesVisible(minutes(5, "Maximum")), threshold: 1, periods: 1},
		{id: "purge-missed", meaning: "The scheduler could not start a purge or an audit",
			metric: p.missed.MetricApproximateNumberOfMessagesVisible(minutes(5, "Maximum")), threshold: 1, periods: 1},
	}
	for _, i := range inboxes {
		alarms = append(alarms,
			alarm{id: i.name + "-dead", meaning: "A message was put aside unread: somebody's bounce, complaint or reply was not taken",
				metric: i.dead.MetricApproximateNumberOfMessagesVisible(minutes(5, "Maximum")), threshold: 1, periods: 1},
			alarm{id: i.name + "-behind", meaning: "Messages wait for over a quarter of an hour to be taken",
				metric: i.queue.MetricApproximateAgeOfOldestMessage(minutes(5, "Maximum")), threshold: 15 * 60, periods: 1},
		)
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
			alarm{id: "overdue-" + m.class, meaning: "Records of the class are due for over 26 hours, and no hold keeps them",
				metric: overdue(m.class), threshold: 1, periods: 1},
		)
	}
	for _, m := range p.audits {
		alarms = append(alarms,
			alarm{id: "audit-failed-" + m.class, meaning: "An audit failed",
				metric: m.MetricFailed(minutes(5, "Sum")), threshold: 1, periods: 1},
			alarm{id: "audit-timed-out-" + m.class, meaning: "An audit did not end in time",
				metric: m.MetricTimedOut(minutes(5, "Sum")), threshold: 1, periods: 1},
			alarm{id: "audit-faults-" + m.class, meaning: "An audit found records that the system lost sight of, missed an opt-out of or left overdue",
				metric: auditFaults(m.class), threshold: 1, periods: 1},
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
