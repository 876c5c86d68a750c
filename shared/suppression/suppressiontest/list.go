// Package suppressiontest is a suppression list in memory, and the suite that
// every suppression list must pass. The list in memory follows the rules of the
// list in DynamoDB: keys of one contact merge, a change and its ledger entry are
// written together or not at all, and an item that cannot be read is an error.
package suppressiontest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// Call is one call of a method of a List.
type Call struct {
	Method string             // "Apply", "Get", "Lookup", …
	Keys   []contact.Key      // the keys given; of a Lookup the first contact's
	Who    contact.Known      // of an Apply
	Change suppression.Change // of an Apply
}

// List is a suppression list in memory. The zero List is empty and ready to
// use, also by several goroutines.
type List struct {
	// Before is called when a call begins, where it is set. An error from Before
	// is the error of the call, which then does nothing. Before may itself call
	// the list.
	Before func(ctx context.Context, c Call) error

	mu         sync.Mutex
	rows       map[contact.Key]suppression.Item
	entries    []ledger.Entry
	unreadable map[contact.Key]bool
	changes    []suppression.Change
}

// Fail makes every later call fail with err; nil ends that.
func (l *List) Fail(err error) {
	l.Before = func(context.Context, Call) error { return err }
}

// Plant stores an item as it is, without a ledger entry.
func (l *List) Plant(i suppression.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store(i)
}

// Spoil makes the item under a key unreadable.
func (l *List) Spoil(key contact.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unreadable == nil {
		l.unreadable = map[contact.Key]bool{}
	}
	l.unreadable[key] = true
}

// Changes returns the changes that Apply took, also those without effect, in
// the order of the calls.
func (l *List) Changes() []suppression.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.changes)
}

// Item returns the item under a key; an item without marks where there is none.
func (l *List) Item(key contact.Key) suppression.Item { return l.Items()[key] }

// Items returns every stored item by its key.
func (l *List) Items() map[contact.Key]suppression.Item {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.rows)
}

// Active lists the marks that suppress the contact with this key, each as
// "stop in acme, from sms", sorted.
func (l *List) Active(key contact.Key) []string {
	lines := []string{}
	for in, reasons := range l.Item(key).Marks {
		for reason, mark := range reasons {
			if mark.Active() {
				lines = append(lines, fmt.Sprintf("%s in %s, from %s", reason, in, mark.Source))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// Clear removes every item and every entry.
func (l *List) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows, l.entries, l.unreadable, l.changes = nil, nil, nil, nil
}

// Entries returns the whole ledger, oldest first.
func (l *List) Entries() []ledger.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

func (l *List) begin(ctx context.Context, c Call) error {
	if l.Before == nil {
		return nil
	}
	return l.Before(ctx, c)
}

// Apply makes one change to a contact and records it in the ledger.
func (l *List) Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	if err := l.begin(ctx, Call{Method: "Apply", Keys: who.Keys, Who: who, Change: c}); err != nil {
		return suppression.Outcome{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = append(l.changes, c)
	item, err := l.merged(who, now)
	if err != nil {
		return suppression.Outcome{}, err
	}
	outcome, err := suppression.Apply(item.Known(who.Keys...), c, l.id(), now)
	switch {
	case err != nil:
	case outcome.Entry != nil:
		l.write(outcome.Item, *outcome.Entry)
	case outcome.Item.Touched > item.Touched:
		l.store(outcome.Item)
	}
	return outcome, err
}

// ApplyAll is Apply for many changes.
func (l *List) ApplyAll(ctx context.Context, requests []suppression.Request, now time.Time) ([]suppression.Result, error) {
	results := make([]suppression.Result, len(requests))
	for n, r := range requests {
		outcome, err := l.Apply(ctx, r.Who, r.Change, now)
		if err != nil && !errors.Is(err, suppression.ErrUnreadable) {
			return nil, err
		}
		results[n] = suppression.Result{Outcome: outcome, Err: err}
	}
	return results, nil
}

// merged returns the item that the contact's changes go to, after that item has
// taken over the items under the contact's other keys.
func (l *List) merged(who contact.Known, now time.Time) (suppression.Item, error) {
	item, err := l.under(who.Newest())
	for err == nil && item.MergedInto != "" {
		item, err = l.under(item.MergedInto)
	}
	if err != nil {
		return item, err
	}
	if item.Version == 0 {
		item.Channel = who.Channel
	}
	for _, key := range who.Keys {
		older, err := l.under(key)
		if err != nil || key == item.Key || older.Version == 0 || older.MergedInto != "" {
			continue // an unreadable older item refuses no opt-out
		}
		united, entry := suppression.TakeOver(item, older, l.id(), now)
		l.write(united, entry)
		older.MergedInto = united.Key
		l.store(older)
		item = united
	}
	return item, nil
}

func (l *List) id() string { return fmt.Sprintf("entry-%d", len(l.entries)+1) }

func (l *List) write(i suppression.Item, e ledger.Entry) {
	l.store(i)
	l.entries = append(l.entries, e)
}

func (l *List) store(i suppression.Item) {
	if l.rows == nil {
		l.rows = map[contact.Key]suppression.Item{}
	}
	l.rows[i.Key] = i
}

// Get returns everything that is known of the contact with these keys.
func (l *List) Get(ctx context.Context, keys []contact.Key) (suppression.Item, error) {
	if err := l.begin(ctx, Call{Method: "Get", Keys: keys}); err != nil {
		return suppression.Item{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.get(keys)
}

func (l *List) get(keys []contact.Key) (suppression.Item, error) {
	var items []suppression.Item
	for keys := slices.Clone(keys); len(keys) > 0; keys = keys[1:] {
		item, err := l.under(keys[0])
		if err != nil {
			return item, err
		}
		items = append(items, item)
		if item.MergedInto != "" && !slices.Contains(keys, item.MergedInto) {
			keys = append(keys, item.MergedInto)
		}
	}
	return suppression.Merge(items...), nil
}

// Lookup answers for many contacts, in their order.
func (l *List) Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error) {
	c := Call{Method: "Lookup"}
	if len(contacts) > 0 {
		c.Keys = contacts[0]
	}
	if err := l.begin(ctx, c); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([]suppression.Found, len(contacts))
	for i, keys := range contacts {
		found[i].Item, found[i].Err = l.get(keys)
	}
	return found, nil
}

// Under returns the item under one key, also where another item has taken it
// over.
func (l *List) Under(ctx context.Context, key contact.Key) (suppression.Item, error) {
	if err := l.begin(ctx, Call{Method: "Under", Keys: []contact.Key{key}}); err != nil {
		return suppression.Item{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.under(key)
}

func (l *List) under(key contact.Key) (suppression.Item, error) {
	if l.unreadable[key] {
		return suppression.Item{Key: key}, fmt.Errorf("%w: a test spoilt it", suppression.ErrUnreadable)
	}
	item, there := l.rows[key]
	if !there {
		item.Key = key
	}
	return item, nil
}

// History returns the ledger entries under one key, oldest first.
func (l *List) History(ctx context.Context, key contact.Key) ([]ledger.Entry, error) {
	if err := l.begin(ctx, Call{Method: "History", Keys: []contact.Key{key}}); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var entries []ledger.Entry
	for _, e := range l.entries {
		if e.Key == key {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
