// Package sms answers a person by SMS: it knows what we say, in each
// language, and sends it. It promises that a text never advertises anything,
// that one goes out from the brand's own number as transactional, and that an
// error says neither to whom nor what.
package sms

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/smithy-go"

	"stille/shared/contact"
)

// Text is one SMS.
type Text struct {
	From string // a brand's own number, E.164
	To   contact.Contact
	Body string
}

// Client is the part of AWS End User Messaging SMS that is needed.
type Client interface {
	SendTextMessage(context.Context, *sms.SendTextMessageInput, ...func(*sms.Options)) (*sms.SendTextMessageOutput, error)
}

// Sender sends texts.
type Sender struct{ client Client }

// NewSender returns a sender.
func NewSender(client Client) *Sender { return &Sender{client} }

// Send sends a text. After an error it has not gone out, or the answer that
// says so was lost.
func (s *Sender) Send(ctx context.Context, t Text) error {
	_, err := s.client.SendTextMessage(ctx, &sms.SendTextMessageInput{
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

// withoutNumbers keeps of the service's own errors what it calls them: the
// message and the fields may repeat the number.
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
