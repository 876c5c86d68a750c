package main

import (
	"context"
	"fmt"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
)

// maxIDs is how many records one call names; contacts have the limit of package api.
const maxIDs = 1000

// records are the class tables.
type records interface {
	OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error)
	End(ctx context.Context, class, id string, decide func(stored retention.Record) (retention.Record, error)) error
}

// handler writes the end of records, or that they run again.
type handler struct {
	keys    contact.KeySource
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

type response = api.Results[result]

type result struct {
	Updated bool        `json:"updated"`          // true also if nothing had to change
	Reason  string      `json:"reason,omitempty"` // why not
	Key     contact.Key `json:"key,omitempty"`    // of a contact
}

func (h handler) call() api.Call { return api.Handle(h.end) }

func (h handler) end(ctx context.Context, tool access.Tool, asked request, faults *api.Invalid) (any, error) {
	u := update{records: h.records, tool: tool, at: asked.At, now: h.now()}
	var ok bool
	if u.class, ok = h.policy.Class(asked.Class); !ok {
		faults.Add("/class", "is not a class of the retention policy")
	}
	asked.checkTime(u.now, faults)
	if asked.Contacts == nil {
		return u.eachID(ctx, asked, faults)
	}
	if asked.IDs != nil {
		faults.Add("/ids", "must not be given beside contacts")
	}
	u.scope = api.Scope(h.scopes, asked.Scope, faults)
	contacts, err := api.Parse(ctx, h.keys, asked.Contacts, faults)
	if err != nil {
		return nil, err
	}
	if err := tool.May(access.Records, u.scope); err != nil {
		return nil, err
	}
	return api.EachContact(ctx, contacts, result{Reason: api.InvalidAddress}, u.contact)
}

// checkTime notes what is wrong with the time. Absent and null differ: null
// means that the records run again.
func (r request) checkTime(now time.Time, faults *api.Invalid) {
	switch {
	case !r.At.Given:
		faults.Add("/at", "must be given: a time, or null for records that run again")
	case !r.At.Null && !retention.PlausibleStart(r.At.Time, now):
		faults.Add("/at", "must not be before 2000 or more than a day ahead")
	}
}

// eachID updates the records that the request names by their ids. The key must
// allow records in some scope; each record's own scope is checked with it.
func (u update) eachID(ctx context.Context, asked request, faults *api.Invalid) (any, error) {
	faults.Count("/ids", len(asked.IDs), maxIDs)
	for i, id := range asked.IDs {
		if !retention.MayShowID(id) {
			faults.Add(fmt.Sprintf("/ids/%d", i), "is not an id that a record can be stored by")
		}
	}
	if asked.Scope != "" {
		faults.Add("/scope", "is for contacts; a record that is named by its id has its own")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	var in scope.Scope
	if len(u.tool.Scopes) > 0 {
		in = u.tool.Scopes[0]
	}
	if err := u.tool.May(access.Records, in); err != nil {
		return nil, err
	}
	results, err := api.Each(ctx, asked.IDs, u.id)
	return response{Results: results}, err
}
