package unsubscribe

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// carryOut makes the wished changes and answers with their outcome. Its error wraps
// outage.ErrNameless: the link alone names the contact.
func (h Handler) carryOut(ctx context.Context, page pages.Reader, linked pages.Subject, w wish) (gateway.Response, error) {
	now := h.Now()
	if w.action == pages.Resubscribe {
		return h.undo(ctx, page, linked, w, now), nil
	}
	about := wished(linked, w)
	var item suppression.Item
	waits := false
	for _, c := range changes(linked, about, w, now) {
		after, err := h.change(ctx, linked.Contact, c, w, now)
		switch {
		case errors.Is(err, outage.ErrQueued):
			waits = true
		case errors.Is(err, outage.ErrNameless):
			return gateway.Response{}, err
		case err != nil:
			return later(page, w), nil
		}
		item = after
	}
	switch {
	case waits:
		return queued(page, page.Queued(about), w), nil
	case w.page:
		return page.Done(about, len(undoes(item, linked.Entry.Scope, about.Scopes(), now)) > 0), nil
	}
	return page.Text(http.StatusOK, "Unsubscribed."), nil
}

// wished is what the wish stops: what the link is about, or what else the page
// offers. What the page does not offer is what the link is about.
func wished(linked pages.Subject, w wish) pages.Subject {
	about := linked
	switch w.action {
	case pages.UnsubscribeAll:
		about.Entry = linked.Brand
	case pages.UnsubscribeGroup:
		about.Entry, about.Brands = linked.Brand, linked.Group
	case pages.UnsubscribeTopic:
		isWished := func(topic scope.Entry) bool {
			return w.topic == topic.Scope.Topic() || w.topic == string(topic.Scope)
		}
		if i := slices.IndexFunc(linked.Topics, isWished); i >= 0 {
			about.Entry = linked.Topics[i]
		}
	}
	return about
}

// changes are the opt-outs in every scope of the subject, first in the scope of
// the link: nobody may miss that one.
func changes(linked, about pages.Subject, w wish, at time.Time) []suppression.Change {
	var all []suppression.Change
	for _, in := range about.Scopes() {
		c := change(in, w, at)
		if linked.Entry.Scope.Topic() == "" && in != linked.Entry.Scope {
			c.Source = suppression.Through(linked.Entry.Scope)
		}
		if in == linked.Brand.Scope {
			all = slices.Insert(all, 0, c)
		} else {
			all = append(all, c)
		}
	}
	return all
}

// change makes one change. Its error wraps outage.ErrQueued where the change waits
// in the outage queue.
func (h Handler) change(ctx context.Context, person contact.Contact, c suppression.Change, w wish, now time.Time) (suppression.Item, error) {
	who, outcome, err := h.Store.Apply(ctx, person, c, now)
	log := h.Log.With("channel", h.Channel, "scope", c.Scope, "action", w.action, "oneClick", w.oneClick, "key", who.Newest().Short())
	switch {
	case errors.Is(err, outage.ErrQueued):
		log.WarnContext(ctx, "opt-out queued", "error", err)
		return outcome.Item, err
	case err != nil:
		log.ErrorContext(ctx, "change not stored", "error", err)
		return outcome.Item, err
	}
	log.InfoContext(ctx, "link used", "outcome", outcome.Effect)
	if outcome.Entry != nil {
		if err := h.Webhooks.Tell(ctx, person, *outcome.Entry); err != nil {
			log.WarnContext(ctx, "webhooks are told without the address", "error", err)
		}
	}
	return outcome.Item, nil
}

func change(in scope.Scope, w wish, at time.Time) suppression.Change {
	c := suppression.Change{
		Action: suppression.Suppress, Scope: in, Reason: suppression.Unsubscribed,
		At: at, Source: w.source(),
	}
	if w.action == pages.Resubscribe {
		c.Action = suppression.Undo
	}
	return c
}

// undo takes back everything that the link has stopped, and answers with the state
// after the undo: an older key, a wider scope or another reason may still stop the
// messages.
func (h Handler) undo(ctx context.Context, page pages.Reader, s pages.Subject, w wish, now time.Time) gateway.Response {
	link := s.Entry.Scope
	item, err := h.change(ctx, s.Contact, change(link, w, now), w, now)
	if err != nil {
		return later(page, w)
	}
	through := item.StoppedThrough(link)
	for _, in := range through {
		c := change(in, w, now)
		c.Source = suppression.Through(link)
		if _, err := h.change(ctx, s.Contact, c, w, now); err != nil {
			return later(page, w)
		}
	}
	if item, err = h.state(ctx, s.Contact); err != nil {
		h.Log.ErrorContext(ctx, "list not read", "channel", h.Channel, "error", err)
		return later(page, w)
	}
	if !sends(item, link) {
		return page.Kept(s)
	}
	s.Brands = slices.DeleteFunc(slices.Clone(s.Group), func(brand scope.Entry) bool {
		return brand.Scope != link && !(slices.Contains(through, brand.Scope) && sends(item, brand.Scope))
	})
	return page.Undone(s)
}

func sends(item suppression.Item, in scope.Scope) bool {
	return suppression.Decide(item, suppression.Marketing, in).Send
}

// undoes returns those of the scopes in which an undo through the link, a moment
// later, would start the messages again, so that the page offers no undo that would
// fail. An undo lifts what the link has stopped: a topic's link does not undo an
// opt-out of the brand.
func undoes(item suppression.Item, link scope.Scope, scopes []scope.Scope, now time.Time) []scope.Scope {
	soon := now.Add(time.Millisecond)
	undone := item
	for _, in := range append(item.StoppedThrough(link), link) {
		c := change(in, wish{action: pages.Resubscribe}, soon)
		if in != link {
			c.Source = suppression.Through(link)
		}
		var err error
		if undone, err = suppression.Foresee(undone, c, soon); err != nil {
			return nil
		}
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(in scope.Scope) bool { return sends(item, in) || !sends(undone, in) })
}
