package unsubscribe

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/pages"
)

// carryOut makes the wished change and answers with its outcome.
func (h Handler) carryOut(ctx context.Context, page pages.Reader, linked pages.Subject, w wish) gateway.Response {
	now, s := h.Now(), linked
	if w.action == pages.UnsubscribeAll {
		s.Entry = linked.Brand
	}
	c := change(s.Entry.Scope, w, now)
	log := h.Log.With("channel", h.Channel, "scope", c.Scope, "action", w.action, "oneClick", w.oneClick)
	who, err := h.known(ctx, s.Contact)
	var outcome suppression.Outcome
	if err == nil {
		log = log.With("key", who.Newest().Short())
		outcome, err = h.apply(ctx, who, c, now)
	}
	if err != nil {
		log.ErrorContext(ctx, "change not stored", "error", err)
		if isQueueable(c, err) && h.queue(ctx, log, s.Contact, who, c) {
			return queued(page, s, w)
		}
		return later(page, w)
	}
	log.InfoContext(ctx, "link used", "outcome", outcome.Effect)
	switch {
	case w.action == pages.Resubscribe:
		return h.afterUndo(ctx, page, s, w, who)
	case w.page:
		return page.Done(s, undoable(outcome.Item, linked.Entry.Scope, now))
	}
	return page.Text(http.StatusOK, "Unsubscribed.")
}

func (h Handler) apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	return h.List.Apply(ctx, who, c, now)
}

func (h Handler) known(ctx context.Context, c contact.Contact) (contact.Known, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	set, err := h.Keys.Contact(ctx)
	if err != nil {
		return contact.Known{}, fmt.Errorf("getting the contact keys: %w", err)
	}
	return set.Known(c)
}

func change(in scope.Scope, w wish, at time.Time) suppression.Change {
	c := suppression.Change{
		Action: suppression.Suppress, Scope: in, Reason: suppression.Unsubscribed,
		At: at, Source: suppression.SourceLink,
	}
	switch {
	case w.action == pages.Resubscribe:
		c.Action = suppression.Undo
	case w.oneClick:
		c.Source = suppression.SourceOneClick
	}
	return c
}

// afterUndo answers with the state after the undo: an older key, a wider scope or
// another reason may still stop the messages.
func (h Handler) afterUndo(ctx context.Context, page pages.Reader, s pages.Subject, w wish, who contact.Known) gateway.Response {
	item, err := h.List.Get(ctx, who.Keys)
	if err != nil {
		h.Log.ErrorContext(ctx, "list not read", "channel", h.Channel, "key", who.Newest().Short(), "error", err)
		return later(page, w)
	}
	if suppression.Decide(item, suppression.Marketing, s.Entry.Scope).Send {
		return page.Undone(s)
	}
	return page.Kept(s)
}

// undoable reports whether an undo through the link, a moment later, would start
// the messages again, so that the page offers no undo that would fail. The scope
// is the link's: a topic's link does not undo an opt-out of the brand.
func undoable(item suppression.Item, in scope.Scope, now time.Time) bool {
	soon := now.Add(time.Millisecond)
	undone, err := suppression.Apply(item, change(in, wish{action: pages.Resubscribe}, soon), "", soon)
	return err == nil && undone.Effect == suppression.Lifted &&
		suppression.Decide(undone.Item, suppression.Marketing, in).Send
}
