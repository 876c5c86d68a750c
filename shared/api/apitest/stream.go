package apitest

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// ErrRetried means that Lambda delivers a record of the batch again.
var ErrRetried = errors.New("a record is delivered again")

// Deliver hands a batch of a table's stream to a handler, and returns ErrRetried if a
// record of the batch failed.
func Deliver(t *testing.T, handle func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error), b events.DynamoDBEvent) error {
	t.Helper()
	answer, err := handle(t.Context(), b)
	if err == nil && len(answer.BatchItemFailures) > 0 {
		return ErrRetried
	}
	return err
}
