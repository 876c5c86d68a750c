package main

import (
	"encoding/json"
	"errors"
	"time"

	"stille/shared/aws/sqsbatch"
	"stille/shared/scope"
	"stille/shared/sms/keyword"
)

// errMalformed wraps no error of the decoder, which may quote the message.
var (
	errMalformed = errors.New("the message is not an inbound SMS")
	errTimeless  = errors.New("the message has no SNS envelope and so no time")
)

// inbound is a reply that came in.
type inbound struct {
	id      string // the service's, of this SMS
	from    string // who writes, as the service has it
	to      string // the number written to, likewise
	verdict keyword.Verdict
	at      time.Time
	scope   scope.Scope // what the number written to stands for
	brand   scope.Entry // whose number that is; zero where it is nobody's
}

// payload is the service's, as far as it is needed. Its messageKeyword is the
// keyword that is registered for the number, not what the person wrote.
type payload struct {
	OriginationNumber string  `json:"originationNumber"`
	DestinationNumber string  `json:"destinationNumber"`
	MessageBody       *string `json:"messageBody"`
	InboundMessageID  string  `json:"inboundMessageId"`
}

// read reads a message. The time is when SNS took the message, which has no time
// itself, but never later than now.
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
