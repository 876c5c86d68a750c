package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/suppression"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
)

// patience is how long one batch may take. It is below the function's time
// limit: after that limit no answer says what was carried out.
const patience = 4 * time.Second

// handler carries out the opt-outs of the outage queue. The time of an opt-out
// decides, not that of its arrival: a newer release or undo stays.
type handler struct {
	keys  contact.KeySource // proven against the list's table
	links unsubscribe.Links
	// apply changes the suppression list. Once it has returned without an error, the
	// change is durable.
	apply func(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
	queue outage.Queue
	log   *slog.Logger
	now   func() time.Time
}

const (
	// mostReceives is how often a message is received before the queue gets it
	// afresh: after 1,000 receives, some eight hours, it would be a dead letter, and
	// a store may be away for days.
	mostReceives = 900
	// queuePatience is how long the queue may take for that.
	queuePatience = 500 * time.Millisecond
)

// errBehind keeps the order of a contact's opt-outs.
var errBehind = errors.New("an older opt-out of the contact failed")

// queued is a message that could be read.
type queued struct {
	message  string
	receives int
	outage.OptOut
}

// handle takes a batch of the queue, in the order in which people opted out.
// After an opt-out that failed, the later opt-outs of the contact fail too.
func (h handler) handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	taken := sqsbatch.NewAnswer(h.log)
	var optOuts []queued
	for _, m := range batch.Records {
		_ = taken.Take(ctx, m.MessageId, func() error { // the answer holds the error
			optOut, err := outage.Read(m.Body)
			if err == nil {
				receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 where SQS does not say
				optOuts = append(optOuts, queued{m.MessageId, receives, optOut})
			}
			return err
		})
	}
	slices.SortStableFunc(optOuts, func(a, b queued) int {
		switch { // keys that cannot be read take the time of links, and of nothing else
		case a.Link == nil && b.Link != nil:
			return -1
		case a.Link != nil && b.Link == nil:
			return 1
		}
		return a.At.Compare(b.At)
	})
	failed := map[string]bool{}
	for _, o := range optOuts {
		err := taken.Take(ctx, o.message, func() error {
			err := errBehind
			if !failed[o.Group()] {
				err = h.carryOut(ctx, o)
			}
			if err != nil && o.receives > mostReceives && !isFinal(err) {
				failed[o.Group()] = true
				return h.queueAgain(ctx, o, err)
			}
			return err
		})
		if err != nil {
			failed[o.Group()] = true
		}
	}
	return taken.Response(), nil
}

// isFinal reports whether the message itself is at fault and not the store: it
// belongs in the dead-letter queue, where an operator looks at it.
func isFinal(err error) bool {
	return errors.Is(err, outage.ErrUnknownKeys) || errors.Is(err, suppression.ErrUnreadable) || errors.Is(err, suppression.ErrChange)
}

// queueAgain puts the opt-out into the queue as a new message. The error of why
// stays where the queue does not take the opt-out.
func (h handler) queueAgain(ctx context.Context, o queued, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queuePatience)
	defer cancel()
	if err := h.queue.Put(ctx, o.OptOut); err != nil {
		return errors.Join(why, err)
	}
	h.log.WarnContext(ctx, "opt-out queued again", "key", o.short(), "scope", o.Scope, "error", why)
	return nil
}

// short is for the log; a link has none.
func (o queued) short() string {
	if o.Link != nil {
		return ""
	}
	return o.Keys[0].Short()
}

func (h handler) carryOut(ctx context.Context, o queued) error {
	person, changes := contact.Contact{}, []suppression.Change{o.Change()}
	if o.Link != nil {
		var err error
		person, changes, err = h.links.Read(ctx, o.OptOut)
		switch {
		case errors.Is(err, link.ErrForged):
			h.log.InfoContext(ctx, "queued link refused", "channel", o.Channel)
			return nil
		case err != nil:
			return err
		}
	}
	proven, err := h.keys.Contact(ctx)
	if err != nil {
		return fmt.Errorf("getting the contact keys: %w", err)
	}
	who, err := o.contact(proven, person)
	if err != nil {
		return err
	}
	now := h.now()
	for _, c := range changes {
		outcome, err := h.apply(ctx, who, c, now)
		if err != nil {
			return err
		}
		h.log.InfoContext(ctx, "opt-out carried out", "channel", o.Channel, "key", who.Newest().Short(), "scope", c.Scope,
			"reason", o.Reason, "outcome", outcome.Effect, "queuedFor", now.Sub(o.At).String())
	}
	return nil
}

// contact names the contact: by the keys of the opt-out, or the person of the link.
func (o queued) contact(proven *contact.KeySet, person contact.Contact) (contact.Known, error) {
	if o.Link != nil {
		return proven.Known(person)
	}
	return o.Live(proven)
}
