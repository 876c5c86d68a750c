package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/feedback"
	"stille/shared/feedback/ses"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// list is the suppression list.
type list interface {
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

// handler stores what SES reports of messages.
type handler struct {
	keys   contact.KeySource
	list   list
	scopes *scope.Registry
	log    *slog.Logger
	now    func() time.Time
}

// take stores what one event means for every contact it names. An error means
// that the event is retried, which changes nothing for a contact that is stored
// already, and ends in the dead-letter queue. A recipient without an address is
// an error, and stops no other recipient.
func (h handler) take(ctx context.Context, m sqsbatch.Message) error {
	now := h.now()
	found, err := ses.Read(m.Body, h.scopes, now)
	if err != nil {
		return err
	}
	var done tally
	if found.Effect == feedback.Suppresses {
		done, err = h.suppress(ctx, found, now)
	}
	if found.Unreadable > 0 {
		err = errors.Join(err, feedback.ErrNoRecipient)
	}
	h.log.InfoContext(ctx, "feedback", "type", found.Kind, "detail", found.Detail, "effect", string(found.Effect),
		"scope", string(found.Change.Scope), "reason", string(found.Change.Reason), "recipients", len(found.Contacts)+found.Unreadable,
		"stored", len(done.stored), "added", done.added, "unreadable", found.Unreadable, "failed", done.failed, "keys", done.stored)
	return err
}

// tally counts the outcomes of an event's recipients.
type tally struct {
	stored        []string // short keys
	added, failed int
}

func (h handler) suppress(ctx context.Context, f feedback.Finding, now time.Time) (tally, error) {
	var done tally
	set, err := h.keys.Contact(ctx)
	if err != nil {
		return done, err
	}
	var failures []error
	for _, c := range f.Contacts {
		who, err := set.Known(c)
		if err != nil {
			return done, err
		}
		outcome, err := h.list.Apply(ctx, who, f.Change, now)
		if err != nil {
			done.failed++
			failures = append(failures, fmt.Errorf("suppressing %s: %w", who.Newest().Short(), err))
			continue
		}
		done.stored = append(done.stored, who.Newest().Short())
		if outcome.Effect == suppression.Added {
			done.added++
		}
	}
	return done, errors.Join(failures...)
}
