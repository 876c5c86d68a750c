package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"stille/shared/api"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

// handler takes the calls of providers.
type handler struct {
	hooks func(ctx context.Context) (hook.Registry, error)
	// apply stores a change. An opt-out that the list does not take is queued: then
	// the error wraps outage.ErrQueued.
	apply func(ctx context.Context, person contact.Contact, c suppression.Change, now time.Time) (contact.Known, suppression.Outcome, error)
	first func(ctx context.Context, id string, at, until, now time.Time) (time.Time, error) // remembers when an event was first taken
	park  func(ctx context.Context, value any, group string) error                          // keeps what a provider reports and nobody can read, for an operator
	log   *slog.Logger
	now   func() time.Time

	noted *hook.Sightings
}

// serve answers a call: 200 once every opt-out is stored or queued, 401 without a
// valid proof, 404 for a hook that was not added, 400 for a body that is not the
// provider's, 413 for a body over api.MaxBody, and 503 where the provider must
// call again.
func (h handler) serve(ctx context.Context, req gateway.Request) (gateway.Response, error) {
	now := h.now()
	name, in := path(req.RawPath)
	body, err := gateway.Body(req, api.MaxBody)
	if errors.Is(err, gateway.ErrTooLarge) {
		return answer(http.StatusRequestEntityTooLarge), nil
	}
	if err != nil {
		return answer(http.StatusBadRequest), nil
	}
	all, err := h.hooks(ctx)
	if err != nil {
		h.log.ErrorContext(ctx, "the hooks cannot be read", "error", err)
		return answer(http.StatusServiceUnavailable), nil
	}
	provider, err := hook.Find(name)
	known, added := all.ByID(hook.Hook{Provider: name, Scope: in}.ID())
	if err != nil || !added {
		return answer(http.StatusNotFound), nil
	}
	query, err := url.ParseQuery(req.RawQueryString)
	if err != nil {
		return answer(http.StatusUnauthorized), nil
	}
	call := hook.Request{URL: known.URL, Query: query, Header: req.Headers, Body: body}
	if method := req.RequestContext.HTTP.Method; method == http.MethodGet || method == http.MethodHead {
		return visit(provider, call, known, now), nil
	}
	if !provider.Proves(call, known.Secrets(now), now) {
		h.log.WarnContext(ctx, "a hook's call without a valid proof", "provider", name, "scope", string(in))
		return answer(http.StatusUnauthorized), nil
	}
	h.noted.Note(ctx, h.log, "hook/"+known.ID(), hook.Call{At: now})
	report, malformed := provider.Read(call, in, now)
	if malformed != nil {
		h.log.ErrorContext(ctx, "a hook's call that cannot be read", "provider", name, "scope", string(in), "error", malformed)
	}
	status := h.store(ctx, known, report, now)
	if malformed != nil && status == http.StatusOK {
		status = http.StatusBadRequest
	}
	return answer(status), nil
}

// visit answers a provider that tries the address before it calls.
func visit(p hook.Provider, call hook.Request, known hook.Hook, now time.Time) gateway.Response {
	switch {
	case !p.Visited:
		return answer(http.StatusMethodNotAllowed)
	case !p.Proves(call, known.Secrets(now), now):
		return answer(http.StatusUnauthorized)
	}
	return answer(http.StatusOK)
}

// store makes the changes of a report and returns the status that says so.
func (h handler) store(ctx context.Context, known hook.Hook, report hook.Report, now time.Time) int {
	people := byContact(report.Said)
	failures, err := api.Each(ctx, people, func(ctx context.Context, events []hook.Said) (error, error) {
		return h.person(ctx, events, now), nil
	})
	if err == nil {
		err = errors.Join(append(failures, h.keep(ctx, known, report.Unreadable, now))...)
	}
	level, status := slog.LevelInfo, http.StatusOK
	if len(report.Unreadable) > 0 {
		level = slog.LevelWarn
	}
	if err != nil {
		level, status = slog.LevelError, http.StatusServiceUnavailable
	}
	h.log.Log(ctx, level, "a hook's call", "provider", known.Provider, "scope", string(known.Scope), "contacts", len(people),
		"optOuts", len(report.Said), "counted", report.Counted, "unreadable", len(report.Unreadable), "error", err)
	return status
}

