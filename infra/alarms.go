package main

import (
	"cmp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// alarm is one row of the table of alarms: a sign that a promise may not be kept.
// RUNBOOK.md has a chapter for it, whose heading names it.
type alarm struct {
	id, meaning string
	typed       string // what an operator types first
	metric      awscloudwatch.Metric
	threshold   float64 // the alarm is on at the threshold and above; 1 where it is 0
	periods     float64 // the number of periods in a row; 1 where it is 0
	below       bool    // the alarm is on below the threshold, and where nothing is measured
}

// watched is everything that has alarms.
type watched struct {
	links, tools awsapigatewayv2.HttpApi
	outage       outage
	unread       awssqs.Queue // what other systems report and nobody can read
	webhooks     webhooks
	inboxes      []inbox
	consumers    []consumer
	purges       purges
	rotation     rotation
}

// late is how old the oldest message may be, in seconds.
const late = 15 * 60

const status, purgeShow, purgeRun = "stille status", "stille purge show", "stille purge run CLASS"

func over(n float64, statistic string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{Period: minutes(n), Statistic: jsii.String(statistic)}
}

func depth(q awssqs.Queue) awscloudwatch.Metric {
	return q.MetricApproximateNumberOfMessagesVisible(over(5, "Maximum"))
}

func age(q awssqs.Queue) awscloudwatch.Metric {
	return q.MetricApproximateAgeOfOldestMessage(over(5, "Maximum"))
}

func (s stack) alarmTable(w watched) []alarm {
	all := []alarm{
		{id: "links-failing", meaning: "A link in a message answered 5xx: an opt-out was not taken, or waits for the store", typed: status,
			metric: w.links.MetricServerError(over(5, "Sum"))},
		{id: "tools-failing", meaning: "The tools' API answered 5xx: a report was not taken, or nothing may be sent", typed: status,
			metric: w.tools.MetricServerError(over(5, "Sum"))},
		{id: "tools-throttled", meaning: "The tools' API answered 429: a tool calls more often than its route's throttle allows", typed: "make deploy ENV=…, with another throttle",
			metric: s.throttledCalls(), threshold: 100},
		{id: "waiting-behind", meaning: "An opt-out waits for the store for over a quarter of an hour", typed: status, metric: age(w.outage.queue), threshold: late},
		{id: "waiting-dead", meaning: "An opt-out is in the dead-letter queue: the person still gets messages", typed: status, metric: depth(w.outage.dead)},
		{id: names.QueueHookDead, meaning: "Another system reported an opt-out that nobody can read: the person still gets messages", typed: status, metric: depth(w.unread)},
		{id: "webhooks-behind", meaning: "What webhooks are told waits for over half an hour", typed: status, metric: age(w.webhooks.queue), threshold: 2 * late},
		{id: "webhooks-dead", meaning: "A webhook's receiver took no call for a day: the changes are in the dead-letter queue", typed: "stille queues list", metric: depth(w.webhooks.dead)},
		{id: "rotation-missed", meaning: "The yearly rotation of the link keys failed", typed: "stille keys rotate link", metric: depth(w.rotation.missed)},
		{id: "purge-missed", meaning: "The scheduler could not start a purge or an audit", typed: purgeRun, metric: depth(w.purges.missed)},
	}
	for _, i := range w.inboxes {
		all = append(all,
			alarm{id: i.name + "-dead", meaning: "A bounce, complaint or reply is in the dead-letter queue: it was not taken", typed: status, metric: depth(i.dead)},
			alarm{id: i.name + "-behind", meaning: "Messages wait for over a quarter of an hour to be taken", typed: status, metric: age(i.queue), threshold: late},
		)
	}
	for _, c := range w.consumers {
		name := *c.Node().Id()
		all = append(all,
			alarm{id: name + "-parked", meaning: "A change in a table is parked: its consequences are missing", typed: status, metric: depth(c.parked)},
			alarm{id: name + "-behind", meaning: "Changes in a table wait for over a quarter of an hour for their consequences", typed: status,
				metric: c.Metric(jsii.String("IteratorAge"), over(5, "Maximum")), threshold: late * 1000},
		)
	}
	for _, f := range *s.functions {
		all = append(all, alarm{id: "throttled-" + f.name, meaning: "Lambda refused to run a function: the account's executions are used up, or the function's reserve is", typed: "aws lambda get-account-settings",
			metric: f.made.MetricThrottles(over(5, "Sum"))})
	}
	return append(all, s.tableOfClasses(w.purges)...)
}

// tableOfClasses is every alarm that each class has.
func (s stack) tableOfClasses(p purges) []alarm {
	var all []alarm
	for _, m := range p.machines {
		all = append(all,
			alarm{id: "purge-failed-" + m.class, meaning: "A purge failed", typed: purgeShow, metric: m.MetricFailed(over(5, "Sum"))},
			alarm{id: "purge-aborted-" + m.class, meaning: "A purge was killed from outside", typed: purgeShow, metric: m.MetricAborted(over(5, "Sum"))},
			alarm{id: "purge-timed-out-" + m.class, meaning: "A purge did not end in time", typed: purgeShow, metric: m.MetricTimedOut(over(5, "Sum"))},
			alarm{id: "purge-absent-" + m.class, meaning: "No purge of the class succeeded for 26 hours", typed: purgeRun,
				metric: m.MetricSucceeded(over(60, "Sum")), periods: 26, below: true},
			alarm{id: "rewritten-" + m.class, meaning: "A service changed or deleted a held record in its table: the old record is in stamp-parked", typed: status,
				metric: s.classMetric(names.MetricRewritten, m.class, minutes(5), "Sum")},
			alarm{id: "overdue-" + m.class, meaning: "Records of the class are due for over 26 hours, and no hold keeps them", typed: status, metric: s.overdue(m.class)},
		)
	}
	for _, m := range p.audits {
		all = append(all,
			alarm{id: "audit-failed-" + m.class, meaning: "An audit failed", typed: status, metric: m.MetricFailed(over(5, "Sum"))},
			alarm{id: "audit-aborted-" + m.class, meaning: "An audit was killed from outside", typed: status, metric: m.MetricAborted(over(5, "Sum"))},
			alarm{id: "audit-timed-out-" + m.class, meaning: "An audit did not end in time", typed: status, metric: m.MetricTimedOut(over(5, "Sum"))},
			alarm{id: "audit-faults-" + m.class, meaning: "An audit found records that the system lost sight of, missed an opt-out of or left overdue", typed: status,
				metric: s.auditFaults(m.class)},
		)
	}
	return all
}

// alarms go to one topic, to which the environment's addresses are subscribed. An
// alarm that is over is told as well.
func (s stack) alarms(k keys, w watched) {
	topic := s.topic("alarms", s.Prefix.AlarmTopic(), "cloudwatch.amazonaws.com")
	for _, address := range s.Alarms {
		if strings.HasPrefix(address, "https://") {
			topic.AddSubscription(awssnssubscriptions.NewUrlSubscription(jsii.String(address), nil))
		} else {
			topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(address), nil))
		}
	}
	s.keyDisabled(k, topic)
	act := awscloudwatchactions.NewSnsAction(topic)
	for _, a := range s.alarmTable(w) {
		made := s.alarm(a)
		made.AddAlarmAction(act)
		made.AddOkAction(act)
	}
}

