package suppression

import (
	"errors"
	"fmt"
	"time"

	"stille/shared/ledger"
	"stille/shared/scope"
)

// ErrChange is wrapped by the errors about a change that is wrong in itself. A
// change without effect is no error.
var ErrChange = errors.New("not a change to a suppression")

// UndoWindow is how long a page may undo an opt-out, counted from the start of
// the silence. The reader of a forwarded old message must not end the silence,
// not even after another opt-out.
const UndoWindow = 24 * time.Hour

// Action is what a change asks for.
type Action string

const (
	// Suppress adds a reason, or moves its newest event forward.
	Suppress Action = "suppress"
	// Release lifts a reason for which there is newer consent.
	Release Action = "release"
	// Undo lifts an opt-out through a link within the UndoWindow.
	Undo Action = "undo"
)

// Change is one event about one contact.
type Change struct {
	Action Action
	Scope  scope.Scope
	Reason Reason
	At     time.Time // when it happened, never in the future
	Source Source
	Note   string // a reference (package reference); may be empty
}

// Effect is what a change did.
type Effect string

// The effects there are.
const (
	NoEffect      Effect = ""             // nothing to change; writes nothing
	Added         Effect = "added"        // newly suppressed
	Renewed       Effect = "renewed"      // suppressed before by an older event
	Lifted        Effect = "lifted"       // released
	NotedOnly     Effect = "noted"        // recorded; a newer event decides
	OlderThanMark Effect = "older"        // the release is not newer than the opt-out; writes nothing
	NotUndoable   Effect = "not-undoable" // the undo is too late, or the opt-out came through no link; writes nothing
)

// Outcome is the item after a change, and the ledger entry to write with the
// item. The entry is nil when there is nothing to write.
type Outcome struct {
	Item   Item
	Effect Effect
	Entry  *ledger.Entry
}

// Apply decides what a change does to an item. The entry gets the id, a ULID.
// The caller must write the entry and the item in one transaction, under the
// condition that the stored version is still the version of the given item.
// Apply compares the times of events, never their arrival: the newest event and
// the newest release of a mark never go back, so that the same changes in any
// order lead to the same decision. An opt-out of now has the time of our clock:
// a release that is newer has the time of a faster clock, and the opt-out counts
// as an opt-out in the instant of the release, where the opt-out wins.
func Apply(item Item, c Change, id string, now time.Time) (Outcome, error) {
	if err := c.validate(now); err != nil {
		return Outcome{}, err
	}
	mark := item.Marks[c.Scope][c.Reason]
	if c.Action == Suppress && c.At.Equal(now) && mark.ReleasedAt.After(now) {
		c.At = mark.ReleasedAt
	}
	c.At = c.At.UTC()
	effect, next := c.on(mark)
	if next == mark {
		return Outcome{Item: item, Effect: effect}, nil
	}
	entry := ledger.Entry{
		ID: id, Key: item.Key, Channel: item.Channel, Version: item.Version + 1,
		Action: effect.action(), Scope: c.Scope, Reason: string(c.Reason), Source: string(c.Source), Note: c.Note,
		At: c.At, RecordedAt: now.UTC(), Previous: item.Head,
	}
	item = item.with(c.Scope, c.Reason, next)
	item.Version, item.Head = entry.Version, entry.Hash()
	return Outcome{Item: item, Effect: effect, Entry: &entry}, nil
}

func (c Change) validate(now time.Time) error {
	_, known := ParseReason(string(c.Reason))
	switch {
	case !known:
		return fmt.Errorf("%w: unknown reason %q", ErrChange, c.Reason)
	case c.Action != Suppress && c.Action != Release && c.Action != Undo:
		return fmt.Errorf("%w: unknown action %q", ErrChange, c.Action)
	case c.Scope == "":
		return fmt.Errorf("%w: it has no scope", ErrChange)
	case CheckTime(c.At, now) != nil:
		return fmt.Errorf("%w: its time %w", ErrChange, ErrTime)
	}
	return nil
}

// on returns what the change does to its mark.
func (c Change) on(m Mark) (Effect, Mark) {
	switch c.Action {
	case Suppress:
		return c.suppress(m)
	case Undo:
		if !m.Active() {
			return NoEffect, m
		}
		if !m.Source.fromLink() || c.At.Sub(m.First) > UndoWindow {
			return NotUndoable, m
		}
	case Release:
	}
	return c.release(m)
}

func (c Change) suppress(m Mark) (Effect, Mark) {
	if !c.At.After(m.Last) {
		return NoEffect, m
	}
	wasActive := m.Active()
	m.Last = c.At
	if c.At.Before(m.ReleasedAt) {
		m.Source = c.Source
		return NotedOnly, m
	}
	if wasActive {
		// An opt-out through a link may be undone, an opt-out from another source
		// must not: a later click must not make it undoable.
		if !c.Source.fromLink() || m.Source.fromLink() {
			m.Source = c.Source
		}
		return Renewed, m
	}
	m.First, m.Source = c.At, c.Source
	return Added, m
}

func (c Change) release(m Mark) (Effect, Mark) {
	switch wasActive := m.Active(); {
	case wasActive && !c.At.After(m.Last):
		return OlderThanMark, m
	case !c.At.After(m.ReleasedAt):
		return NoEffect, m
	case !wasActive:
		m.ReleasedAt = c.At
		return NotedOnly, m
	default:
		m.ReleasedAt = c.At
		return Lifted, m
	}
}

func (e Effect) action() ledger.Action {
	switch e {
	case Added, Renewed:
		return ledger.Suppressed
	case Lifted:
		return ledger.Released
	case NotedOnly, NoEffect, OlderThanMark, NotUndoable:
	}
	return ledger.Noted
}
