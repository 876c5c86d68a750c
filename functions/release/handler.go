package main

import (
	"context"
	"errors"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/reference"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// handler lifts suppressions for which there is newer consent.
type handler struct {
	keys   contact.KeySource
	list   suppression.List
	scopes *scope.Registry
	now    func() time.Time
}

type request struct {
	Scope       string              `json:"scope"`
	Contacts    []api.Contact       `json:"contacts"`
	ConsentedAt *suppression.Moment `json:"consentedAt"`
	Evidence    string              `json:"evidence"`
}

type response = api.Results[result]

type result struct {
	Released bool        `json:"released"`
	Reason   string      `json:"reason,omitempty"` // why not
	Key      contact.Key `json:"key,omitempty"`
}

func (h handler) call() api.Call { return api.Handle(h.release) }

func (h handler) release(ctx context.Context, tool access.Tool, asked request, faults *api.Invalid) (any, error) {
	now := h.now()
	consent := asked.consent(h.scopes, tool, now, faults)
	contacts, err := api.Parse(ctx, h.keys, asked.Contacts, faults)
	if err != nil {
		return nil, err
	}
	if err := tool.May(access.Release, consent.Scope); err != nil {
		return nil, err
	}
	return api.EachContact(ctx, contacts, result{Reason: suppression.InvalidAddress}, func(ctx context.Context, c api.Parsed) (result, error) {
		return h.lift(ctx, c, consent, now)
	})
}

// consent returns the consent of every contact of the request. No part of it has
// a default: the request must name the scope even if there is only one brand.
func (r request) consent(scopes *scope.Registry, tool access.Tool, now time.Time, faults *api.Invalid) suppression.Consent {
	in := scope.Scope(r.Scope)
	if in == "" {
		faults.Add("/scope", "must be given")
	} else {
		in = api.Scope(scopes, r.Scope, faults)
	}
	at := now
	if r.ConsentedAt == nil {
		faults.Add("/consentedAt", "must be given")
	} else {
		var err error
		at, err = r.ConsentedAt.Consent(now)
		faults.Check("/consentedAt", err)
	}
	if r.Evidence == "" {
		faults.Add("/evidence", "must be given")
	} else {
		faults.Check("/evidence", reference.Check(r.Evidence))
	}
	return suppression.Consent{
		Scope: in, At: at.UTC(), Source: suppression.SourceTool + suppression.Source(":"+tool.Name), Evidence: r.Evidence,
	}
}

// lift releases one contact. A retry after a failed call answers "released" also
// for a contact that the failed call has released.
func (h handler) lift(ctx context.Context, c api.Parsed, consent suppression.Consent, now time.Time) (result, error) {
	refusal, _, err := suppression.Lift(ctx, h.list, c.Known, consent, now)
	if errors.Is(err, dynamo.ErrUnreadable) {
		// The contact stays suppressed, and does not fail the others.
		refusal, err = suppression.NeedsOperator, nil
	}
	return result{Released: refusal == "" && err == nil, Reason: string(refusal), Key: c.Key()}, err
}
