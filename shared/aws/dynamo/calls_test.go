//go:build store

package dynamo_test

import (
	"testing"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/feedback/hook"
)

func TestTheLastCallOfEachHookIsKnown(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	calls := dynamo.NewCalls(db, stack)
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	twilio := hook.Hook{Provider: "twilio", Scope: "acme/newsletter"}
	for _, now := range []time.Time{at, at.Add(time.Hour)} {
		if err := calls.Note(t.Context(), twilio, now); err != nil {
			t.Fatal(err)
		}
		if got, err := calls.Called(t.Context(), twilio); err != nil || !got.Equal(now) {
			t.Errorf("called at %s, error %v", got, err)
		}
	}
	if got, err := calls.Called(t.Context(), hook.Hook{Provider: "twilio", Scope: "acme"}); err != nil || !got.IsZero() {
		t.Errorf("a hook that was never called: %s, error %v", got, err)
	}
}
