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
	// Suppress adds a reason, or another opt-out to its silence.
	Suppress Action = "suppress"
	// Release lifts a reason for which there is newer consent.
	Release Action = "release"
	// Undo lifts the opt-outs through a link within the UndoWindow.
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
	Renewed       Effect = "renewed"      // suppressed before by another event
	Lifted        Effect = "lifted"       // released
	NotedOnly     Effect = "noted"        // recorded; a newer event decides
	OlderThanMark Effect = "older"        // the release is not newer than the opt-out; writes nothing
	NotUndoable   Effect = "not-undoable" // the undo is too late, or an opt-out came through no link
)

// Outcome is the item after a change, and the ledger entry to write with the
// item. Without an entry there is nothing to write, unless the item was Touched.
type Outcome struct {
	Item   Item
	Effect Effect
	Entry  *ledger.Entry
}

// Apply decides what a change does to an item. The entry gets the id, a ULID.
// The caller must write the entry and the item in one transaction, and an item that
// was Touched without an entry, under the condition that the stored item still has
// the Version and Touched of the given item.
// Apply compares the times of events, never their arrival: the same opt-outs and
// undos in any order leave the same mark. A release counts against what stands
// when the release comes, and against what is older. An opt-out that repeats another
// of its kind of source within the hour (sameWord) has no entry; through a link it
// changes nothing at all. An opt-out of now has the time of our clock: a release
// that is newer has the time of a faster clock, and the opt-out counts in the
// instant of the release, where the opt-out wins.
func Apply(item Item, c Change, id string, now time.Time) (Outcome, error) {
	if err := c.validate(now); err != nil {
		return Outcome{}, err
	}
	mark := item.Marks[c.Scope][c.Reason]
	c.At = c.byOurClock(mark, now)
	effect, next := c.mergeInto(mark)
	switch {
	case next.equal(mark):
		return Outcome{Item: item, Effect: effect}, nil
	case effect == NoEffect: // a repetition
		item = item.with(c.Scope, c.Reason, next)
		item.Touched++
		return Outcome{Item: item, Effect: effect}, nil
	}
	entry := ledger.Entry{
		ID: id, Key: item.Key, Channel: item.Channel, Version: item.Version + 1,
		Action: effect.action(), Scope: c.Scope, Reason: string(c.Reason), Source: string(c.Source), Note: c.Note,
		At: c.At, RecordedAt: now.UTC(), Previous: item.Head,
	}
	if c.Action == Undo || entry.Action == ledger.Noted {
		entry.Asked = string(c.Action)
	}
	item = item.with(c.Scope, c.Reason, next)
	item.Version, item.Head, item.Touched = entry.Version, entry.Hash(), 0
	return Outcome{Item: item, Effect: effect, Entry: &entry}, nil
}

// Foresee returns the item as Apply would leave it, but for what an entry changes.
// It is for questions alone: nothing of it may be written.
func Foresee(item Item, c Change, now time.Time) (Item, error) {
	if err := c.validate(now); err != nil {
		return Item{}, err
	}
	mark := item.Marks[c.Scope][c.Reason]
	c.At = c.byOurClock(mark, now)
	_, next := c.mergeInto(mark)
	return item.with(c.Scope, c.Reason, next), nil
}

// byOurClock returns the time at which the change counts beside a release by a
// faster clock.
func (c Change) byOurClock(m Mark, now time.Time) time.Time {
	if c.Action == Suppress && c.At.Equal(now) && m.ReleasedAt.After(now) {
		return m.ReleasedAt.UTC()
	}
	return c.At.UTC()
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

// mergeInto returns what the change does to its mark.
func (c Change) mergeInto(m Mark) (Effect, Mark) {
	if c.Action == Release {
		return c.release(m)
	}
	next, repeated := m.with(Word{At: c.At, Source: c.Source, Undo: c.Action == Undo})
	changed := !m.equal(next)
	switch {
	case c.Action == Undo && m.Active() && next.Active():
		return NotUndoable, next
	case !changed, repeated:
		return NoEffect, next
	case c.Action == Undo && m.Active():
		return Lifted, next
	case !next.Active():
		return NotedOnly, next
	case m.Active():
		return Renewed, next
	}
	return Added, next
}

func (c Change) release(m Mark) (Effect, Mark) {
	switch wasActive := m.Active(); {
	case wasActive && !c.At.After(m.Last):
		return OlderThanMark, m
	case !c.At.After(m.ReleasedAt):
		return NoEffect, m
	default:
		m.ReleasedAt, m.Words, m.Consented = c.At, nil, time.Time{} // every word is older
		if wasActive {
			return Lifted, m
		}
		return NotedOnly, m
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