// throttledCalls counts the answers 429 in the access log: the gateway has no metric
// of them alone.
func (s stack) throttledCalls() awscloudwatch.Metric {
	awslogs.NewCfnMetricFilter(s.Stack, jsii.String("throttled-calls"), &awslogs.CfnMetricFilterProps{
		LogGroupName:  jsii.String(s.Prefix.AccessLogs(toolsStage)),
		FilterPattern: jsii.String(`{ $.status = "429" }`),
		MetricTransformations: []any{awslogs.CfnMetricFilter_MetricTransformationProperty{
			MetricNamespace: jsii.String(names.Source), MetricName: jsii.String("ThrottledCalls"), MetricValue: jsii.String("1"),
			Dimensions: []any{awslogs.CfnMetricFilter_DimensionProperty{Key: jsii.String(names.MetricStack), Value: jsii.String("$." + names.MetricStack)}},
		}},
	})
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(names.Source), MetricName: jsii.String("ThrottledCalls"),
		DimensionsMap: &map[string]*string{names.MetricStack: jsii.String(string(s.Prefix))},
		Period:        minutes(5), Statistic: jsii.String("Sum"),
	})
}

// keyDisabled tells who is subscribed that somebody disabled a key or scheduled its
// deletion. No metric shows the state of a key. The account needs a CloudTrail trail.
func (s stack) keyDisabled(k keys, topic awssns.Topic) {
	publish := allow([]*string{topic.TopicArn()}, "sns:Publish")
	publish.AddServicePrincipal(jsii.String("events.amazonaws.com"), nil)
	topic.AddToResourcePolicy(publish)
	keys := []*string{k.signing, k.records}
	if s.customer != nil {
		keys = append(keys, s.customer.arn)
	}
	awsevents.NewCfnRule(s.Stack, jsii.String("key-disabled"), &awsevents.CfnRuleProps{
		Name:        jsii.String(string(s.Prefix) + "-key-disabled"),
		Description: jsii.String("A key was disabled or is to be deleted: certificates cannot be signed, or records cannot be read. Type: aws kms enable-key"),
		EventPattern: map[string]any{
			"source":      []string{"aws.kms"},
			"detail-type": []string{"AWS API Call via CloudTrail"},
			"detail": map[string]any{
				"eventName": []string{"DisableKey", "ScheduleKeyDeletion"},
				"resources": map[string]any{"ARN": keys},
			},
		},
		Targets: []any{awsevents.CfnRule_TargetProperty{Id: jsii.String("alarms"), Arn: topic.TopicArn()}},
	})
}

func (s stack) alarm(a alarm) awscloudwatch.Alarm {
	comparison, missing := awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD, awscloudwatch.TreatMissingData_NOT_BREACHING
	if a.below {
		comparison, missing = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD, awscloudwatch.TreatMissingData_BREACHING
	}
	return a.metric.CreateAlarm(s.Stack, jsii.String("alarm-"+a.id), &awscloudwatch.CreateAlarmOptions{
		AlarmName:          jsii.String(string(s.Prefix) + "-" + a.id),
		AlarmDescription:   jsii.Sprintf("%s. Type: %s", a.meaning, a.typed),
		Threshold:          jsii.Number(cmp.Or(a.threshold, 1)),
		EvaluationPeriods:  jsii.Number(cmp.Or(a.periods, 1)),
		ComparisonOperator: comparison,
		TreatMissingData:   missing,
	})
}
