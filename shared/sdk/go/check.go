package client

import (
	"context"
	"errors"
	"time"
)

// Channels of a contact.
const (
	Email = "email"
	SMS   = "sms"
)

// Purposes of a message.
const (
	Marketing     = "marketing"
	Transactional = "transactional"
)

// Contact is an address or a number on a channel.
type Contact struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
	Region  string `json:"region,omitzero"` // ISO 3166, of a number without + or 00
}

// Question asks about messages to any number of contacts.
type Question struct {
	Scope    string // a brand or a topic; where it is empty, any opt-out anywhere is a no
	Purpose  string // Marketing where it is empty
	Contacts []Contact
}

// Answer is about one contact. The zero Answer says no.
type Answer struct {
	send   bool
	Reason string    // why not
	Scope  string    // where the contact is suppressed
	Since  time.Time // since when
	Key    string    // the contact's key, the same that events carry
}

// MaySend tells whether the message may be sent.
func (a Answer) MaySend() bool { return a.send }

const checkRoute = "/v1/check"

type checkRequest struct {
	Scope    string    `json:"scope,omitzero"`
	Purpose  string    `json:"purpose,omitzero"`
	Contacts []Contact `json:"contacts"`
}

// answered is one result. What has to be there is a pointer.
type answered struct {
	Send   *bool      `json:"send"`
	Reason *string    `json:"reason"`
	Scope  *string    `json:"scope"`
	Since  *time.Time `json:"since"`
	Key    *string    `json:"key"`
}

// Check returns an Answer for every contact, in their order. After an error
// every one of them says no.
func (c *Client) Check(ctx context.Context, q Question) ([]Answer, error) {
	request := func(part []Contact) any { return checkRequest{q.Scope, q.Purpose, part} }
	answers, err := results(ctx, c, checkRoute, q.Contacts, request, func(_ Contact, w answered) (Answer, error) { return w.answer() })
	if err != nil {
		return make([]Answer, len(q.Contacts)), err
	}
	return answers, nil
}

// answer refuses whatever is not clearly one of the two answers there are.
func (w answered) answer() (Answer, error) {
	switch {
	case w.Send == nil:
		return Answer{}, errors.New("says neither yes nor no")
	case *w.Send && (w.Reason != nil || w.Scope != nil || w.Since != nil):
		return Answer{}, errors.New("says yes, with a reason against it")
	case *w.Send && !isKey(value(w.Key)):
		return Answer{}, errors.New("says yes to nobody")
	case !*w.Send && value(w.Reason) == "":
		return Answer{}, errors.New("says no without a reason")
	}
	return Answer{send: *w.Send, Reason: value(w.Reason), Scope: value(w.Scope), Since: value(w.Since), Key: value(w.Key)}, nil
}

func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

// isKey tells whether the text has the shape of a contact's key.
func isKey(s string) bool {
	if len(s) != 48 {
		return false
	}
	for _, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
