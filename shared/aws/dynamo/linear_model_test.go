//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// asked is a client's operation: a change or, without one, a check.
type asked struct{ change *suppression.Change }

// said is the answer to a client.
type said struct {
	effect suppression.Effect // of a change
	seen   string             // by a check, see seen
	lost   bool               // the change failed: it may be made now, later or never
	unsure bool               // the change was made, by an unknown one of several attempts
}

// sequential is the list when clients act one after the other: the domain
// alone.
func sequential() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return suppression.Item{} },
		Step: func(state, in, out any) (bool, any) {
			before, a, s := state.(suppression.Item), in.(asked), out.(said)
			if a.change == nil {
				return s.seen == seen(before), before
			}
			after, err := suppression.Apply(before, *a.change, "", now)
			return err == nil && (s.lost || s.unsure || s.effect == after.Effect), after.Item
		},
		Equal: func(a, b any) bool { return seen(a.(suppression.Item)) == seen(b.(suppression.Item)) },
	}
}

// seen is everything about an item that a client can observe, now or after any
// later change: its marks, and the decisions. A release that is older than the
// opt-out it did not lift cannot be observed.
func seen(i suppression.Item) string {
	var marks []string
	for s, reasons := range i.Marks {
		for r, m := range reasons {
			text := fmt.Sprint(s, " ", r, " ", m.Last.Format(time.TimeOnly), " active ", m.Active())
			if !m.Active() {
				text += " since " + m.ReleasedAt.Format(time.TimeOnly)
			}
			marks = append(marks, text)
		}
	}
	slices.Sort(marks)
	for _, in := range []scope.Scope{"acme", "acme/newsletter", "globex", ""} {
		d := suppression.Decide(i, suppression.Marketing, in)
		marks = append(marks, fmt.Sprint(in, " send ", d.Send))
	}
	return strings.Join(marks, "; ")
}

// history is the operations of several concurrent clients on one contact.
type history struct {
	*testing.T
	begun  time.Time
	unsure bool // answers get lost, so an attempt may find the change of an earlier attempt

	mu         sync.Mutex
	operations []porcupine.Operation
}

func newHistory(t *testing.T) *history { return &history{T: t, begun: time.Now()} }

func (h *history) record(client int, a asked, do func() said) {
	call := time.Since(h.begun)
	s := do()
	operation := porcupine.Operation{ClientId: client, Input: a, Call: int64(call), Output: s, Return: int64(time.Since(h.begun))}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, operation)
}

// verify fails if no order of the operations that agrees with their times
// explains the answers. A lost operation may take effect at any later time.
func (h *history) verify(seed uint64) {
	h.Helper()
	end := int64(time.Since(h.begun))
	for n, o := range h.operations {
		if o.Output.(said).lost {
			h.operations[n].Return = end
		}
	}
	switch porcupine.CheckOperationsTimeout(sequential(), h.operations, time.Minute) {
	case porcupine.Illegal:
		h.Errorf("seed %d: %d operations are in no order", seed, len(h.operations))
	case porcupine.Unknown:
		h.Errorf("seed %d: %d operations were not put in order within a minute", seed, len(h.operations))
	}
}

// apply makes a change. After ErrContended it tries again, as a queue or a
// person does.
func (h *history) apply(list *dynamo.Suppressions, client int, keys []contact.Key, c suppression.Change) {
	h.record(client, asked{&c}, func() said {
		for {
			outcome, err := list.Apply(h.Context(), contact.Known{Channel: contact.Email, Keys: keys}, c, now)
			if errors.Is(err, dynamo.ErrContended) {
				continue
			}
			return said{effect: outcome.Effect, lost: err != nil, unsure: h.unsure}
		}
	})
}

// check reads the contact in one of the three possible ways. A failed check
// tells nothing, and is not part of the history.
func (h *history) check(list *dynamo.Suppressions, client, way int, keys []contact.Key) (failed error) {
	call := time.Since(h.begun)
	item, err := read(h.T, list, way, keys)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: asked{}, Call: int64(call), Output: said{seen: seen(item)}, Return: int64(time.Since(h.begun)),
	})
	return nil
}

func read(t *testing.T, list *dynamo.Suppressions, way int, keys []contact.Key) (suppression.Item, error) {
	contacts := [][]contact.Key{keys}
	switch way {
	case 0:
		return list.Get(t.Context(), keys)
	case 1: // among others
		contacts = append(contacts, []contact.Key{key(900)}, []contact.Key{key(901), key(902)})
	}
	found, err := list.Lookup(t.Context(), contacts)
	if err != nil {
		return suppression.Item{}, err
	}
	return found[0].Item, found[0].Err
}
