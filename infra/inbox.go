package main

import (
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

const (
	inboxSeconds = 30 // the time limit for a batch
	inboxTries   = 5  // receives of a message before it goes to the dead-letter queue
	// inboxConcurrency keeps a flood of bounces from taking every other
	// function's capacity; the rest waits in the queue.
	inboxConcurrency = 10
)

// inbox is a function that a topic feeds through a queue, with its dead-letter
// queue.
type inbox struct {
	name        string // the function's
	queue, dead awssqs.Queue
}

// inboxes connect the topics to the functions that handle their messages.
// What the list does not take waits in the outage queue.
func (s stack) inboxes(k keys, t tables, e events, w outage) []inbox {
	s.configurationSet(e.feedback)
	feedback := s.inbox(e.feedback, function{
		name:      names.Feedback,
		variables: s.outageVariables(w),
		may:       append(t.mayChangeList(), mayRead(k.contact), w.mayWait()),
	})
	variables := s.outageVariables(w)
	maps.Copy(variables, s.Settings.smsVariables())
	replies := s.inbox(e.smsReply, function{
		name:      names.SMSReply,
		variables: variables,
		may: append(t.mayChangeList(), mayRead(k.contact), w.mayWait(),
			allow(arns(t.replies), "dynamodb:PutItem", "dynamodb:DeleteItem"),
			allow([]*string{s.phoneNumbers()}, "sms-voice:SendTextMessage")),
	})
	return []inbox{feedback, replies}
}

// inbox adds a function that handles the messages of a topic. A queue between
// them retries a message that failed, and in the end moves the message to the
// dead-letter queue, until four days after its publication.
func (s stack) inbox(topic awssns.Topic, f function) inbox {
	dead := s.deadLetters(f.name + "-dead")
	queue := s.queue(f.name+"-queue", false, awssqs.QueueProps{
		VisibilityTimeout: hiddenFor(inboxSeconds),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(inboxTries)},
	})
	// The message keeps SNS's envelope, which holds the time.
	topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(queue, &awssnssubscriptions.SqsSubscriptionProps{
		RawMessageDelivery: jsii.Bool(false),
		DeadLetterQueue:    dead, // for what SNS cannot deliver
	}))
	f.id = f.name + "-function" // the topic has the name already
	f.memory = 256
	f.timeout = seconds(inboxSeconds)
	s.feed(f.name+"-inbox", queue, f, inboxConcurrency)
	return inbox{f.name, queue, dead}
}

// configurationSet is the SES configuration set to send with: SES publishes the
// bounces and complaints of messages that are sent with it.
func (s stack) configurationSet(feedback awssns.Topic) {
	set := awsses.NewCfnConfigurationSet(s.Stack, jsii.String("configuration-set"), &awsses.CfnConfigurationSetProps{
		Name: jsii.String(s.Prefix.ConfigurationSet()),
	})
	destination := awsses.NewCfnConfigurationSetEventDestination(s.Stack, jsii.String("configuration-set-feedback"), &awsses.CfnConfigurationSetEventDestinationProps{
		ConfigurationSetName: set.Ref(),
		EventDestination: &awsses.CfnConfigurationSetEventDestination_EventDestinationProperty{
			Name:               jsii.String("feedback"),
			Enabled:            jsii.Bool(true),
			MatchingEventTypes: jsii.Strings("bounce", "complaint", "subscription"),
			SnsDestination:     &awsses.CfnConfigurationSetEventDestination_SnsDestinationProperty{TopicArn: feedback.TopicArn()},
		},
	})
	// SES publishes a first message at once, so the permission must exist first.
	destination.Node().AddDependency(feedback)
}

// phoneNumbers is the ARN of all phone numbers of the account.
func (s stack) phoneNumbers() *string {
	return s.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("sms-voice"),
		Resource:     jsii.String("phone-number"),
		ResourceName: jsii.String("*"),
	})
}
