package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
)

// maxRecords is how many records one call stores.
const maxRecords = 100

// records are the class tables.
type records interface {
	Put(ctx context.Context, class string, record retention.Record, may func(stored retention.Record) error, only ...contact.Key) (retention.Outcome, error)
}

// handler stores records, which a purge deletes on their day.
type handler struct {
	keys    api.ContactKeys
	records records
	scopes  *scope.Registry
	policy  *retention.Policy
	now     func() time.Time
}

type request struct {
	Class   string   `json:"class"`
	Records []record `json:"records"`
}

type record struct {
	ID             string          `json:"id"`
	Contact        *api.Contact    `json:"contact"`
	Scope          string          `json:"scope"`
	Basis          string          `json:"basis"`
	OccurredAt     gateway.Time    `json:"occurredAt"`
	Start          gateway.Time    `json:"start"`
	LastActivityAt gateway.Time    `json:"lastActivityAt"`
	Objects        []string        `json:"objects"`
	Data           json.RawMessage `json:"data"`
}

type response struct {
	Results []result `json:"results"`
}

type result struct {
	Stored      bool        `json:"stored"`           // false also where a newer event of the same id is stored
	Reason      string      `json:"reason,omitempty"` // why it could not be
	DuplicateOf string      `json:"duplicateOf,omitempty"`
	Key         contact.Key `json:"key,omitempty"`
	KeptThrough string      `json:"keptThrough,omitempty"`
	DueFrom     time.Time   `json:"dueFrom,omitzero"`
}

func (h handler) record(ctx context.Context, tool access.Tool, req gateway.Request) (gateway.Response, error) {
	var asked request
	faults, err := api.Read(req, &asked)
	if err != nil {
		return gateway.Response{}, err
	}
	class, ok := h.policy.Class(asked.Class)
	if !ok {
		faults.Add("/class", "is not a class of the retention policy")
	}
	faults.Count("/records", len(asked.Records), maxRecords)
	set, err := h.keys.Contact(ctx)
	if err != nil {
		return gateway.Response{}, err
	}
	given := make([]parsed, len(asked.Records))
	for i, r := range asked.Records {
		if given[i], err = h.parse(class, r, fmt.Sprintf("/records/%d", i), set, &faults); err != nil {
			return gateway.Response{}, err
		}
	}
	if err := faults.Err(); err != nil {
		return gateway.Response{}, err
	}
	for _, r := range given {
		if err := allowed(tool, r.Record); err != nil {
			return gateway.Response{}, err
		}
	}
	answer := response{Results: make([]result, len(given))}
	for i, r := range given {
		if answer.Results[i], err = h.store(ctx, tool, class, r); err != nil {
			return gateway.Response{}, err
		}
	}
	return gateway.JSON(http.StatusOK, answer), nil
}

// parsed is a record with the live keys of its contact, if it is to be the only
// one that the contact has in the class and scope.
type parsed struct {
	retention.Record
	only []contact.Key
}

// parse reads one record and notes everything that is wrong with it.
func (h handler) parse(class retention.Class, r record, pointer string, set *contact.KeySet, faults *api.Invalid) (parsed, error) {
	parsed := parsed{Record: retention.Record{
		ID: r.ID, Basis: retention.Basis(r.Basis), OccurredAt: r.OccurredAt.Time, Start: r.Start.Time,
		LastActivityAt: r.LastActivityAt.Time, Objects: r.Objects, Data: r.Data,
	}}
	if r.OccurredAt.IsZero() {
		faults.Add(pointer+"/occurredAt", "must be given")
	}
	if r.Contact != nil {
		ch, err := contact.ParseChannel(r.Contact.Channel)
		if err != nil {
			faults.Add(pointer+"/contact/channel", `must be "email" or "sms"`)
		} else {
			one, err := api.ParseOne(ch, *r.Contact, set)
			if err != nil {
				return parsed, err
			}
			if !one.Valid() {
				faults.Add(pointer+"/contact/address", "is not an address of this channel")
			}
			parsed.Subject = one.Key()
			if len(one.Keys) > 1 {
				parsed.Former = one.Keys[1:]
			}
			if class.Name == retention.Messaging {
				parsed.only = one.Keys
			}
		}
	}
	if r.Scope != "" {
		entry, ok := h.scopes.Lookup(scope.Scope(r.Scope))
		if !ok {
			faults.Add(pointer+"/scope", "is not a scope of this system")
		}
		parsed.Scope = entry.Scope
	} else if only, ok := h.scopes.Only(); ok {
		parsed.Scope = only.Scope
	}
	for _, f := range class.Validate(parsed.Record, h.now()) {
		if f.Field == "contact" && r.Contact != nil {
			continue // it was given, and what is wrong with it is noted
		}
		faults.Add(pointer+"/"+f.Field, f.Detail)
	}
	return parsed, nil
}

// allowed holds a record against the key. One without a scope belongs to every
// controller.
func allowed(tool access.Tool, r retention.Record) error {
	in := r.Scope
	if in == "" {
		in = scope.Everywhere
	}
	return tool.May(access.Records, in)
}

// Reasons why one record of a call is not stored: what stands under its id is
// of a scope that the key lacks, cannot be read, or is being purged: its
// objects go, and those of a new one of that id would go with them. Or the
// contact has another record in this scope, which is the one to store over.
const (
	forbidden   = "forbidden"
	unreadable  = "unreadable"
	beingPurged = "being-purged"
	duplicate   = "duplicate"
)

// store writes one record, also over one of the same id if the key allows that
// one too. What keeps one record out leaves the others of the call alone.
func (h handler) store(ctx context.Context, tool access.Tool, class retention.Class, r parsed) (result, error) {
	outcome, err := h.records.Put(ctx, class.Name, r.Record, func(old retention.Record) error { return allowed(tool, old) }, r.only...)
	answer := result{Stored: outcome.Stored, Key: r.Subject}
	var other dynamo.DuplicateError
	switch {
	case errors.As(err, &other):
		answer.Reason = duplicate
		if retention.MayShowID(other.ID) {
			answer.DuplicateOf = other.ID
		}
	case errors.Is(err, access.ErrForbidden):
		answer.Reason = forbidden
	case errors.Is(err, dynamo.ErrUnreadable):
		answer.Reason = unreadable
	case errors.Is(err, dynamo.ErrBeingPurged):
		answer.Reason = beingPurged
	case err != nil:
		return result{}, err
	}
	if start := outcome.Record.Start; outcome.Stored && !start.IsZero() {
		answer.KeptThrough = class.Keep.LastDay(start, class.Location()).String()
		answer.DueFrom = class.Keep.DueFrom(start, class.Location())
	}
	return answer, nil
}
