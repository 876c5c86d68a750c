package main

import (
	"encoding/json"
	"errors"
	"time"

	"stille/shared/aws/sqsbatch"
	"stille/shared/scope"
	"stille/shared/sms/keyword"
)

// errMalformed does not wrap the decoder's error, which may quote the message.
var (
	errMalformed = errors.New("the message is not an inbound SMS")
	errTimeless  = errors.New("the message has no SNS envelope and so no time")
)

// inbound is a received reply.
type inbound struct {
	id      string // id of the SMS, given by the service
	from    string // the sender's number, as the service writes it
	to      string // the number written to, as the service writes it
	verdict keyword.Verdict
	at      time.Time
	scope   scope.Scope // the scope of the number written to
	brand   scope.Entry // the brand that owns the number; zero if none does
}

// payload is the part of the service's message that is needed. The service's
// messageKeyword is the keyword registered for the number, not the sender's
// text; it is not read.
type payload struct {
	OriginationNumber string  `json:"originationNumber"`
	DestinationNumber string  `json:"destinationNumber"`
	MessageBody       *string `json:"messageBody"`
	InboundMessageID  string  `json:"inboundMessageId"`
}

// read reads a message. An SMS carries no time, so the reply's time is when SNS
// took the message, but never later than now.
func read(m sqsbatch.Message, scopes *scope.Registry, now time.Time) (inbound, error) {
	var p payload
	if err := json.Unmarshal([]byte(m.Body), &p); err != nil || p.OriginationNumber == "" || p.MessageBody == nil {
		return inbound{}, errMalformed
	}
	if m.At.IsZero() {
		return inbound{}, errTimeless
	}
	r := inbound{id: p.InboundMessageID, from: p.OriginationNumber, to: p.DestinationNumber, verdict: keyword.Read(*p.MessageBody), at: m.At, scope: scope.Everywhere}
	if r.at.After(now) {
		r.at = now
	}
	if brand, ok := scopes.ByNumber(p.DestinationNumber); ok {
		r.brand, r.scope = brand, brand.Scope
	}
	return r, nil
}
