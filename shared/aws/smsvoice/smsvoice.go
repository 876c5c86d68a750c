// Package smsvoice sends texts through AWS End User Messaging SMS. It promises
// that a text is sent from the brand's number as transactional, and that an
// error holds neither a number nor the text.
package smsvoice

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	voice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/smithy-go"

	"stille/shared/sms"
)

// Client is the part of AWS End User Messaging SMS that Sender needs.
type Client interface {
	SendTextMessage(context.Context, *voice.SendTextMessageInput, ...func(*voice.Options)) (*voice.SendTextMessageOutput, error)
}

// Sender sends texts.
type Sender struct{ client Client }

// NewSender returns a sender.
func NewSender(client Client) *Sender { return &Sender{client} }

// Send sends a text. After an error the text was not sent, or the answer that
// confirms it was lost.
func (s *Sender) Send(ctx context.Context, t sms.Text) error {
	_, err := s.client.SendTextMessage(ctx, &voice.SendTextMessageInput{
		OriginationIdentity:    &t.From,
		DestinationPhoneNumber: aws.String(t.To.Address()),
		MessageBody:            &t.Body,
		MessageType:            types.MessageTypeTransactional,
	})
	if err != nil {
		return fmt.Errorf("sending a text: %w", withoutNumbers(err))
	}
	return nil
}

// withoutNumbers reduces an error of the service to its code and its reason:
// its message and fields may repeat the number.
func withoutNumbers(err error) error {
	var named smithy.APIError
	if !errors.As(err, &named) {
		return err
	}
	var conflict *types.ConflictException
	var invalid *types.ValidationException
	switch {
	case errors.As(err, &conflict):
		return fmt.Errorf("%s, %s", named.ErrorCode(), conflict.Reason)
	case errors.As(err, &invalid):
		return fmt.Errorf("%s, %s", named.ErrorCode(), invalid.Reason)
	}
	return errors.New(named.ErrorCode())
}
