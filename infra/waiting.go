package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

const (
	drainSeconds = 5    // the time limit for a batch
	drainTries   = 1000 // the most that SQS allows: over eight hours
	waitingDays  = 14   // the most that SQS allows; these messages hold no address

	// drainConcurrency leaves most of a store that has just come back to others.
	// The links' functions have capacity reserved.
	drainConcurrency = 5
)

// waiting is the queue of the opt-outs that the store did not take, and the queue
// of those that drain could not carry out.
type waiting struct {
	queue, dead awssqs.Queue
}

// waiting adds the two queues, and the function that carries out the opt-outs.
func (s stack) waiting(k keys, t tables) waiting {
	var w waiting
	w.dead = s.waitingQueue("waiting-dead", nil)
	w.queue = s.waitingQueue("waiting", &awssqs.DeadLetterQueue{Queue: w.dead, MaxReceiveCount: jsii.Number(drainTries)})
	s.feed("drain-waiting", w.queue, function{
		name:    names.Drain,
		memory:  256,
		timeout: seconds(drainSeconds),
		may:     append(t.mayChangeList(), mayRead(k.contact)),
	}, drainConcurrency)
	return w
}

// mayWait lets a function put opt-outs into the queue, and take none out.
func (w waiting) mayWait() awsiam.PolicyStatement {
	return allow([]*string{w.queue.QueueArn()}, "sqs:SendMessage")
}

// waitingQueue adds a queue that keeps each contact's opt-outs in order; different
// contacts do not wait for each other.
func (s stack) waitingQueue(id string, dead *awssqs.DeadLetterQueue) awssqs.Queue {
	return s.queue(id, dead == nil, awssqs.QueueProps{
		Fifo:                      jsii.Bool(true),
		ContentBasedDeduplication: jsii.Bool(true),
		DeduplicationScope:        awssqs.DeduplicationScope_MESSAGE_GROUP,
		FifoThroughputLimit:       awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID,
		RetentionPeriod:           days(waitingDays),
		VisibilityTimeout:         hiddenFor(drainSeconds),
		DeadLetterQueue:           dead,
	})
}
