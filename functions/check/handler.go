package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/aws/emf"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// handler answers whether messages may be sent. It writes nothing.
type handler struct {
	keys    contact.KeySource
	checker suppression.Checker
	scopes  *scope.Registry
	now     func() time.Time
	log     *slog.Logger
}

type request struct {
	Scope    string          `json:"scope"`
	Purpose  string          `json:"purpose"`
	Require  json.RawMessage `json:"require"` // raw, because "" is no way to leave it out
	Contacts []api.Contact   `json:"contacts"`
}

type response struct {
	AsOf    time.Time `json:"asOf"`
	Results []result  `json:"results"`
}

type result = suppression.Verdict

// requireBasis is what a request may require, as JSON: that marketing rests on a
// basis.
const requireBasis = `"basis"`

func (h handler) call() api.Call { return api.Handle(h.check) }

func (h handler) check(ctx context.Context, tool access.Tool, asked request, faults *api.Invalid) (any, error) {
	purpose, ok := suppression.ParsePurpose(asked.Purpose)
	if !ok {
		faults.Add("/purpose", `must be "marketing" or "transactional"`)
	}
	required := string(asked.Require) == requireBasis
	if !required && asked.Require != nil && string(asked.Require) != "null" {
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
		// Marketing under this name is noticed: CloudWatch makes a metric, by tool, of the line.
		h.log.InfoContext(ctx, "transactional check", "tool", tool.Name, "TransactionalChecks", len(contacts), emf.Embedded(now, "tool", "TransactionalChecks"))
	}
	answer := response{AsOf: now.UTC()}
	if !known {
		for _, c := range contacts {
			answer.Results = append(answer.Results, result{Reason: suppression.UnknownScope, Key: c.Key()})
		}
		return answer, nil
	}
	question := suppression.Question{Purpose: purpose, Scope: in, Basis: h.scopes.BasisOf(in, required)}
	answer.Results, err = h.decide(ctx, contacts, question, now)
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

// decide returns the result of every contact.
func (h handler) decide(ctx context.Context, contacts api.Contacts, asked suppression.Question, now time.Time) ([]result, error) {
	keys := make([][]contact.Key, len(contacts))
	for i, c := range contacts {
		keys[i] = c.Keys
	}
	results, err := h.checker.Check(ctx, keys, asked, now)
	if err != nil {
		return nil, err
	}
	for i, c := range contacts {
		if results[i].Key = c.Key(); !c.Valid() {
			results[i] = result{Reason: suppression.InvalidAddress}
		}
	}
	return results, nil
}
