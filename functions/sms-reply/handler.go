package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/sms"
	"stille/shared/sms/keyword"
	"stille/shared/suppression"
)

// replies knows which replies were answered.
type replies interface {
	Claimed(ctx context.Context, id string) (bool, error)
	Claim(ctx context.Context, id string, now time.Time) (bool, error)
	Release(ctx context.Context, id string) error
}

// phone sends texts.
type phone interface {
	Send(ctx context.Context, t sms.Text) error
}

// handler takes replies.
type handler struct {
	keys      contact.KeySource
	list      suppression.List
	replies   replies
	phone     phone
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
// answered once.
func (h handler) take(ctx context.Context, m sqsbatch.Message) error {
	now := h.now()
	r, err := read(m, h.scopes, now)
	if err != nil {
		return err
	}
	if r.verdict == keyword.Ignore {
		h.log.InfoContext(ctx, "a reply", "verdict", string(r.verdict), "scope", string(r.scope))
		return nil
	}
	who, err := contact.NormaliseAnyLength(contact.SMS, r.from, "")
	if err != nil {
		// The sender is a name or a short code. Neither takes an answer.
		h.log.WarnContext(ctx, "a reply from a sender with no phone number", "message", m.ID, "verdict", string(r.verdict), "scope", string(r.scope))
		return nil
	}
	if r.verdict == keyword.Start {
		// SNS stamps a redelivery with a new, later time. A redelivered START must
		// not lift a newer STOP, so a START is taken once; a redelivered STOP does
		// no harm.
		if done, err := h.done(ctx, r); done || err != nil {
			return err
		}
	}
	known, key, err := h.change(ctx, r, who, now)
	if err != nil {
		return err
	}
	h.log.InfoContext(ctx, "a reply", "verdict", string(r.verdict), "scope", string(r.scope), "key", key.Short())
	return h.answer(ctx, r, who, known, now)
}

// done reports whether the reply was already taken.
func (h handler) done(ctx context.Context, r inbound) (bool, error) {
	if r.id == "" {
		return false, errUnnamed
	}
	return h.replies.Claimed(ctx, r.id)
}

// change makes the reply's changes. It returns what is known of the sender
// afterwards, as a check would read it.
func (h handler) change(ctx context.Context, r inbound, who contact.Contact, now time.Time) (suppression.Item, contact.Key, error) {
	set, err := h.keys.Contact(ctx)
	if err != nil {
		return suppression.Item{}, "", err
	}
	known, err := set.Known(who)
	if err != nil {
		return suppression.Item{}, "", err
	}
	for _, c := range r.verdict.Changes(r.scope, r.at) {
		if _, err := h.list.Apply(ctx, known, c, now); err != nil {
			return suppression.Item{}, "", err
		}
	}
	item, err := h.list.Get(ctx, known.Keys)
	return item, known.Newest(), err
}

// answer claims the answer to a reply and sends it, if the reply gets one.
func (h handler) answer(ctx context.Context, r inbound, who contact.Contact, known suppression.Item, now time.Time) error {
	if r.id == "" {
		return errUnnamed
	}
	// If sending is interrupted, the text may have been sent, and the claim
	// would stay.
	if end, limited := ctx.Deadline(); limited && end.Sub(h.now()) < 2*patience {
		return errNoTime
	}
	first, err := h.replies.Claim(ctx, r.id, now)
	if err != nil || !first {
		return err
	}
	if r.brand.ID == 0 {
		return nil // no brand has the number, so nobody can answer
	}
	body := h.languages.For(r.brand).Say(r.verdict.Answer(known, r.scope, r.at))
	if body == "" {
		return nil
	}
	sending, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := h.phone.Send(sending, sms.Text{From: r.to, To: who, Body: body}); err != nil {
		return errors.Join(err, h.replies.Release(ctx, r.id))
	}
	return nil
}
