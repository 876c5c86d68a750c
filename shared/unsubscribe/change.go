package unsubscribe

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/link"
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
		if err := h.Tell(ctx, person, *outcome.Entry); err != nil {
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

// maxBody is the longest body that is read: far longer than a one-click request
// or the page's form. A longer body counts as unreadable.
const maxBody = 4 << 10

// errUnreadable means that the form fields of a body cannot be read.
var errUnreadable = errors.New("no readable form")

// wish is the request in the body of a POST.
type wish struct {
	action   string // of package pages
	topic    string // of pages.UnsubscribeTopic, as it was sent
	oneClick bool   // RFC 8058
	page     bool   // a person waits for a page, not a machine for a status
}

func (w wish) source() suppression.Source {
	if w.oneClick {
		return suppression.SourceOneClick
	}
	return suppression.SourceLink
}

// read never fails: a body that it cannot understand is a wish to unsubscribe.
// Only the exact form of the page's undo is a wish to resubscribe, and only a
// form that names no other action is a wish to stop a topic alone.
func read(contentType, accept string, body []byte) wish {
	values, err := fields(contentType, body)
	w := wish{action: pages.Unsubscribe}
	for name := range values {
		w.oneClick = w.oneClick || strings.EqualFold(name, "List-Unsubscribe")
	}
	actions := values["action"]
	only := func(action string) bool { return err == nil && !w.oneClick && slices.Equal(actions, []string{action}) }
	switch {
	case slices.Contains(actions, pages.UnsubscribeGroup):
		w.action = pages.UnsubscribeGroup
	case slices.Contains(actions, pages.UnsubscribeAll):
		w.action = pages.UnsubscribeAll
	case only(pages.UnsubscribeTopic):
		w.action = pages.UnsubscribeTopic
		if topics := values["topic"]; len(topics) == 1 {
			w.topic = strings.ToLower(strings.TrimSpace(topics[0]))
		}
	case only(pages.Resubscribe) && len(values) == 1:
		w.action = pages.Resubscribe
	}
	w.page = !w.oneClick && (len(actions) > 0 || strings.Contains(strings.ToLower(accept), "text/html"))
	return w
}

// fields returns the form fields of a body, after an error those that were read.
func fields(contentType string, body []byte) (url.Values, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	switch {
	case mediaType == "application/x-www-form-urlencoded":
		// This type has no parameter that matters.
		return url.ParseQuery(string(body))
	case err != nil || mediaType != "multipart/form-data":
		return nil, errUnreadable
	}
	form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(maxBody)
	switch {
	case err != nil:
		return nil, errUnreadable
	case len(form.File) > 0:
		return form.Value, errors.Join(errUnreadable, form.RemoveAll())
	}
	return form.Value, nil
}

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
