package unsubscribe

import (
	"context"
	"errors"
	"slices"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/pages"
)

// show answers a GET with the state of the contact. A page must not wait for the
// store: without an answer in time the page asks as if nothing was known.
func (h Handler) show(ctx context.Context, page pages.Reader, s pages.Subject) gateway.Response {
	if s.Entry.Scope != s.Brand.Scope {
		s.Group = nil // a topic's page offers the topic and the brand
	}
	item, err := h.stateSoon(ctx, s.Contact)
	if err != nil {
		h.Log.WarnContext(ctx, "state not read", "channel", h.Channel, "error", err)
		return page.Ask(s, pages.Unknown, false)
	}
	link, now := s.Entry.Scope, h.Now()
	stops := func(in scope.Entry) bool { return !sends(item, in.Scope) }
	if !slices.ContainsFunc(s.Group, func(brand scope.Entry) bool { return !stops(brand) }) {
		s.Group = nil // nothing is left to stop
	}
	if stops(s.Entry) {
		undo := undoes(item, link, []scope.Scope{link}, now)
		if stops(s.Brand) {
			s.Entry = s.Brand // the wider silence
		}
		since := suppression.Decide(item, suppression.Marketing, s.Entry.Scope).Since
		if !since.IsZero() {
			since = since.In(h.Zone)
		}
		return page.Stands(s, pages.Standing{Since: since, Undoable: len(undo) > 0})
	}
	var stopped []scope.Scope
	for _, topic := range s.Topics {
		if stops(topic) {
			s.Stopped, stopped = append(s.Stopped, topic), append(stopped, topic.Scope)
		}
	}
	s.Topics = slices.DeleteFunc(s.Topics, stops)
	return page.Ask(s, pages.Open, len(undoes(item, link, stopped, now)) > 0)
}

// errHangs means that the store timed out lately.
var errHangs = errors.New("the store hangs, and a page does not wait for it")

// stateSoon is state for a page, which may lack it.
func (h Handler) stateSoon(ctx context.Context, person contact.Contact) (suppression.Item, error) {
	if h.Store.Breaker.Rests(h.Now()) {
		return suppression.Item{}, errHangs
	}
	ctx, cancel := context.WithTimeout(ctx, statePatience)
	defer cancel()
	return h.state(ctx, person)
}

// state reads, strongly, what the list holds of a contact.
func (h Handler) state(ctx context.Context, person contact.Contact) (suppression.Item, error) {
	who, err := h.Store.Known(ctx, person)
	if err != nil {
		return suppression.Item{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	return h.List.Get(ctx, who.Keys)
}
