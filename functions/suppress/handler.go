package main

import (
	"context"
	"net/http"
	"time"

	"stille/shared/access"
	"stille/shared/apigw"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/toolapi"
)

// list is the suppression list.
type list interface {
	Apply(ctx context.Context, keys []contact.Key, ch contact.Channel, c suppression.Change, now time.Time) (suppression.Outcome, error)
}

// handler adds contacts to the list.
type handler struct {
	keys   toolapi.ContactKeys
	list   list
	scopes *scope.Registry
	now    func() time.Time
}

type request struct {
	Scope    string            `json:"scope"`
	Reason   string            `json:"reason"`
	Contacts []toolapi.Contact `json:"contacts"`
	At       apigw.Time        `json:"at"`
	Note     string            `json:"note"`
}

type response struct {
	Results []result `json:"results"`
}

type result struct {
	Added  bool        `json:"added"`
	Reason string      `json:"reason,omitempty"` // why it could not be
	Key    contact.Key `json:"key,omitempty"`
}

func (h handler) suppress(ctx context.Context, tool access.Tool, req apigw.Request) (apigw.Response, error) {
	now := h.now()
	var asked request
	faults, err := toolapi.Read(req, &asked)
	if err != nil {
		return apigw.Response{}, err
	}
	faults.Count("/contacts", len(asked.Contacts), toolapi.MaxContacts)
	change := asked.change(h.scopes, tool, now, &faults)
	contacts, err := toolapi.Parse(ctx, h.keys, asked.Contacts, &faults)
	if err != nil {
		return apigw.Response{}, err
	}
	if err := tool.May(access.Suppress, change.Scope); err != nil {
		return apigw.Response{}, err
	}
	results, err := toolapi.Each(ctx, contacts, func(ctx context.Context, c toolapi.Parsed) (result, error) {
		return h.apply(ctx, c, change, now)
	})
	if err != nil {
		return apigw.Response{}, err
	}
	return apigw.JSON(http.StatusOK, response{Results: results}), nil
}

// change is what is to happen to every contact of the request.
func (r request) change(scopes *scope.Registry, tool access.Tool, now time.Time, faults *toolapi.Invalid) suppression.Change {
	reason, ok := suppression.ParseReason(r.Reason)
	if !ok || reason == suppression.Erasure {
		faults.Add("/reason", "must be unsubscribed, stop, manual, objection, complaint, hard-bounce or imported")
	}
	at := now
	if r.At.Given {
		at = r.At.Time
	}
	if at.After(now) || at.Year() < 1970 {
		faults.Add("/at", "must not be in the future, nor before 1970")
	}
	if r.Note != "" {
		if err := retention.ParseReference(r.Note); err != nil {
			faults.Add("/note", retention.ErrReference.Error())
		}
	}
	return suppression.Change{
		Action: suppression.Suppress, Scope: toolapi.Scope(scopes, r.Scope, faults), Reason: reason, At: at,
		Source: suppression.SourceTool + suppression.Source(":"+tool.Name), Note: r.Note,
	}
}

// apply writes one contact.
func (h handler) apply(ctx context.Context, c toolapi.Parsed, change suppression.Change, now time.Time) (result, error) {
	if !c.Valid() {
		return result{Reason: toolapi.InvalidAddress}, nil
	}
	outcome, err := h.list.Apply(ctx, c.Keys, c.Contact.Channel(), change, now)
	return result{Added: outcome.Effect == suppression.Added, Key: c.Key()}, err
}
