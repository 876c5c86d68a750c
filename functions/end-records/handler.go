package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
)

// maxIDs is how many records one call names; contacts have toolapi's limit.
const maxIDs = 1000

// records are the class tables.
type records interface {
	OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error)
	End(ctx context.Context, class, id string, decide func(stored retention.Record) (retention.Record, error)) error
}

// handler writes when records ended, or that they run again.
type handler struct {
	keys    api.ContactKeys
	records records
	scopes  *scope.Registry
	policy  *retention.Policy
	now     func() time.Time
}

type request struct {
	Class    string        `json:"class"`
	At       gateway.Time  `json:"at"` // null: they run again
	IDs      []string      `json:"ids"`
	Scope    string        `json:"scope"` // of the contacts' records
	Contacts []api.Contact `json:"contacts"`
}

type response struct {
	Results []result `json:"results"`
}

type result struct {
	Updated bool        `json:"updated"`          // true also where it stood so already
	Reason  string      `json:"reason,omitempty"` // why not
	Key     contact.Key `json:"key,omitempty"`    // of a contact
}

func (h handler) end(ctx context.Context, tool access.Tool, req gateway.Request) (gateway.Response, error) {
	now := h.now()
	var asked request
	faults, err := api.Read(req, &asked)
	if err != nil {
		return gateway.Response{}, err
	}
	class, ok := h.policy.Class(asked.Class)
	if !ok {
		faults.Add("/class", "is not a class of the retention policy")
	}
	asked.checkTime(now, &faults)
	in := asked.checkNamed(h.scopes, &faults)
	contacts, err := api.Parse(ctx, h.keys, asked.Contacts, &faults)
	if err != nil {
		return gateway.Response{}, err
	}
	if err := mayAny(tool, in); err != nil {
		return gateway.Response{}, err
	}
	w := word{records: h.records, class: class, tool: tool, scope: in, at: asked.At, now: now}
	var answer response
	if len(contacts) > 0 {
		answer.Results, err = api.Each(ctx, contacts, w.onContact)
	} else {
		answer.Results, err = api.Each(ctx, asked.IDs, w.onID)
	}
	if err != nil {
		return gateway.Response{}, err
	}
	return gateway.JSON(http.StatusOK, answer), nil
}

// checkTime notes what is wrong with the time. It is never left out by
// mistake: absent and null are two things here.
func (r request) checkTime(now time.Time, faults *api.Invalid) {
	switch {
	case !r.At.Given:
		faults.Add("/at", "must be given: a time, or null for records that run again")
	case !r.At.Null && !retention.PlausibleStart(r.At.Time, now):
		faults.Add("/at", "must not be before 2000 or more than a day ahead")
	}
}

// checkNamed notes what is wrong with the records that are named, by their ids
// or by scope and contacts, and returns the scope; "" for ids.
func (r request) checkNamed(scopes *scope.Registry, faults *api.Invalid) scope.Scope {
	if r.Contacts == nil {
		faults.Count("/ids", len(r.IDs), maxIDs)
		for i, id := range r.IDs {
			if !retention.MayShowID(id) {
				faults.Add(fmt.Sprintf("/ids/%d", i), "is not an id that a record can be stored by")
			}
		}
		if r.Scope != "" {
			faults.Add("/scope", "is for contacts; a record that is named by its id has its own")
		}
		return ""
	}
	if r.IDs != nil {
		faults.Add("/ids", "must not be given beside contacts")
	}
	faults.Count("/contacts", len(r.Contacts), api.MaxContacts)
	return api.Scope(scopes, r.Scope, faults)
}

// mayAny tells whether the key may end records in the scope, or, where records
// are named by their ids, in any scope at all.
func mayAny(tool access.Tool, in scope.Scope) error {
	if in == "" && len(tool.Scopes) > 0 {
		in = tool.Scopes[0]
	}
	return tool.May(access.Records, in)
}
