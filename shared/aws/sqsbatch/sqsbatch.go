// Package sqsbatch takes the messages of an SQS queue, with or without the
// envelope of SNS. It promises that each message fails alone: a message that
// fails, or makes the function panic, is retried and at last moved to the
// dead-letter queue, while the other messages of its batch succeed. It logs
// nothing of a message's content.
package sqsbatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

var errPanicked = errors.New("taking it panicked")

// Message is a message as the service published it.
type Message struct {
	ID   string    // of the SQS message, for logs
	Body string    // as published
	At   time.Time // when SNS took it, in UTC; zero after raw delivery
}

// Handler is what Lambda calls with a batch of a queue.
type Handler func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error)

// Each returns a handler that calls take with every message of a batch, one
// after the other. An error of take requests a retry and is logged, so it must
// not hold anything of the message's content.
func Each(log *slog.Logger, take func(ctx context.Context, m Message) error) Handler {
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		taken := NewAnswer(log)
		for _, m := range batch.Records {
			_ = taken.Take(ctx, m.MessageId, func() error { return take(ctx, unwrap(m)) }) // the answer holds it
		}
		return taken.Response(), nil
	}
}

// Answer collects the failures of a batch. It is safe for concurrent use.
type Answer struct {
	log      *slog.Logger
	mu       sync.Mutex
	failures []events.SQSBatchItemFailure
}

// NewAnswer returns an answer without a failure.
func NewAnswer(log *slog.Logger) *Answer {
	// Never nil: Lambda takes an answer without a list for success.
	return &Answer{log: log, failures: []events.SQSBatchItemFailure{}}
}

// Take runs take for a message and notes a failure for a retry. It returns the
// error of take, which it has logged.
func (a *Answer) Take(ctx context.Context, message string, take func() error) error {
	err := Recovered(ctx, a.log, take)
	if err != nil {
		a.log.ErrorContext(ctx, "a message failed and is retried", "message", message, "error", err)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.failures = append(a.failures, events.SQSBatchItemFailure{ItemIdentifier: message})
	}
	return err
}

// Recovered returns the error of take. A panic is an error too: its text might quote
// the message, so the log gets the panic's type and the stack.
func Recovered(ctx context.Context, log *slog.Logger, take func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return take()
}

// Response returns the answer for Lambda.
func (a *Answer) Response() events.SQSEventResponse {
	return events.SQSEventResponse{BatchItemFailures: a.failures}
}

// unwrap takes a message out of SNS's envelope. A message without an envelope
// was delivered raw.
func unwrap(m events.SQSMessage) Message {
	var envelope struct {
		Type, TopicArn, Timestamp string
		Message                   *string
	}
	err := json.Unmarshal([]byte(m.Body), &envelope)
	if err != nil || envelope.Type != "Notification" || envelope.TopicArn == "" || envelope.Message == nil {
		return Message{ID: m.MessageId, Body: m.Body}
	}
	// A time that cannot be read is zero: a reader that needs it fails.
	at, _ := time.Parse(time.RFC3339, envelope.Timestamp)
	return Message{ID: m.MessageId, Body: *envelope.Message, At: at.UTC()}
}
