package main

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

// sender sends to those who may be sent to.
type sender interface {
	Send(ctx context.Context, in *sesv2.SendEmailInput) ([]sesmail.Outcome, error)
}

type handler struct {
	sender sender
	log    *slog.Logger
}

// take sends the messages of a batch. A message stays in the queue if nobody could
// say whether it may be sent, if SES did not take it, or if it is not a request to
// one recipient: a message to several could not be repeated for some of them.
func (h handler) take(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var left events.SQSEventResponse
	for _, record := range batch.Records {
		o := h.send(ctx, record.Body)
		h.log.InfoContext(ctx, "mail", "message", record.MessageId, "sent", o.Sent, "reason", o.Reason, "detail", o.Detail)
		if !o.Sent && mayRetry(o.Reason) {
			left.BatchItemFailures = append(left.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
		}
	}
	return left, nil
}

// mayRetry tells whether the queue is to keep a message that was not sent.
func mayRetry(reason string) bool {
	return reason == client.Unavailable || reason == sesmail.Failed || reason == sesmail.Refused
}

func (h handler) send(ctx context.Context, body string) sesmail.Outcome {
	var in sesv2.SendEmailInput
	// The error would quote the message.
	if json.Unmarshal([]byte(body), &in) != nil || in.Destination == nil ||
		len(in.Destination.ToAddresses) != 1 || len(in.Destination.CcAddresses)+len(in.Destination.BccAddresses) > 0 {
		return sesmail.Outcome{Reason: sesmail.Refused, Detail: "it is not a SendEmail request to one recipient"}
	}
	outcomes, err := h.sender.Send(ctx, &in)
	if err != nil || len(outcomes) != 1 {
		return sesmail.Outcome{Reason: sesmail.Refused, Detail: "it cannot be sent"}
	}
	return outcomes[0]
}
