package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Reasons why a word on a record's end changes nothing.
const (
	unknown     = "unknown"       // there is no such record
	older       = "older"         // a newer event is known
	notAService = "not-a-service" // its start is a consent, which does not end
	forbidden   = "forbidden"     // it is of a scope that the key lacks
	beingPurged = "being-purged"  // its objects are being deleted
	unreadable  = "unreadable"    // what is stored cannot be read, or has no room
)

// word is what a call says of every record it names.
type word struct {
	records records
	class   retention.Class
	tool    access.Tool
	scope   scope.Scope // of the contacts' records
	at      gateway.Time
	now     time.Time
}

// onID writes the word on the record of this id.
func (w word) onID(ctx context.Context, id string) (result, error) {
	reason, err := w.on(ctx, id, func(retention.Record) bool { return true })
	return result{Updated: reason == "" && err == nil, Reason: reason}, err
}

// onContact writes the word on every record of the contact's in the scope. It
// is updated if all of them are; the index that finds them lags by moments.
func (w word) onContact(ctx context.Context, c api.Parsed) (result, error) {
	if !c.Valid() {
		return result{Reason: api.InvalidAddress}, nil
	}
	ids := map[string]bool{}
	for _, key := range c.Keys {
		found, err := w.records.OfSubject(ctx, w.class.Name, key)
		if err != nil {
			return result{}, err
		}
		for _, id := range found {
			ids[id] = true
		}
	}
	of := func(r retention.Record) bool { return slices.Contains(c.Keys, r.Subject) && owner(r) == w.scope }
	updated, refused := 0, ""
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		switch reason, err := w.on(ctx, id, of); {
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

// owner is the scope that a record belongs to: without one, to every controller.
func owner(r retention.Record) scope.Scope {
	if r.Scope == "" {
		return scope.Everywhere
	}
	return r.Scope
}

// on writes the word on one record, if it is meant, and returns why it changed
// nothing.
func (w word) on(ctx context.Context, id string, meant func(retention.Record) bool) (string, error) {
	err := w.records.End(ctx, w.class.Name, id, func(stored retention.Record) (retention.Record, error) {
		if !meant(stored) {
			return stored, dynamo.ErrNoRecord
		}
		if err := w.tool.May(access.Records, owner(stored)); err != nil {
			return stored, err
		}
		ending := retention.Ending{At: w.at.Time}
		if w.at.Null {
			ending = stored.RunsAgain(w.now)
		}
		return w.class.End(stored, ending)
	})
	for _, refusal := range []struct {
		err    error
		reason string
	}{
		{dynamo.ErrNoRecord, unknown},
		{retention.ErrOlder, older},
		{retention.ErrNotAService, notAService},
		{access.ErrForbidden, forbidden},
		{dynamo.ErrBeingPurged, beingPurged},
		{dynamo.ErrUnreadable, unreadable},
		{dynamo.ErrUnwritable, unreadable},
	} {
		if errors.Is(err, refusal.err) {
			return refusal.reason, nil
		}
	}
	return "", err
}
