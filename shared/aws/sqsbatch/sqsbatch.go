// Package sqsbatch takes in what services of AWS publish on our topics: each
// message travels from SNS through an SQS queue to a function. It promises
// that every message is answered for by itself: one that fails, or makes the
// function panic, comes again and in the end goes to the dead-letter queue,
// and never takes others of its batch with it. What a message says is its
// taker's business; this package logs nothing of it.
package sqsbatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

var errPanicked = errors.New("taking the message panicked")

// Message is what a service published.
type Message struct {
	ID   string    // of the SQS message, for logs
	Body string    // as published
	At   time.Time // when SNS took it, in UTC; zero where SNS delivered it raw
}

// Handler is what Lambda calls with a batch of a queue.
type Handler func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error)

// Each returns a handler that has every message of a batch taken, one after
// the other. An error of take means that the message is to come again; it is
// logged, so it must not hold anything of what the message says.
func Each(log *slog.Logger, take func(ctx context.Context, m Message) error) Handler {
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		// Never nil: an answer without a list is read as one that nothing
		// can be learnt from.
		failures := make([]events.SQSBatchItemFailure, 0)
		for _, m := range batch.Records {
			if err := safely(ctx, log, take, unwrap(m)); err != nil {
				log.ErrorContext(ctx, "a message failed and comes again", "message", m.MessageId, "error", err)
				failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return events.SQSEventResponse{BatchItemFailures: failures}, nil
	}
}

// safely makes a panic an error. The log gets the panic's type and the stack:
// its text might quote the message.
func safely(ctx context.Context, log *slog.Logger, take func(ctx context.Context, m Message) error, m Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return take(ctx, m)
}

// unwrap takes a message out of the envelope that SNS puts it in. Anything
// that is no such envelope is itself what was published: raw delivery.
func unwrap(m events.SQSMessage) Message {
	var envelope struct {
		Type, TopicArn, Timestamp string
		Message                   *string
	}
	err := json.Unmarshal([]byte(m.Body), &envelope)
	if err != nil || envelope.Type != "Notification" || envelope.TopicArn == "" || envelope.Message == nil {
		return Message{ID: m.MessageId, Body: m.Body}
	}
	// A time that cannot be read is zero, and so none: whoever needs it fails.
	at, _ := time.Parse(time.RFC3339, envelope.Timestamp)
	return Message{ID: m.MessageId, Body: *envelope.Message, At: at.UTC()}
}
