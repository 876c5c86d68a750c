package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
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
	return api.EachContact(ctx, contacts, result{Reason: suppression.InvalidAddress}, u.contact)
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

// Reasons why a record is not updated.
const (
	unknown     = "unknown"       // there is no such record
	older       = "older"         // a newer event is known
	notAService = "not-a-service" // its start is a consent, which does not end
	forbidden   = "forbidden"     // the key lacks the record's scope
	beingPurged = "being-purged"  // its objects are being deleted
	held        = "held"          // a hold freezes it; only a missing end is noted
	keptByLaw   = "kept-by-law"   // a law keeps it for longer than the new end would
	unreadable  = "unreadable"    // the stored record cannot be read, or has no room
)

// update is what a call changes: the end of every record that it names.
type update struct {
	records records
	class   retention.Class
	tool    access.Tool
	scope   scope.Scope // of the contacts' records
	at      gateway.Time
	now     time.Time
}

// id updates the record of this id.
func (u update) id(ctx context.Context, id string) (result, error) {
	reason, err := u.write(ctx, id, func(retention.Record) bool { return true })
	return result{Updated: reason == "" && err == nil, Reason: reason}, err
}

// contact updates every record of the contact in the scope. The result is
// updated if all of them are. The index that finds the records lags by moments.
func (u update) contact(ctx context.Context, c api.Parsed) (result, error) {
	ids := map[string]bool{}
	for _, key := range c.Keys {
		found, err := u.records.OfSubject(ctx, u.class.Name, key)
		if err != nil {
			return result{}, err
		}
		for _, id := range found {
			ids[id] = true
		}
	}
	isTheirs := func(r retention.Record) bool { return slices.Contains(c.Keys, r.Subject) && r.Owner() == u.scope }
	updated, refused := 0, ""
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		switch reason, err := u.write(ctx, id, isTheirs); {
		case err != nil:
			return result{}, err
		case reason == "":
			updated++
		case reason != unknown:
			refused = reason
		}
	}
	if updated == 0 && refused == "" {
		refused = unknown
	}
	return result{Updated: refused == "", Reason: refused, Key: c.Key()}, nil
}

// write updates one record if it is one of those meant, and returns why it
// changed nothing.
func (u update) write(ctx context.Context, id string, meant func(retention.Record) bool) (string, error) {
	err := u.records.End(ctx, u.class.Name, id, func(stored retention.Record) (retention.Record, error) {
		if !meant(stored) {
			return stored, retention.ErrNoRecord
		}
		if err := u.tool.May(access.Records, stored.Owner()); err != nil {
			return stored, err
		}
		ending := retention.Ending{At: u.at.Time}
		if u.at.Null {
			ending = stored.RunsAgain(u.now)
		}
		next, err := u.class.End(stored, ending)
		if err != nil {
			return stored, err
		}
		return next, u.class.MayBecome(stored, next, u.now)
	})
	for _, refusal := range []struct {
		err    error
		reason string
	}{
		{retention.ErrNoRecord, unknown},
		{retention.ErrOlder, older},
		{retention.ErrNotAService, notAService},
		{access.ErrForbidden, forbidden},
		{retention.ErrBeingPurged, beingPurged},
		{retention.ErrHeld, held},
		{retention.ErrKeptByLaw, keptByLaw},
		{retention.ErrUnreadable, unreadable},
		{retention.ErrUnwritable, unreadable},
	} {
		if errors.Is(err, refusal.err) {
			return refusal.reason, nil
		}
	}
	return "", err
}
