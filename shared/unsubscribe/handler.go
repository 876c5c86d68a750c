// Package unsubscribe answers the links in messages, alike for both channels. It
// promises that an opt-out is never refused: every POST to a valid link opts out,
// with any body but the page's own undo, and the answer is 200 only after the
// opt-out is stored. An opt-out that the store does not take goes to the outage
// queue, and is carried out after the outage. It promises that only a POST
// writes, that the answer to a bad link does not say what is wrong with it, and
// that neither address nor token is logged. Package suppression decides what a
// change does to a contact.
package unsubscribe

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/link"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// Time limits. With the time of the outage queue, that of a request stays well below
// the functions' own limit, after which the caller would get a bare error without
// Retry-After.
const (
	patience      = 5 * time.Second        // for a request without the outage queue
	storePatience = 2 * time.Second        // for one reading of the store, which may hang
	statePatience = 300 * time.Millisecond // for the state of a contact, which a page may lack
)

// Handler answers links. Every field is needed. Channel is the one whose links
// lead to it; a link of the other channel that the gateway sends here, because
// of a slash too many, is answered too.
type Handler struct {
	Links
	Channel contact.Channel
	List    suppression.List // read
	Store   outage.Store     // written
	// Tell tells webhooks, with the address, what a person changed through a link.
	Tell  func(ctx context.Context, person contact.Contact, e ledger.Entry) error
	Pages *pages.Pages
	Log   *slog.Logger
	Now   func() time.Time
	Zone  *time.Location // whose dates the pages name
}

// Serve answers one request. It never returns an error.
func (h Handler) Serve(ctx context.Context, req gateway.Request) (gateway.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	page := h.Pages.For(gateway.Request{})
	answer := func(ctx context.Context, req gateway.Request) (gateway.Response, error) {
		page = h.Pages.For(req)
		return h.answer(ctx, page, req), nil
	}
	// Not page.Failed itself: the request replaces page.
	failed := func() gateway.Response { return page.Failed() } //nolint:gocritic
	return gateway.Recovered(h.Log, answer, failed)(ctx, req)
}

func (h Handler) answer(ctx context.Context, page pages.Reader, req gateway.Request) gateway.Response {
	switch req.RequestContext.HTTP.Method {
	case http.MethodGet:
		return h.get(ctx, page, req)
	case http.MethodHead:
		resp := h.get(ctx, page, req)
		resp.Body = ""
		return resp
	case http.MethodPost:
		return h.post(ctx, page, req)
	case http.MethodOptions:
		return page.Options(http.StatusNoContent)
	}
	return page.Options(http.StatusMethodNotAllowed)
}

func (h Handler) get(ctx context.Context, page pages.Reader, req gateway.Request) gateway.Response {
	subject, err := h.open(ctx, req.RawPath, h.Now())
	switch {
	case errors.Is(err, link.ErrForged):
		return h.refuse(ctx, page)
	case err != nil:
		h.Log.ErrorContext(ctx, "link not opened", "channel", h.Channel, "error", err)
		return page.Unopened(h.Channel)
	}
	return h.show(ctx, page, subject)
}

func (h Handler) post(ctx context.Context, page pages.Reader, req gateway.Request) gateway.Response {
	body, bodyErr := gateway.Body(req, maxBody)
	wish := read(req.Headers["content-type"], req.Headers["accept"], body)
	subject, err := h.open(ctx, req.RawPath, h.Now())
	var resp gateway.Response
	if err == nil {
		resp, err = h.carryOut(ctx, page, subject, wish)
	}
	switch {
	case errors.Is(err, link.ErrForged) && errors.Is(bodyErr, gateway.ErrTooLarge):
		return page.Text(http.StatusRequestEntityTooLarge, "The body is too large.")
	case errors.Is(err, link.ErrForged):
		return h.refuse(ctx, page)
	case err != nil:
		return h.keep(ctx, page, req.RawPath, wish, err)
	}
	return resp
}

// refuse gives the same answer to every bad link.
func (h Handler) refuse(ctx context.Context, page pages.Reader) gateway.Response {
	h.Log.InfoContext(ctx, "link refused", "channel", h.Channel)
	return page.NotFound()
}
