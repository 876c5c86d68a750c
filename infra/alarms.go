package main

import (
	"cmp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// alarm is one sign that a promise may not be kept.
type alarm struct {
	id, meaning string
	metric      awscloudwatch.Metric
	threshold   float64 // the alarm is on at the threshold and above; 1 where it is 0
	periods     float64 // the number of periods in a row; 1 where it is 0
	below       bool    // the alarm is on below the threshold, and where nothing is measured
}

// late is how old the oldest message may be, in seconds.
const late = 15 * 60

// alarms go to one topic, to which the operators subscribe.
func (s stack) alarms(links awsapigatewayv2.HttpApi, w waiting, inboxes []inbox, consumers []consumer, p purges, r rotation) {
	over := func(n float64, statistic string) *awscloudwatch.MetricOptions {
		return &awscloudwatch.MetricOptions{Period: minutes(n), Statistic: jsii.String(statistic)}
	}
	depth := func(q awssqs.Queue) awscloudwatch.Metric {
		return q.MetricApproximateNumberOfMessagesVisible(over(5, "Maximum"))
	}
	age := func(q awssqs.Queue) awscloudwatch.Metric {
		return q.MetricApproximateAgeOfOldestMessage(over(5, "Maximum"))
	}
	alarms := []alarm{
		{id: "links-failing", meaning: "A link in a message answered 5xx: an opt-out was not taken, or waits for the store",
			metric: links.MetricServerError(over(5, "Sum"))},
		{id: "waiting-behind", meaning: "An opt-out waits for the store for over a quarter of an hour", metric: age(w.queue), threshold: late},
		{id: "waiting-dead", meaning: "An opt-out is in the dead-letter queue: the person still gets messages", metric: depth(w.dead)},
		{id: "rotation-missed", meaning: "The yearly rotation of the link keys failed", metric: depth(r.missed)},
		{id: "purge-missed", meaning: "The scheduler could not start a purge or an audit", metric: depth(p.missed)},
	}
	for _, i := range inboxes {
		alarms = append(alarms,
			alarm{id: i.name + "-dead", meaning: "A bounce, complaint or reply is in the dead-letter queue: it was not taken", metric: depth(i.dead)},
			alarm{id: i.name + "-behind", meaning: "Messages wait for over a quarter of an hour to be taken", metric: age(i.queue), threshold: late},
		)
	}
	for _, c := range consumers {
		name := *c.Node().Id()
		alarms = append(alarms,
			alarm{id: name + "-parked", meaning: "A change in a table is parked: its consequences are missing", metric: depth(c.parked)},
			alarm{id: name + "-behind", meaning: "Changes in a table wait for over a quarter of an hour for their consequences",
				metric: c.Metric(jsii.String("IteratorAge"), over(5, "Maximum")), threshold: late * 1000},
		)
	}
	for _, m := range p.machines {
		alarms = append(alarms,
			alarm{id: "purge-failed-" + m.class, meaning: "A purge failed", metric: m.MetricFailed(over(5, "Sum"))},
			alarm{id: "purge-timed-out-" + m.class, meaning: "A purge did not end in time", metric: m.MetricTimedOut(over(5, "Sum"))},
			alarm{id: "purge-absent-" + m.class, meaning: "No purge of the class succeeded for 26 hours",
				metric: m.MetricSucceeded(over(60, "Sum")), periods: 26, below: true},
			alarm{id: "rewritten-" + m.class, meaning: "A service changed or deleted a held record in its table: the old record is in stamp-parked",
				metric: s.classMetric(names.MetricRewritten, m.class, minutes(5), "Sum")},
			alarm{id: "overdue-" + m.class, meaning: "Records of the class are due for over 26 hours, and no hold keeps them", metric: s.overdue(m.class)},
		)
	}
	for _, m := range p.audits {
		alarms = append(alarms,
			alarm{id: "audit-failed-" + m.class, meaning: "An audit failed", metric: m.MetricFailed(over(5, "Sum"))},
			alarm{id: "audit-timed-out-" + m.class, meaning: "An audit did not end in time", metric: m.MetricTimedOut(over(5, "Sum"))},
			alarm{id: "audit-faults-" + m.class, meaning: "An audit found records that the system lost sight of, missed an opt-out of or left overdue",
				metric: s.auditFaults(m.class)},
		)
	}

	topic := s.topic("alarms", string(s.Prefix)+"-alarms", "cloudwatch.amazonaws.com")
	for _, address := range s.Alarms {
		if strings.HasPrefix(address, "https://") {
			topic.AddSubscription(awssnssubscriptions.NewUrlSubscription(jsii.String(address), nil))
		} else {
			topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(address), nil))
		}
	}
	act := awscloudwatchactions.NewSnsAction(topic)
	for _, a := range alarms {
		made := s.alarm(a)
		made.AddAlarmAction(act)
		made.AddOkAction(act)
	}
}

func (s stack) alarm(a alarm) awscloudwatch.Alarm {
	comparison, missing := awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD, awscloudwatch.TreatMissingData_NOT_BREACHING
	if a.below {
		comparison, missing = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD, awscloudwatch.TreatMissingData_BREACHING
	}
	return a.metric.CreateAlarm(s.Stack, jsii.String("alarm-"+a.id), &awscloudwatch.CreateAlarmOptions{
		AlarmName:          jsii.String(string(s.Prefix) + "-" + a.id),
		AlarmDescription:   jsii.String(a.meaning),
		Threshold:          jsii.Number(cmp.Or(a.threshold, 1)),
		EvaluationPeriods:  jsii.Number(cmp.Or(a.periods, 1)),
		ComparisonOperator: comparison,
		TreatMissingData:   missing,
	})
}
