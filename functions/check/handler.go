package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// list is the suppression list, read strongly.
type list interface {
	Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error)
}

// handler answers whether messages may be sent. It writes nothing.
type handler struct {
	keys   contact.KeySource
	list   list
	scopes *scope.Registry
	now    func() time.Time
	log    *slog.Logger
}

type request struct {
	Scope    string        `json:"scope"`
	Purpose  string        `json:"purpose"`
	Contacts []api.Contact `json:"contacts"`
}

type response struct {
	AsOf    time.Time `json:"asOf"`
	Results []result  `json:"results"`
}

type result struct {
	Send   bool        `json:"send"`
	Reason string      `json:"reason,omitempty"`
	Scope  scope.Scope `json:"scope,omitempty"`
	Since  time.Time   `json:"since,omitzero"`
	Key    contact.Key `json:"key,omitempty"`
}

// Reasons not to send that are not a suppression, beside api.InvalidAddress.
const (
	unknownScope = "unknown-scope"
	unreadable   = "unreadable"
)

func (h handler) call() api.Call { return api.Handle(h.check) }

func (h handler) check(ctx context.Context, tool access.Tool, asked request, faults *api.Invalid) (any, error) {
	purpose, ok := suppression.ParsePurpose(asked.Purpose)
	if !ok {
		faults.Add("/purpose", `must be "marketing" or "transactional"`)
	}
	contacts, err := api.Parse(ctx, h.keys, asked.Contacts, faults)
	if err != nil {
		return nil, err
	}
	in, known := h.scope(asked.Scope)
	if err := h.allowed(tool, purpose, in, known); err != nil {
		return nil, err
	}
	now := h.now()
	if purpose == suppression.Transactional {
		countTransactional(ctx, h.log, tool.Name, len(contacts), now)
	}
	answer := response{AsOf: now.UTC(), Results: make([]result, len(contacts))}
	if !known {
		for i, c := range contacts {
			answer.Results[i] = result{Reason: unknownScope, Key: c.Key()}
		}
		return answer, nil
	}
	return answer, h.decide(ctx, contacts, purpose, in, answer.Results)
}

// scope returns the scope to decide in: every scope for a request that names
// none, so that an opt-out anywhere counts.
func (h handler) scope(named string) (in scope.Scope, known bool) {
	if in = scope.Scope(named); in == "" || in == scope.Everywhere {
		return scope.Everywhere, true
	}
	_, known = h.scopes.Lookup(in)
	return in, known
}

// allowed checks the request against the key. For an unknown scope only the
// rights count, because the answer is a no. If there is only one brand, its key
// may ask about every scope.
func (h handler) allowed(tool access.Tool, purpose suppression.Purpose, in scope.Scope, known bool) error {
	needed := []access.Right{access.Check}
	if purpose == suppression.Transactional {
		needed = append(needed, access.Transactional)
	}
	if only, ok := h.scopes.Only(); ok && in == scope.Everywhere {
		in = only.Scope
	}
	for _, right := range needed {
		if !known && slices.Contains(tool.Rights, right) {
			continue
		}
		if err := tool.May(right, in); err != nil {
			return err
		}
	}
	return nil
}

// decide fills in the result of every contact.
func (h handler) decide(ctx context.Context, contacts api.Contacts, purpose suppression.Purpose, in scope.Scope, results []result) error {
	keys := make([][]contact.Key, len(contacts))
	for i, c := range contacts {
		keys[i] = c.Keys
	}
	found, err := h.list.Lookup(ctx, keys)
	if err != nil {
		return err
	}
	for i, c := range contacts {
		switch {
		case !c.Valid():
			results[i] = result{Reason: api.InvalidAddress}
		case found[i].Err != nil:
			results[i] = result{Reason: unreadable, Key: c.Key()}
		default:
			d := suppression.Decide(found[i].Item, purpose, in)
			results[i] = result{Send: d.Send, Reason: string(d.Reason), Scope: d.Scope, Since: d.Since, Key: c.Key()}
		}
	}
	return nil
}
