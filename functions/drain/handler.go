package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/contact"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

// patience is how long one batch may take. It is below the function's time
// limit, past which nobody would learn what was carried out.
const patience = 4 * time.Second

// contactKeys is where the contact key set comes from, proven against the
// table.
type contactKeys interface {
	Contact(ctx context.Context) (*contact.KeySet, error)
}

// list is the suppression list. Once Apply has returned without an error, the
// change is durable.
type list interface {
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

// handler carries out what waited. The time of an opt-out decides, not that of
// its arrival: a release or undo that is newer stays.
type handler struct {
	keys contactKeys
	list list
	log  *slog.Logger
	now  func() time.Time
}

var (
	errPanicked = errors.New("carrying out an opt-out panicked")
	errBehind   = errors.New("an older one of the same contact failed")
)

// waited is a message that could be read.
type waited struct {
	id string
	outage.OptOut
}

// handle takes a batch of the queue, in the order in which people opted out. It
// answers with the messages that are to come again, and never with an error. A
// contact's opt-outs after one that failed wait for it.
func (h handler) handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Never nil: an answer without a list is read as one that nothing can be
	// learnt from.
	failures := make([]events.SQSBatchItemFailure, 0)
	failed := func(id string, err error) {
		h.log.ErrorContext(ctx, "an opt-out waits on", "message", id, "error", err)
		failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	var optOuts []waited
	for _, m := range batch.Records {
		optOut, err := outage.Read(m.Body)
		if err != nil {
			failed(m.MessageId, err)
			continue
		}
		optOuts = append(optOuts, waited{m.MessageId, optOut})
	}
	slices.SortStableFunc(optOuts, func(a, b waited) int { return a.At.Compare(b.At) })
	behind := map[contact.Key]error{}
	for _, o := range optOuts {
		err := behind[o.Keys[0]]
		if err == nil {
			err = h.safely(ctx, o)
		}
		if err != nil {
			behind[o.Keys[0]] = errBehind
			failed(o.id, err)
		}
	}
	return events.SQSEventResponse{BatchItemFailures: failures}, nil
}

// safely makes a panic an error. The log gets the panic's type and the stack:
// its text might quote the message.
func (h handler) safely(ctx context.Context, o waited) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return h.carryOut(ctx, o)
}

func (h handler) carryOut(ctx context.Context, o waited) error {
	proven, err := h.keys.Contact(ctx)
	if err != nil {
		return fmt.Errorf("getting the contact keys: %w", err)
	}
	who, err := o.Live(proven)
	if err != nil {
		return err
	}
	now := h.now()
	outcome, err := h.list.Apply(ctx, who, o.Change(), now)
	if err != nil {
		return err
	}
	h.log.InfoContext(ctx, "opt-out carried out", "channel", o.Channel, "key", who.Newest().Short(), "scope", o.Scope,
		"outcome", outcome.Effect, "waited", now.Sub(o.At).String())
	return nil
}
