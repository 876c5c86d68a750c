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

// errQueued means that a change was not stored and waits in the outage queue.
var errQueued = errors.New("the opt-out waits in the outage queue")

// isQueueable reports whether a change that was not stored may be made later. An
// undo must not: a person must see the end of the silence at once. Nor an opt-out
// named by another table's keys: a lookup by them would find nobody.
func isQueueable(c suppression.Change, why error) bool {
	return c.Action == suppression.Suppress && !errors.Is(why, contact.ErrForeignKeys)
}

// queue puts an opt-out into the outage queue, and reports whether it is there.
func (h Handler) queue(ctx context.Context, log *slog.Logger, person contact.Contact, who contact.Known, c suppression.Change) bool {
	// The time of the request may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queuePatience)
	defer cancel()
	if err := h.send(ctx, person, who, c); err != nil {
		log.ErrorContext(ctx, "opt-out not queued either", "error", err)
		return false
	}
	log.WarnContext(ctx, "opt-out queued")
	return true
}

// send sends the opt-out to the outage queue. Without proven keys it uses the
// unproven set; the function that carries out the opt-out proves the keys.
func (h Handler) send(ctx context.Context, person contact.Contact, who contact.Known, c suppression.Change) error {
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

// queued answers that an opt-out is in the outage queue.
func queued(page pages.Reader, s pages.Subject, w wish) gateway.Response {
	if w.page {
		return page.Queued(s)
	}
	return page.Text(http.StatusServiceUnavailable, "Not stored yet. It is noted and will be carried out shortly.")
}

// later answers that the change is neither stored nor queued.
func later(page pages.Reader, w wish) gateway.Response {
	if w.page {
		return page.Later(w.action, w.topic)
	}
	return page.Text(http.StatusServiceUnavailable, "Not stored. Please send it again.")
}