// unreadable is a message for an operator: entries of a hook's call, each in base64.
type unreadable struct {
	Provider string      `json:"provider"`
	Scope    scope.Scope `json:"scope"`
	At       time.Time   `json:"at"`
	Entries  [][]byte    `json:"entries"`
	Cut      bool        `json:"cut,omitempty"` // the entry goes on in another message
}

// mostUnread is how many bytes of entries one message holds: a queue takes 256 KB,
// and base64 needs four characters for three bytes.
const mostUnread = 160 << 10

// keep puts the unreadable entries into the dead-letter queue.
func (h handler) keep(ctx context.Context, known hook.Hook, entries []string, now time.Time) error {
	for len(entries) > 0 {
		message, size := unreadable{Provider: known.Provider, Scope: known.Scope, At: now.UTC()}, 0
		for len(entries) > 0 && !message.Cut && (size == 0 || size+len(entries[0]) <= mostUnread) {
			entry := entries[0]
			if message.Cut = len(entry) > mostUnread; message.Cut {
				entry, entries[0] = entry[:mostUnread], entry[mostUnread:]
			} else {
				entries = entries[1:]
			}
			message.Entries = append(message.Entries, []byte(entry))
			size += max(1, len(entry))
		}
		if err := h.park(ctx, message, ""); err != nil {
			return err
		}
	}
	return nil
}

// remembered is how long an event without a time is remembered: longer than any
// provider repeats it.
const remembered = 14 * 24 * time.Hour

// person makes the changes of one contact, in the order of the call.
func (h handler) person(ctx context.Context, events []hook.Said, now time.Time) error {
	for _, e := range events {
		at, err := h.time(ctx, e, now)
		if err != nil {
			return err
		}
		for _, c := range e.Changes {
			c.At = at
			if _, _, err := h.apply(ctx, e.Contact, c, now); err != nil && !errors.Is(err, outage.ErrQueued) {
				return err
			}
		}
	}
	return nil
}

// time is when an event happened. An event that carries no time happened when it
// first came: a repeated START must not lift a newer STOP. If the memory fails, an
// opt-out happened now, and a START is not taken.
func (h handler) time(ctx context.Context, e hook.Said, now time.Time) (time.Time, error) {
	at := e.Changes[0].At
	if e.ID == "" {
		return at, nil
	}
	first, err := h.first(ctx, string(e.Changes[0].Source)+"/"+e.ID, at, now.Add(remembered), now)
	if err != nil && !lifts(e) {
		return at, nil //nolint:nilerr // a doubt means silence
	}
	return first, err
}

func lifts(e hook.Said) bool { return e.Changes[0].Action != suppression.Suppress }

// byContact groups the events of each contact, in their order.
func byContact(said []hook.Said) [][]hook.Said {
	at := map[contact.Contact]int{}
	var groups [][]hook.Said
	for _, s := range said {
		i, seen := at[s.Contact]
		if !seen {
			i = len(groups)
			at[s.Contact] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	return groups
}

// path returns the provider and the scope of a path /in/{provider}/{scope}.
func path(raw string) (provider string, in scope.Scope) {
	_, rest, _ := strings.Cut(raw, "/in/")
	provider, named, _ := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if plain, err := url.PathUnescape(named); err == nil {
		named = plain
	}
	return provider, scope.Scope(named)
}

// answer is an answer without a body: providers read the status alone.
func answer(status int) gateway.Response {
	return gateway.Response{StatusCode: status, Headers: map[string]string{"cache-control": "no-store"}}
}
