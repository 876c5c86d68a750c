package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
)

// maxRecords is how many records one call stores.
const maxRecords = 100

// handler stores records, which a purge deletes on their due day.
type handler struct {
	keys   contact.KeySource
	put    func(ctx context.Context, class string, record retention.Record, may func(stored retention.Record) error, only ...contact.Key) (retention.Outcome, error)
	scopes *scope.Registry
	policy *retention.Policy
	now    func() time.Time
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

type response = api.Results[result]

type result struct {
	Stored      bool        `json:"stored"`           // false also if a newer event of the same id is stored
	Reason      string      `json:"reason,omitempty"` // why the record is not stored
	DuplicateOf string      `json:"duplicateOf,omitempty"`
	Key         contact.Key `json:"key,omitempty"`
	KeptThrough string      `json:"keptThrough,omitempty"` // of the stored record where a law keeps it
	KeptBy      string      `json:"keptBy,omitempty"`      // the law, for kept-by-law
	DueFrom     time.Time   `json:"dueFrom,omitzero"`
}

func (h handler) call() api.Call { return api.Handle(h.store) }

func (h handler) store(ctx context.Context, tool access.Tool, asked request, faults *api.Invalid) (any, error) {
	class, ok := h.policy.Class(asked.Class)
	if !ok {
		faults.Add("/class", "is not a class of the retention policy")
	}
	faults.Count("/records", len(asked.Records), maxRecords)
	set, err := h.keys.Contact(ctx)
	if err != nil {
		return nil, err
	}
	given := make([]parsed, len(asked.Records))
	for i, r := range asked.Records {
		if given[i], err = h.parse(class, r, fmt.Sprintf("/records/%d/", i), set, faults); err != nil {
			return nil, err
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	for _, r := range given {
		if err := tool.May(access.Records, r.Owner()); err != nil {
			return nil, err
		}
	}
	answer := response{Results: make([]result, len(given))}
	for i, r := range given {
		if answer.Results[i], err = h.storeOne(ctx, tool, class, r); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// parsed is a record, and the live keys of its contact if the contact may have
// only one record in the class and scope.
type parsed struct {
	retention.Record
	only []contact.Key
}

// parse reads one record and notes everything that is wrong with it. Its error
// is about the keys.
func (h handler) parse(class retention.Class, r record, pointer string, set *contact.KeySet, faults *api.Invalid) (parsed, error) {
	parsed := parsed{Record: retention.Record{
		ID: r.ID, Basis: retention.Basis(r.Basis), OccurredAt: r.OccurredAt.Time, Start: r.Start.Time,
		LastActivityAt: r.LastActivityAt.Time, Objects: r.Objects, Data: r.Data,
	}}
	if r.OccurredAt.IsZero() {
		faults.Add(pointer+"occurredAt", "must be given")
	}
	if r.Contact != nil {
		keys, err := parseContact(*r.Contact, pointer+"contact/", set, faults)
		if err != nil {
			return parsed, err
		}
		if len(keys) > 0 {
			parsed.Subject = keys[0]
		}
		if len(keys) > 1 {
			parsed.Former = keys[1:]
		}
		if class.Name == retention.Messaging {
			parsed.only = keys
		}
	}
	parsed.Scope = h.parseScope(r.Scope, pointer+"scope", faults)
	for _, f := range class.Validate(parsed.Record, h.now()) {
		if f.Field == "contact" && r.Contact != nil {
			continue // it was given, and what is wrong with it is noted
		}
		faults.Add(pointer+f.Field, f.Detail)
	}
	return parsed, nil
}

// parseContact returns the contact's live keys; none where it cannot be read.
func parseContact(given api.Contact, pointer string, set *contact.KeySet, faults *api.Invalid) ([]contact.Key, error) {
	ch, err := contact.ParseChannel(given.Channel)
	if err != nil {
		faults.Add(pointer+"channel", `must be "email" or "sms"`)
		return nil, nil
	}
	parsed, err := api.ParseOne(ch, given, set)
	if err == nil && !parsed.Valid() {
		faults.Add(pointer+"address", "is not an address of this channel")
	}
	return parsed.Keys, err
}

// parseScope finds the scope of a record. A record that names none belongs to
// the one brand there is, or else has no scope.
func (h handler) parseScope(named, pointer string, faults *api.Invalid) scope.Scope {
	if named == "" {
		only, _ := h.scopes.Only()
		return only.Scope
	}
	entry, ok := h.scopes.Lookup(scope.Scope(named))
	if !ok {
		faults.Add(pointer, "must be one of "+h.scopes.Names())
	}
	return entry.Scope
}

// Reasons why a record is not stored.
const (
	forbidden   = "forbidden"    // the key lacks the scope of the stored record with this id
	unreadable  = "unreadable"   // the stored record with this id cannot be read
	beingPurged = "being-purged" // a purge deletes the stored record's objects, and would delete the new ones too
	held        = "held"         // a hold freezes the stored record
	retired     = "retired"      // the class takes no more records
	objectTaken = "object-taken" // one of its objects belongs to another record
	tooMany     = "too-many-objects"
	keptByLaw   = "kept-by-law" // a law keeps the stored record for longer than the new one
	duplicate   = "duplicate"   // the contact has another record in the scope: store over that one
)

// storeOne writes one record. It replaces a record of the same id only if the key
// allows that record too. A refused record does not fail the others.
func (h handler) storeOne(ctx context.Context, tool access.Tool, class retention.Class, r parsed) (result, error) {
	if class.Retired {
		return result{Reason: retired, Key: r.Subject}, nil
	}
	var stored retention.Record
	outcome, err := h.put(ctx, class.Name, r.Record, func(old retention.Record) error {
		if err := tool.May(access.Records, old.Owner()); err != nil || !r.Supersedes(old) {
			return err
		}
		stored = old
		return class.MayBecome(old, r.Replacing(old, class.Name), h.now())
	}, r.only...)
	answer := result{Stored: outcome.Stored, Key: r.Subject}
	var other retention.DuplicateError
	switch {
	case errors.As(err, &other):
		answer.Reason = duplicate
		if retention.MayShowID(other.ID) {
			answer.DuplicateOf = other.ID
		}
	case errors.Is(err, access.ErrForbidden):
		answer.Reason = forbidden
	case errors.Is(err, retention.ErrUnreadable):
		answer.Reason = unreadable
	case errors.Is(err, retention.ErrBeingPurged):
		answer.Reason = beingPurged
	case errors.Is(err, retention.ErrHeld):
		answer.Reason = held
	case errors.Is(err, retention.ErrObjectTaken):
		answer.Reason = objectTaken
	case errors.Is(err, retention.ErrObjects):
		answer.Reason = tooMany
	case errors.Is(err, retention.ErrKeptByLaw):
		until, _ := class.KeptByLaw(stored, h.now())
		answer.Reason, answer.KeptBy, answer.KeptThrough = keptByLaw, class.KeptBy, until.String()
	case err != nil:
		return result{}, err
	}
	if due, ended := class.DueFrom(outcome.Record); outcome.Stored && ended {
		answer.DueFrom = due
	}
	if through, kept := class.KeptThrough(outcome.Record); outcome.Stored && kept {
		answer.KeptThrough = through.String()
	}
	return answer, nil
}
