//go:build store

package dynamo_test

import (
	"testing"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/feedback/hook"
)

func TestTheLastCallIsKnown(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	calls := dynamo.NewReplies(db, stack)
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for _, made := range []hook.Call{{At: at}, {At: at.Add(time.Hour), Failure: "the receiver answered 500"}, {At: at.Add(2 * time.Hour)}} {
		if err := calls.NoteCall(t.Context(), "webhook/1", made); err != nil {
			t.Fatal(err)
		}
		if got, err := calls.LastCall(t.Context(), "webhook/1"); err != nil || got != made {
			t.Errorf("the last call is %v, error %v", got, err)
		}
	}
	if got, err := calls.LastCall(t.Context(), "webhook/2"); err != nil || got != (hook.Call{}) {
		t.Errorf("of a webhook that was never called: %v, error %v", got, err)
	}
}
