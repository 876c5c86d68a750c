package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stille/shared/aws/sqsbatch"
	"stille/shared/feedback"
	"stille/shared/feedback/ses"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

// handler stores what SES reports of messages.
type handler struct {
	store  outage.Store
	scopes *scope.Registry
	log    *slog.Logger
	now    func() time.Time
}

// take stores what one event means for every contact it names; what the list does
// not take waits in the outage queue. An error means that the event is retried,
// which changes nothing for a contact that is stored already, and ends in the
// dead-letter queue. A recipient without an address is an error, and stops no other
// recipient.
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
		"stored", len(done.stored), "added", done.added, "unreadable", found.Unreadable, "failed", done.failed,
		"queued", done.queued, "keys", done.stored)
	return err
}

// tally counts the outcomes of an event's recipients.
type tally struct {
	stored                []string // short keys
	added, queued, failed int
}

func (h handler) suppress(ctx context.Context, f feedback.Finding, now time.Time) (tally, error) {
	var done tally
	var failures []error
	for _, c := range f.Contacts {
		who, outcome, err := h.store.Apply(ctx, c, f.Change, now)
		switch {
		case errors.Is(err, outage.ErrQueued):
			h.log.WarnContext(ctx, "opt-out queued", "key", who.Newest().Short(), "error", err)
			done.queued++
		case err != nil:
			done.failed++
			failures = append(failures, fmt.Errorf("suppressing %s: %w", who.Newest().Short(), err))
		default:
			done.stored = append(done.stored, who.Newest().Short())
			if outcome.Effect == suppression.Added {
				done.added++
			}
		}
	}
	return done, errors.Join(failures...)
}
