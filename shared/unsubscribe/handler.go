// Package unsubscribe answers the links in messages: the same answers behind
// both channels' doors. It promises that an opt-out is never refused: any POST
// to a valid link opts out, whatever its body, except the page's own undo, and
// 200 is said only once the opt-out is stored. One that the store does not take
// is queued, and carried out once it does. It promises that nothing but a
// POST writes, that what is wrong with a bad link cannot be learnt, and that
// neither address nor token is logged. What a change does to a contact is
// decided by package suppression.
package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// How long things may take. Together they stay well below the functions' time
// limit: past that a caller would get a bare error, no Retry-After.
const (
	// patience is for one request, but for the queue.
	patience = 5 * time.Second
	// storePatience is for one thing asked of the store. While it hangs, every
	// opt-out holds one of the function's places for so long.
	storePatience = 2 * time.Second
	// queuePatience is for putting aside what the store did not take.
	queuePatience = 2 * time.Second
)

// Keys opens links and names contacts (keys.Ring).
type Keys interface {
	Link(ctx context.Context) (*link.Keys, error)
	RefreshLink(ctx context.Context, now time.Time) (*link.Keys, error)
	Contact(ctx context.Context) (*contact.KeySet, error)
	Unproven(ctx context.Context) (*contact.KeySet, error)
}

// Queue is the outage queue, for opt-outs that the store does not take. Once
// Put has returned without an error, the opt-out is durable.
type Queue interface {
	Put(ctx context.Context, o outage.OptOut) error
}

// Handler answers links. Every field is needed. Channel is the one whose links
// lead to it; a link of the other channel that the gateway sends here, because
// of a slash too many, is answered too.
type Handler struct {
	Channel contact.Channel
	Keys    Keys
	List    suppression.List
	Outage  Queue
	Scopes  *scope.Registry
	Pages   *pages.Pages
	Log     *slog.Logger
	Now     func() time.Time
}

// errUnlisted means that a genuine link names a scope which is not in our
// scopes.yaml: an older edition of it was deployed over a younger one.
var errUnlisted = errors.New("the link's scope is not in scopes.yaml")

// Serve answers one request. It never returns an error.
func (h Handler) Serve(ctx context.Context, req gateway.Request) (gateway.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	page := h.Pages.For(gateway.Request{})
	answer := func(ctx context.Context, req gateway.Request) (gateway.Response, error) {
		page = h.Pages.For(req)
		return h.answer(ctx, page, req), nil
	}
	// Not page.Failed itself: page is the reader's only once the request was read.
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
	subject, err := h.open(ctx, req)
	switch {
	case errors.Is(err, link.ErrForged):
		return h.refuse(ctx, page)
	case err != nil:
		h.Log.ErrorContext(ctx, "link not opened", "channel", h.Channel, "error", err)
		return page.Later("")
	}
	return page.Ask(subject)
}

func (h Handler) post(ctx context.Context, page pages.Reader, req gateway.Request) gateway.Response {
	body, bodyErr := gateway.Body(req, maxBody)
	wish := read(req.Headers["content-type"], req.Headers["accept"], body)
	subject, err := h.open(ctx, req)
	switch {
	case errors.Is(err, link.ErrForged) && errors.Is(bodyErr, gateway.ErrTooLarge):
		return page.Text(http.StatusRequestEntityTooLarge, "The body is too large.")
	case errors.Is(err, link.ErrForged):
		return h.refuse(ctx, page)
	case err != nil:
		h.Log.ErrorContext(ctx, "link not opened", "channel", h.Channel, "error", err)
		return later(page, wish)
	}
	return h.carryOut(ctx, page, subject, wish)
}

// refuse is the one answer to a bad link.
func (h Handler) refuse(ctx context.Context, page pages.Reader) gateway.Response {
	h.Log.InfoContext(ctx, "link refused", "channel", h.Channel)
	return page.NotFound()
}

// open returns whom the link concerns. Its error is link.ErrForged for a link
// that is not ours; any other means that we could not tell.
func (h Handler) open(ctx context.Context, req gateway.Request) (pages.Subject, error) {
	ch, token, err := link.Parse(req.RawPath)
	if err != nil {
		return pages.Subject{}, err
	}
	keys, err := h.Keys.Link(ctx)
	if err != nil {
		return pages.Subject{}, fmt.Errorf("getting the link keys: %w", err)
	}
	target, err := keys.Open(ch, token)
	if errors.Is(err, link.ErrUnknownKey) {
		// A key set may have grown since this container read it.
		if keys, err = h.Keys.RefreshLink(ctx, h.Now()); err != nil {
			return pages.Subject{}, fmt.Errorf("refreshing the link keys: %w", err)
		}
		target, err = keys.Open(ch, token)
	}
	if err != nil {
		return pages.Subject{}, err
	}
	entry, listed := h.Scopes.ByID(target.ScopeID)
	brand, brandListed := h.Scopes.Lookup(entry.Scope.Brand())
	if !listed || !brandListed {
		return pages.Subject{}, fmt.Errorf("%w: id %d", errUnlisted, target.ScopeID)
	}
	return pages.Subject{Contact: target.Contact, Entry: entry, Brand: brand}, nil
}
