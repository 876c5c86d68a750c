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
	"stille/shared/retention"
	"stille/shared/scope"
)

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
