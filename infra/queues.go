package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// queueBatch is how many messages a function gets at once.
const queueBatch = 10

// deadLetters adds a queue for messages that no function could take. An operator
// must look at each message.
func (s stack) deadLetters(id string) awssqs.Queue { return s.queue(id, true, awssqs.QueueProps{}) }

// queue adds an encrypted queue. It keeps messages for four days unless props
// says otherwise: no longer may an address lie in a queue. Tags tell the
// operator's commands which queue it is.
func (s stack) queue(id string, dead bool, props awssqs.QueueProps) awssqs.Queue {
	props.Encryption = awssqs.QueueEncryption_SQS_MANAGED
	props.EnforceSSL = jsii.Bool(true)
	props.RemovalPolicy = s.Settings.RemovalPolicy
	if props.RemovalPolicy == awscdk.RemovalPolicy_RETAIN {
		// It outlives the stack, but not a first deploy that failed.
		props.RemovalPolicy = awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	}
	if props.RetentionPeriod == nil {
		props.RetentionPeriod = days(4)
	}
	queue := awssqs.NewQueue(s.Stack, jsii.String(id), &props)
	s.customer.encryptQueue(queue)
	tags := awscdk.Tags_Of(queue)
	tags.Add(jsii.String(names.TagStack), jsii.String(string(s.Prefix)), nil)
	tags.Add(jsii.String(names.TagQueue), jsii.String(id), nil)
	tags.Add(jsii.String(names.TagDeadLetter), jsii.String(strconv.FormatBool(dead)), nil)
	return queue
}

// hiddenFor is how long a message is hidden from other readers while a function
// has it: six times the function's time limit, as Lambda recommends.
func hiddenFor(limit float64) awscdk.Duration { return seconds(6 * limit) }

// feed adds the function and has the queue feed it. Messages that the function
// reports as failed return to the queue.
func (s stack) feed(id string, queue awssqs.Queue, f function, concurrency float64) {
	f.may = append(f.may, allow([]*string{queue.QueueArn()}, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"))
	awslambda.NewEventSourceMapping(s.Stack, jsii.String(id), &awslambda.EventSourceMappingProps{
		Target:                  s.function(f),
		EventSourceArn:          queue.QueueArn(),
		BatchSize:               jsii.Number(queueBatch),
		MaxConcurrency:          jsii.Number(concurrency),
		ReportBatchItemFailures: jsii.Bool(true),
	})
}

const (
	drainSeconds = 5    // the time limit for a batch
	drainTries   = 1000 // the most that SQS allows: over eight hours; before that, drain queues the opt-out again
	outageDays   = 14   // the most that SQS allows; these messages hold no address

	// drainConcurrency leaves most of a store that has just come back to others.
	// The links' functions have capacity reserved.
	drainConcurrency = 5
)

// outage is the queue of the opt-outs that the store did not take, and the queue
// of those that drain could not carry out.
type outage struct {
	queue, dead awssqs.Queue
}

// outage adds the two queues, and the function that carries out the opt-outs.
func (s stack) outage(k keys, t tables) outage {
	var w outage
	w.dead = s.outageQueue(names.QueueOutageDead, nil)
	w.queue = s.outageQueue(names.QueueOutage, &awssqs.DeadLetterQueue{Queue: w.dead, MaxReceiveCount: jsii.Number(drainTries)})
	s.feed("drain-waiting", w.queue, function{
		name:      names.Drain,
		memory:    256,
		timeout:   seconds(drainSeconds),
		variables: map[string]*string{names.VarOutageQueue: w.queue.QueueUrl()},
		// An opt-out that could not be carried out for hours is queued again.
		may: append(t.mayChangeList(), mayRead(k.contact, k.link), w.mayWait()),
	}, drainConcurrency)
	return w
}

// outageVariables tell a door where an opt-out waits. The emulator is far slower
// than DynamoDB, and needs more patience.
func (s stack) outageVariables(w outage) map[string]*string {
	variables := map[string]*string{names.VarOutageQueue: w.queue.QueueUrl()}
	if s.Settings.Gateway != "" {
		variables[names.VarStorePatience] = jsii.String("2s")
	}
	return variables
}

// mayWait lets a function put opt-outs into the queue, and take none out.
func (w outage) mayWait() awsiam.PolicyStatement {
	return allow([]*string{w.queue.QueueArn()}, "sqs:SendMessage")
}

// outageQueue adds a queue that keeps each contact's opt-outs in order; different
// contacts do not wait for each other.
func (s stack) outageQueue(id string, dead *awssqs.DeadLetterQueue) awssqs.Queue {
	return s.queue(id, dead == nil, awssqs.QueueProps{
		Fifo:                      jsii.Bool(true),
		ContentBasedDeduplication: jsii.Bool(true),
		DeduplicationScope:        awssqs.DeduplicationScope_MESSAGE_GROUP,
		FifoThroughputLimit:       awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID,
		RetentionPeriod:           days(outageDays),
		VisibilityTimeout:         hiddenFor(drainSeconds),
		DeadLetterQueue:           dead,
	})
}

const (
	deliverSeconds     = 30 // the time limit for a batch: a receiver has ten seconds
	deliverTries       = 5  // receives of a message that is no delivery, or ends the function; deliver itself queues what a receiver does not take
	deliverConcurrency = 20 // ten calls each
)

// webhooks is the queue of what webhooks are told, and its dead-letter queue.
type webhooks struct {
	queue, dead awssqs.Queue
}

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
