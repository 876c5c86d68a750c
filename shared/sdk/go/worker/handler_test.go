package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

// canned is a sender with one outcome for everybody.
type canned struct {
	outcome sesmail.Outcome
	sent    []string
}

func (c *canned) Send(_ context.Context, in *sesv2.SendEmailInput) ([]sesmail.Outcome, error) {
	c.sent = append(c.sent, in.Destination.ToAddresses...)
	c.outcome.Recipient = client.Contact{Channel: client.Email, Address: in.Destination.ToAddresses[0]}
	return []sesmail.Outcome{c.outcome}, nil
}

const mail = `{"Destination":{"ToAddresses":["kari@example.no"]},"Content":{"Template":{"TemplateName":"spring"}}}`

func TestTheQueueKeepsWhatMayStillBeSent(t *testing.T) {
	for _, test := range []struct {
		name    string
		body    string
		outcome sesmail.Outcome
		asked   int
		kept    bool
	}{
		{"a mail that was sent", mail, sesmail.Outcome{Sent: true}, 1, false},
		{"somebody who opted out", mail, sesmail.Outcome{Reason: "unsubscribed"}, 1, false},
		{"an invalid address", mail, sesmail.Outcome{Reason: sesmail.InvalidAddress}, 1, false},
		{"a check that failed", mail, sesmail.Outcome{Reason: client.Unavailable}, 1, true},
		{"SES failed", mail, sesmail.Outcome{Reason: sesmail.Failed, Detail: "SES answered TooManyRequestsException"}, 1, true},
		{"a mail that cannot carry its link", mail, sesmail.Outcome{Reason: sesmail.Refused}, 1, true},
		{"no JSON", "kari@example.no", sesmail.Outcome{Sent: true}, 0, true},
		{"nobody", `{}`, sesmail.Outcome{Sent: true}, 0, true},
		{"several recipients", strings.Replace(mail, `]`, `,"ola@example.no"]`, 1), sesmail.Outcome{Sent: true}, 0, true},
		{"a hidden recipient", strings.Replace(mail, `]`, `],"BccAddresses":["ola@example.no"]`, 1), sesmail.Outcome{Sent: true}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			s := &canned{outcome: test.outcome}
			h := handler{sender: s, log: slog.New(slog.NewJSONHandler(&log, nil))}
			left, err := h.take(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m-1", Body: test.body}}})
			if err != nil || len(s.sent) != test.asked {
				t.Errorf("error %v, asked about %d", err, len(s.sent))
			}
			var want []events.SQSBatchItemFailure
			if test.kept {
				want = []events.SQSBatchItemFailure{{ItemIdentifier: "m-1"}}
			}
			if diff := cmp.Diff(want, left.BatchItemFailures); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if strings.Contains(log.String(), "@") || !strings.Contains(log.String(), "m-1") {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

func TestAWorkerSaysWhatItsEnvironmentLacks(t *testing.T) {
	t.Setenv("STILLE_API", "https://tools.example")
	t.Setenv("STILLE_SCOPE", "acme")
	if _, err := wire(t.Context()); err == nil || err.Error() != "the environment lacks STILLE_KEY, STILLE_CONFIGURATION_SET" {
		t.Errorf("error %v", err)
	}
}
