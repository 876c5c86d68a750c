package main

import (
	"context"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/contact"
	"stille/shared/reference"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// handler adds contacts to the list.
type handler struct {
	keys   contact.KeySource
	store  func(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
	scopes *scope.Registry
	now    func() time.Time
}

type request struct {
	Scope    string              `json:"scope"`
	Reason   string              `json:"reason"`
	Contacts []api.Contact       `json:"contacts"`
	At       *suppression.Moment `json:"at"`
	Note     string              `json:"note"`
}

type response = api.Results[result]

type result struct {
	Added      bool        `json:"added"`
	Suppressed bool        `json:"suppressed"`       // the contact is now suppressed in the scope
	Reason     string      `json:"reason,omitempty"` // why the contact is not suppressed
	Key        contact.Key `json:"key,omitempty"`
}

// olderThanConsent is the reason where newer consent than the opt-out is known.
const olderThanConsent = "older-than-consent"

func (h handler) call() api.Call { return api.Handle(h.suppress) }

func (h handler) suppress(ctx context.Context, tool access.Tool, asked request, faults *api.Invalid) (any, error) {
	now := h.now()
	change := asked.change(h.scopes, tool, now, faults)
	contacts, err := api.Parse(ctx, h.keys, asked.Contacts, faults)
	if err != nil {
		return nil, err
	}
	if err := tool.May(access.Suppress, change.Scope); err != nil {
		return nil, err
	}
	return api.EachContact(ctx, contacts, result{Reason: suppression.InvalidAddress}, func(ctx context.Context, c api.Parsed) (result, error) {
		return h.apply(ctx, c, change, now)
	})
}

// change returns the change to make for every contact of the request.
func (r request) change(scopes *scope.Registry, tool access.Tool, now time.Time, faults *api.Invalid) suppression.Change {
	reason, err := suppression.ParseReported(r.Reason)
	faults.Check("/reason", err)
	at, err := r.At.OptOut(now)
	faults.Check("/at", err)
	if r.Note != "" {
		faults.Check("/note", reference.Check(r.Note))
	}
	return suppression.Change{
		Action: suppression.Suppress, Scope: api.Scope(scopes, r.Scope, faults), Reason: reason, At: at,
		Source: suppression.SourceTool + suppression.Source(":"+tool.Name), Note: r.Note,
	}
}

func (h handler) apply(ctx context.Context, c api.Parsed, change suppression.Change, now time.Time) (result, error) {
	outcome, err := h.store(ctx, c.Known, change, now)
	answer := result{Added: outcome.Effect == suppression.Added, Suppressed: outcome.Item.Suppresses(change.Scope), Key: c.Key()}
	if !answer.Suppressed {
		answer.Reason = olderThanConsent
	}
	return answer, err
}
