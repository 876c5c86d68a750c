package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// mayWait tells whether a change that was not stored may be made later. An undo
// never is: silence may come late, its end must be seen. Nor is an opt-out that
// could be named only with another table's keys: nobody would be found by them.
func mayWait(c suppression.Change, why error) bool {
	return c.Action == suppression.Suppress && !errors.Is(why, contact.ErrForeignKeys)
}

// putAside has an opt-out wait for the store, and tells whether it does.
func (h Handler) putAside(ctx context.Context, log *slog.Logger, person contact.Contact, who contact.Known, c suppression.Change) bool {
	// The request's own time may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queuePatience)
	defer cancel()
	if err := h.queue(ctx, person, who, c); err != nil {
		log.ErrorContext(ctx, "opt-out not queued either", "error", err)
		return false
	}
	log.WarnContext(ctx, "opt-out queued")
	return true
}

// queue puts the opt-out into the queue. Where there are no keys, because they
// could not be proven, those of the unproven set do: whoever takes the opt-out
// out again proves them.
func (h Handler) queue(ctx context.Context, person contact.Contact, who contact.Known, c suppression.Change) error {
	if len(who.Keys) == 0 {
		set, err := h.Keys.Unproven(ctx)
		if err != nil {
			return fmt.Errorf("getting the unproven contact keys: %w", err)
		}
		if who, err = set.Known(person); err != nil {
			return err
		}
	}
	return h.Outage.Put(ctx, outage.Of(who, c))
}

// queued answers that an opt-out is not stored yet, but will be.
func queued(page pages.Reader, s pages.Subject, w wish) gateway.Response {
	if w.page {
		return page.Queued(s)
	}
	return page.Text(http.StatusServiceUnavailable, "Not stored yet. It is noted and will be carried out shortly.")
}

// later answers that nothing could be stored.
func later(page pages.Reader, w wish) gateway.Response {
	if w.page {
		return page.Later(w.action)
	}
	return page.Text(http.StatusServiceUnavailable, "Not stored. Please send it again.")
}
