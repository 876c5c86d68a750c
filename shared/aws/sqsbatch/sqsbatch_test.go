package sqsbatch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/sqsbatch"
)

// wrapped is the SQS body of a message that SNS delivered.
func wrapped(message string) string {
	body, _ := json.Marshal(map[string]any{
		"Type": "Notification", "MessageId": "sns-1", "TopicArn": "arn:aws:sns:eu-north-1:000000000000:stille-feedback",
		"Message": message, "Timestamp": "2026-11-22T03:00:00.123Z", "SomethingNew": []int{1},
	})
	return string(body)
}

func TestAMessageIsTakenOutOfItsEnvelope(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 0, 0, 123_000_000, time.UTC)
	for _, test := range []struct {
		name, queued string
		want         sqsbatch.Message
	}{
		{"wrapped by SNS", wrapped(`{"eventType":"Bounce"}`), sqsbatch.Message{ID: "1", Body: `{"eventType":"Bounce"}`, At: at}},
		{"wrapped by SNS, no JSON inside", wrapped("hello"), sqsbatch.Message{ID: "1", Body: "hello", At: at}},
		{"wrapped by SNS, without a time that can be read", strings.ReplaceAll(wrapped("hello"), "2026-11-22T", "today "), sqsbatch.Message{ID: "1", Body: "hello"}},
		{"delivered raw", `{"eventType":"Bounce"}`, sqsbatch.Message{ID: "1", Body: `{"eventType":"Bounce"}`}},
		{"no JSON at all", "hello", sqsbatch.Message{ID: "1", Body: "hello"}},
		{"empty", "", sqsbatch.Message{ID: "1"}},
		{"JSON with a Message that SNS did not write", `{"Type":"Notification","Message":"x"}`, sqsbatch.Message{ID: "1", Body: `{"Type":"Notification","Message":"x"}`}},
		{"an envelope without a Message", `{"Type":"Notification","TopicArn":"a"}`, sqsbatch.Message{ID: "1", Body: `{"Type":"Notification","TopicArn":"a"}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got sqsbatch.Message
			serve := sqsbatch.Each(slog.New(slog.DiscardHandler), func(_ context.Context, m sqsbatch.Message) error {
				got = m
				return nil
			})
			if _, err := serve(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: test.queued}}}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFailedMessageIsRetriedAlone(t *testing.T) {
	var logs bytes.Buffer
	var taken []string
	serve := sqsbatch.Each(slog.New(slog.NewJSONHandler(&logs, nil)), func(_ context.Context, m sqsbatch.Message) error {
		taken = append(taken, m.ID)
		switch m.Body {
		case "fails":
			return errors.New("the store is down")
		case "panics":
			panic("kari@example.no")
		}
		return nil
	})
	var batch events.SQSEvent
	for id, body := range []string{"good", "fails", "panics", "good"} {
		batch.Records = append(batch.Records, events.SQSMessage{MessageId: string(rune('0' + id)), Body: body})
	}
	got, err := serve(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	want := []events.SQSBatchItemFailure{{ItemIdentifier: "1"}, {ItemIdentifier: "2"}}
	if diff := cmp.Diff(want, got.BatchItemFailures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3"}, taken); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if text := logs.String(); !strings.Contains(text, "the store is down") || !strings.Contains(text, "panicked") || strings.Contains(text, "kari") {
		t.Errorf("log %s", text)
	}
}

func TestNoFailuresAreAnEmptyList(t *testing.T) {
	serve := sqsbatch.Each(slog.New(slog.DiscardHandler), func(context.Context, sqsbatch.Message) error { return nil })
	for name, batch := range map[string]events.SQSEvent{"one message": {Records: []events.SQSMessage{{MessageId: "1"}}}, "none": {}} {
		t.Run(name, func(t *testing.T) {
			got, err := serve(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"batchItemFailures":[]}`, string(answer)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
