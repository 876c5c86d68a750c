package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// events are the bus for events that go out and the topics for events that come in.
type events struct {
	bus                awsevents.EventBus
	feedback, smsReply awssns.Topic
}

func (s stack) events() events {
	return events{
		bus: awsevents.NewEventBus(s.Stack, jsii.String("bus"), &awsevents.EventBusProps{
			EventBusName: jsii.String(s.Prefix.Bus()),
		}),
		feedback: s.topic("feedback", s.Prefix.FeedbackTopic(), "ses.amazonaws.com", s.FeedbackAccounts...),
		smsReply: s.topic("sms-reply", s.Prefix.SMSReplyTopic(), "sms-voice.amazonaws.com", s.FeedbackAccounts...),
	}
}

// topic adds a topic on which one service of AWS may publish for this account, and
// for the others.
func (s stack) topic(id, name, publisher string, others ...string) awssns.Topic {
	topic := awssns.NewTopic(s.Stack, jsii.String(id), &awssns.TopicProps{
		TopicName:  jsii.String(name),
		EnforceSSL: jsii.Bool(true),
	})
	publish := allow([]*string{topic.TopicArn()}, "sns:Publish")
	publish.AddServicePrincipal(jsii.String(publisher), nil)
	publish.AddCondition(jsii.String("StringEquals"), map[string]any{"AWS:SourceAccount": append([]string{*s.Stack.Account()}, others...)})
	topic.AddToResourcePolicy(publish)
	return topic
}

// consumer is a function that the streams of tables feed, with the queue for the
// stream records that the function cannot handle.
type consumer struct {
	awslambda.Function
	parked awssqs.Queue
}

// streams connect the tables to the functions that handle a change in a table.
func (s stack) streams(k keys, t tables, e events, told webhooks) []consumer {
	// An erasure withdraws records of every class.
	propagate := s.consumer(names.Propagate, []table{t.ledger}, map[string]*string{names.VarWebhookQueue: told.queue.QueueUrl()}, append(s.mayUpdateRecords(k, t),
		allow(arns(t.suppressions), "dynamodb:GetItem"),
		allow(indexArns(names.IndexSubject, t.records()...), "dynamodb:Query"),
		allow([]*string{e.bus.EventBusArn()}, "events:PutEvents"),
		told.mayTell(),
	))
	stamp := s.consumer(names.Stamp, t.records(), map[string]*string{}, slices.Concat(s.mayUpdateRecords(k, t), t.mayClaimSlots(), []awsiam.PolicyStatement{
		allow(arns(t.suppressions), "dynamodb:GetItem"),
		allow(indexArns(names.IndexRecord, t.slots), "dynamodb:Query"),
		allow(arns(t.holds), "dynamodb:BatchGetItem"), // a held record must not be rewritten
	}))
	return []consumer{propagate, stamp}
}

// consumer adds a function that the streams of these tables feed. The function
// parks a stream record that it cannot handle; Lambda puts into the same queue
// the position of a stream record that failed until it was too old.
func (s stack) consumer(name string, sources []table, variables map[string]*string, may []awsiam.PolicyStatement) consumer {
	parked := s.deadLetters(name + "-parked")
	var streams []*string
	for _, source := range sources {
		streams = append(streams, source.stream)
	}
	may = append(may,
		allow([]*string{parked.QueueArn()}, "sqs:SendMessage"),
		allow(streams, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
		// ListStreams knows no narrower resource.
		allow([]*string{jsii.String("*")}, "dynamodb:ListStreams"),
	)
	variables[names.VarParkedQueue] = parked.QueueUrl()
	f := s.function(function{
		name:      name,
		memory:    256,
		timeout:   minutes(1),
		variables: variables,
		may:       may,
	})
	for _, source := range sources {
		awslambda.NewEventSourceMapping(s.Stack, jsii.String(name+"-"+source.id), &awslambda.EventSourceMappingProps{
			Target:             f,
			EventSourceArn:     source.stream,
			StartingPosition:   awslambda.StartingPosition_TRIM_HORIZON,
			BatchSize:          jsii.Number(100),
			BisectBatchOnError: jsii.Bool(true),
			// Ten lanes a shard, each with the changes of different items. A record that
			// fails blocks its lane for the day that a stream lasts, and is not
			// discarded before: an outage of the store may last for hours.
			ParallelizationFactor:   jsii.Number(10),
			ReportBatchItemFailures: jsii.Bool(true),
			OnFailure:               awslambdaeventsources.NewSqsDlq(parked),
		})
	}
	return consumer{f, parked}
}
