package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// list is the suppression list, read strongly.
type list interface {
	Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error)
}

// records are the class tables, read strongly.
type records interface {
	Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error)
}

// handler answers whether messages may be sent. It writes nothing.
type handler struct {
	keys    contact.KeySource
	list    list
	records records
	scopes  *scope.Registry
	policy  *retention.Policy
	now     func() time.Time
	log     *slog.Logger
}

type request struct {
	Scope    string          `json:"scope"`
	Purpose  string          `json:"purpose"`
	Require  json.RawMessage `json:"require"` // raw, because null is no way to leave it out
	Contacts []api.Contact   `json:"contacts"`
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

	Basis      retention.Basis `json:"basis,omitempty"`
	BasisUntil string          `json:"basisUntil,omitempty"` // absent while the service of a customer runs
	Evidence   string          `json:"evidence,omitempty"`   // the id of the record that holds the basis
}

// requireBasis is what a request may require, as JSON: that marketing rests on a
// basis.
const requireBasis = `"basis"`

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
	if asked.Require != nil && string(asked.Require) != requireBasis {
		faults.Add("/require", `must be "basis", or left out`)
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
	found, err := h.decide(ctx, contacts, purpose, in, answer.Results)
	if err == nil && purpose == suppression.Marketing && asked.Require != nil {
		err = h.demand(ctx, contacts, found, in, now, answer.Results)
	}
	return answer, err
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

// decide fills in the result of every contact, and returns what the list says of
// the contacts.
func (h handler) decide(
	ctx context.Context, contacts api.Contacts, purpose suppression.Purpose, in scope.Scope, results []result,
) ([]suppression.Found, error) {
	keys := make([][]contact.Key, len(contacts))
	for i, c := range contacts {
		keys[i] = c.Keys
	}
	found, err := h.list.Lookup(ctx, keys)
	if err != nil {
		return nil, err
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
	return found, nil
}

// demand turns a yes into a no where marketing rests on no live basis, and names
// the basis of every other yes. A request without a scope asks about the one brand
// there is; with several brands no record covers the request.
func (h handler) demand(
	ctx context.Context, contacts api.Contacts, found []suppression.Found, in scope.Scope, now time.Time, results []result,
) error {
	if only, ok := h.scopes.Only(); ok && in == scope.Everywhere {
		in = only.Scope
	}
	var open []int // the places of the contacts that no opt-out stops
	var keys [][]contact.Key
	for i, c := range contacts {
		if results[i].Send {
			open, keys = append(open, i), append(keys, c.Keys)
		}
	}
	if len(open) == 0 {
		return nil
	}
	said := make([]suppression.Evidence, len(open))
	class, kept := h.policy.Class(retention.Messaging)
	if kept {
		var err error
		if said, err = h.records.Evidence(ctx, class.Name, keys, slices.Compact([]scope.Scope{in, in.Brand()})); err != nil {
			return err
		}
	}
	for n, i := range open {
		b := suppression.DecideBasis(found[i].Item, said[n], class, in, now)
		results[i].Send, results[i].Reason = b.Reason == "", b.Reason
		results[i].Basis, results[i].BasisUntil, results[i].Evidence = b.Basis, b.Until, b.Record
	}
	return nil
}
