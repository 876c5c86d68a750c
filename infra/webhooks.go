package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

const (
	deliverSeconds     = 30 // the time limit for a batch: a receiver has ten seconds
	deliverTries       = 5  // receives of a message that is no delivery, or ends the function; deliver itself queues what a receiver does not take
	deliverConcurrency = 20 // ten calls each
)

// webhooks is the queue of what webhooks are told, and its dead-letter queue.
type webhooks struct {
	queue, dead awssqs.Queue
}

// webhooks adds the two queues.
func (s stack) webhooks() webhooks {
	dead := s.deadLetters(names.QueueWebhooksDead)
	return webhooks{dead: dead, queue: s.queue(names.QueueWebhooks, false, awssqs.QueueProps{
		VisibilityTimeout: hiddenFor(deliverSeconds),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(deliverTries)},
	})}
}

// deliveries adds the function that tells webhooks.
func (s stack) deliveries(k keys, t tables, w webhooks) {
	variables := map[string]*string{names.VarWebhookQueue: w.queue.QueueUrl(), names.VarWebhookDead: w.dead.QueueUrl()}
	if s.Settings.Gateway != "" {
		variables[names.VarWebhookLocal] = jsii.String("yes")
	}
	s.feed("deliver-webhooks", w.queue, function{
		name:      names.Deliver,
		memory:    256,
		timeout:   seconds(deliverSeconds),
		variables: variables,
		may: []awsiam.PolicyStatement{
			mayRead(k.webhooks, k.link), // the link keys unseal addresses
			w.mayTell(),
			allow([]*string{w.dead.QueueArn()}, "sqs:SendMessage"),
			allow(arns(t.replies), "dynamodb:PutItem"),
		},
	}, deliverConcurrency)
}

// mayTell lets a function queue what webhooks are told.
func (w webhooks) mayTell() awsiam.PolicyStatement {
	return allow([]*string{w.queue.QueueArn()}, "sqs:SendMessage")
}
