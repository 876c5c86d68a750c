package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"stille/shared/aws/emf"
	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/scope"
	"stille/shared/sms"
	"stille/shared/sms/keyword"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

// replies remembers which replies were taken and which texts a number got.
type replies interface {
	Claim(ctx context.Context, id string, until, now time.Time) (bool, error)
	First(ctx context.Context, id string, at, until, now time.Time) (time.Time, error)
	Release(ctx context.Context, id string) error
}

// remembered is how long a reply is remembered: longer than a queue and its
// dead-letter queue keep the reply.
const remembered = 14 * 24 * time.Hour

type handler struct {
	store     outage.Store
	get       func(ctx context.Context, keys []contact.Key) (suppression.Item, error) // reads the suppression list
	replies   replies
	send      func(ctx context.Context, t sms.Text) error
	languages sms.Languages
	scopes    *scope.Registry
	log       *slog.Logger
	now       func() time.Time
}

// patience is how long a text may take to be sent.
const patience = 3 * time.Second

var (
	errUnnamed = errors.New("the reply has no id, so a redelivery cannot be recognised")
	errNoTime  = errors.New("too little time is left to answer the reply")
)

// take makes the changes of one reply and answers the reply. After an error the
// reply is delivered again: its changes are not made twice, and a reply is
// answered once. An opt-out that the store does not take waits in the outage queue,
// and gets no answer: neither number nor text waits.
func (h handler) take(ctx context.Context, m sqsbatch.Message) error {
	now := h.now()
	r, err := read(m, h.scopes, now)
	if err != nil {
		return err
	}
	who, err := contact.NormaliseAnyLength(contact.SMS, r.from, "")
	if err != nil {
		// The sender is a name or a short code. Neither takes an answer.
		h.log.WarnContext(ctx, "a reply from a sender with no phone number", "message", m.ID, "verdict", string(r.verdict), "scope", string(r.scope))
		return nil
	}
	if r.verdict == keyword.Start {
		// SNS stamps a redelivery with a new, later time. A redelivered START must
		// not lift a newer STOP, so the time of the first delivery counts; a
		// redelivered STOP does no harm.
		if r.id == "" {
			return errUnnamed
		}
		if r.at, err = h.replies.First(ctx, "start/"+r.id, r.at, now.Add(remembered), now); err != nil {
			return err
		}
	}
	known, item, err := h.change(ctx, r, who, now)
	log := h.log.With("verdict", string(r.verdict), "scope", string(r.scope), "key", known.Newest().Short())
	if errors.Is(err, outage.ErrQueued) {
		log.WarnContext(ctx, "opt-out queued", "error", err)
		return nil
	}
	if err == nil {
		log.InfoContext(ctx, "a reply")
		err = h.answer(ctx, r, who, known, item, now)
	}
	if err != nil && r.verdict == keyword.Ignore {
		log.WarnContext(ctx, "a reply that asks for nothing stays unanswered", "error", err)
		return nil
	}
	return err
}

// change makes the reply's changes. It returns the sender's keys and what is known
// of the sender afterwards, as a check would read it.
func (h handler) change(ctx context.Context, r inbound, who contact.Contact, now time.Time) (contact.Known, suppression.Item, error) {
	changes := r.verdict.Changes(r.scope, r.at)
	if len(changes) == 0 {
		set, err := h.store.Keys.Contact(ctx)
		if err != nil {
			return contact.Known{}, suppression.Item{}, err
		}
		known, err := set.Known(who)
		return known, suppression.Item{}, err
	}
	var known contact.Known
	for _, c := range changes {
		var err error
		if known, _, err = h.store.Apply(ctx, who, c, now); err != nil {
			return known, suppression.Item{}, err
		}
	}
	item, err := h.get(ctx, known.Keys)
	return known, item, err
}

// answer claims the answer to a reply and sends it, if the reply gets one.
func (h handler) answer(ctx context.Context, r inbound, who contact.Contact, known contact.Known, item suppression.Item, now time.Time) error {
	if r.id == "" {
		return errUnnamed
	}
	// If sending is interrupted, the text may have been sent, and the claim
	// would stay.
	if end, limited := ctx.Deadline(); limited && end.Sub(h.now()) < 2*patience {
		return errNoTime
	}
	first, err := h.replies.Claim(ctx, r.id, now.Add(remembered), now)
	if err != nil || !first {
		return err
	}
	if r.verdict == keyword.Ignore {
		h.log.InfoContext(ctx, "a reply that leads to nothing", "scope", string(r.scope), names.MetricUnmatched, 1, emf.Embedded(now, "scope", names.MetricUnmatched))
	}
	if r.brand.ID == 0 {
		return nil // no brand has the number, so nobody can answer
	}
	answer := r.verdict.Answer(item, r.scope, r.at)
	body := h.languages.For(r.brand).Say(answer)
	if body == "" {
		return nil
	}
	taken, free, err := h.rest(ctx, answer, r.scope, known.Newest(), now)
	taken = append(taken, r.id)
	if err == nil && free {
		sending, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		err = h.send(sending, sms.Text{From: r.to, To: who, Body: body})
	}
	if err == nil {
		return nil
	}
	failures := []error{err}
	for _, id := range taken {
		failures = append(failures, h.replies.Release(ctx, id))
	}
	return errors.Join(failures...)
}

// rest claims that the number gets no second text of the kind for a while. It
// returns what it claimed, and whether the text may be sent. A claim names the
// number by its key.
func (h handler) rest(ctx context.Context, answer keyword.Answer, in scope.Scope, key contact.Key, now time.Time) (taken []string, free bool, err error) {
	for _, rest := range answer.Rests() {
		id := string(rest.Of) + "/" + string(in) + "/" + string(key)
		free, err := h.replies.Claim(ctx, id, now.Add(rest.For), now)
		if err != nil || !free {
			return taken, false, err
		}
		taken = append(taken, id)
	}
	return taken, true, nil
}

// errMalformed does not wrap the decoder's error, which may quote the message.
var (
	errMalformed = errors.New("the message is not an inbound SMS")
	errTimeless  = errors.New("the message has no SNS envelope and so no time")
)

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
