package unsubscribe

import (
	"context"
	"errors"
	"net/http"

	"stille/shared/api/gateway"
	"stille/shared/link"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// keep queues the opt-out of a link that cannot be opened now, or whose contact has no
// key: nobody repeats the call of a mail program.
func (h Handler) keep(ctx context.Context, page pages.Reader, path string, w wish, why error) gateway.Response {
	ch, token, err := link.Parse(path)
	if err == nil && w.action != pages.Resubscribe {
		why = h.Store.Keep(ctx, outage.OptOut{
			Link: &outage.Link{Token: token, Action: w.action, Topic: w.topic}, Channel: ch,
			Reason: suppression.Unsubscribed, Source: w.source(), At: h.Now().UTC(),
		}, why)
	}
	h.Log.ErrorContext(ctx, "link not opened", "channel", h.Channel, "queued", errors.Is(why, outage.ErrQueued), "error", why)
	if errors.Is(why, outage.ErrQueued) {
		return queued(page, page.Noted(), w)
	}
	return later(page, w)
}

// queued answers that an opt-out is in the outage queue: by the page to a person.
func queued(page pages.Reader, toPerson gateway.Response, w wish) gateway.Response {
	if w.page {
		return toPerson
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
