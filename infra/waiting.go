package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

const (
	// drainSeconds is what drain has for a batch. What it did not take comes
	// again after six times as long, as Lambda wants it.
	drainSeconds = 5
	drainAgain   = 6 * drainSeconds
	drainBatch   = 10
	drainTries   = 1000 // the most there is: with drainAgain, over eight hours
	waitingDays  = 14   // the longest there is; what waits holds no address

	// drainConcurrency keeps what has waited from taking a store that has just
	// come back for itself. The links' functions have their own.
	drainConcurrency = 5
)

// waiting is where opt-outs wait that the store did not take, and the function
// that carries them out once it does.
type waiting struct {
	queue, dead awssqs.Queue
}

func (s stack) waiting(k keys, t tables) waiting {
	var w waiting
	w.dead = s.waitingQueue("waiting-dead", nil)
	w.queue = s.waitingQueue("waiting", &awssqs.DeadLetterQueue{Queue: w.dead, MaxReceiveCount: jsii.Number(drainTries)})
	drain := s.function(function{
		name:    names.Drain,
		memory:  256,
		timeout: awscdk.Duration_Seconds(jsii.Number(drainSeconds)),
		may: append(t.mayChangeList(), mayRead(k.contact),
			allow([]*string{w.queue.QueueArn()}, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")),
	})
	awslambda.NewEventSourceMapping(s.Stack, jsii.String("drain-waiting"), &awslambda.EventSourceMappingProps{
		Target:                  drain,
		EventSourceArn:          w.queue.QueueArn(),
		BatchSize:               jsii.Number(drainBatch),
		MaxConcurrency:          jsii.Number(drainConcurrency),
		ReportBatchItemFailures: jsii.Bool(true),
	})
	return w
}

// mayWait lets a function put opt-outs into the queue, and take none out.
func (w waiting) mayWait() awsiam.PolicyStatement {
	return allow([]*string{w.queue.QueueArn()}, "sqs:SendMessage")
}

// waitingQueue adds an encrypted queue that keeps each contact's opt-outs in
// order, and those of different contacts out of each other's way.
func (s stack) waitingQueue(id string, dead *awssqs.DeadLetterQueue) awssqs.Queue {
	return s.tagged(awssqs.NewQueue(s.Stack, jsii.String(id), &awssqs.QueueProps{
		Fifo:                      jsii.Bool(true),
		ContentBasedDeduplication: jsii.Bool(true),
		DeduplicationScope:        awssqs.DeduplicationScope_MESSAGE_GROUP,
		FifoThroughputLimit:       awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID,
		Encryption:                awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:                jsii.Bool(true),
		RetentionPeriod:           awscdk.Duration_Days(jsii.Number(waitingDays)),
		VisibilityTimeout:         awscdk.Duration_Seconds(jsii.Number(drainAgain)),
		DeadLetterQueue:           dead,
		RemovalPolicy:             s.Settings.RemovalPolicy,
	}), id, dead == nil)
}
