package deployment_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/deployment"
	"stille/shared/ledger"
	"stille/shared/webhook"
)

// told keeps what webhooks are told.
type told struct {
	url string
	all []webhook.Delivery
}

func (w *told) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	w.url = *in.QueueUrl
	for _, entry := range in.Entries {
		d, err := webhook.Read(*entry.MessageBody)
		if err != nil {
			return nil, err
		}
		w.all = append(w.all, d)
	}
	return &sqs.SendMessageBatchOutput{}, nil
}

func TestAReplayTellsBusAndWebhooks(t *testing.T) {
	var w told
	onBus := 0
	queues := fakeSQS{"stille-x": {"stille", "webhooks", "false", "0"}, "stille-y": {"stille", "webhooks-dead", "true", "0"}}
	announcer := deployment.Announcer{
		Queues: deployment.Queues{SQS: queues, Stack: "stille"}, Client: &w, Now: func() time.Time { return at },
		Bus: func(_ context.Context, entries []ledger.Entry) error { onBus += len(entries); return nil },
	}
	entries := []ledger.Entry{{ID: "entry-1", Action: ledger.Suppressed}, {ID: "entry-2", Action: ledger.Released}}
	for range 2 {
		if err := announcer.Announce(t.Context(), entries); err != nil {
			t.Fatal(err)
		}
	}
	if w.url != "https://sqs/1/stille-x" || len(w.all) != 4 || w.all[1].Event.Data.ID != "entry-2" || onBus != 4 {
		t.Errorf("told %d in %s, %d on the bus", len(w.all), w.url, onBus)
	}
	older := deployment.Announcer{Queues: deployment.Queues{SQS: fakeSQS{}, Stack: "stille"}, Client: &w, Bus: func(context.Context, []ledger.Entry) error { return errors.New("told too early") }}
	if err := older.Announce(t.Context(), entries); err == nil || err.Error() == "told too early" {
		t.Errorf("without a queue: error %v", err)
	}
}
