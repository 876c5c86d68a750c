package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// historyReads is how often a history is read before it counts as broken: a
// change between two reads looks like a break.
const historyReads = 3

// Told is the history of a contact, and whether its chains hold.
type Told struct {
	Entries  []ledger.Entry `json:"entries"`
	Verified bool           `json:"verified"`
}

// History reads and verifies what was recorded of a person. The error of a
// broken history wraps ledger.ErrBroken and comes with the answer.
func (o *Operator) History(ctx context.Context, p Person) (*Told, error) {
	who, err := o.contact(ctx, p, contact.NormaliseAnyLength)
	if err != nil {
		return nil, err
	}
	all, broken, err := o.readHistory(ctx, who.Keys)
	if err != nil {
		return nil, err
	}
	told := all.told(broken)
	return &told, broken
}

// chain is the history under one key, and the item that it must lead to.
type chain struct {
	key     contact.Key
	item    suppression.Item
	entries []ledger.Entry
}

// chains are the chains of one contact, the newest key's first.
type chains []chain

func (all chains) under(key contact.Key) chain {
	for _, c := range all {
		if c.key == key {
			return c
		}
	}
	return chain{}
}

// readHistory reads the chains of the contact with these keys. broken wraps
// ledger.ErrBroken where an entry was altered, dropped or put in.
func (o *Operator) readHistory(ctx context.Context, keys []contact.Key) (all chains, broken, err error) {
	for range historyReads {
		if all, err = o.readChains(ctx, keys); err != nil {
			return nil, nil, err
		}
		if broken = all.verify(); broken == nil {
			break
		}
	}
	return all, broken, nil
}

// readChains reads the chain under each key, and under each key that these
// chains name: a key of the chain may no longer be live.
func (o *Operator) readChains(ctx context.Context, keys []contact.Key) (chains, error) {
	var all chains
	for len(keys) > 0 {
		key := keys[0]
		keys = keys[1:]
		if key == "" || all.under(key).key == key {
			continue
		}
		item, err := o.Suppressions.Under(ctx, key)
		if err != nil {
			return nil, err
		}
		entries, err := o.Suppressions.History(ctx, key)
		if err != nil {
			return nil, err
		}
		all = append(all, chain{key, item, entries})
		keys = append(append(slices.Clone(keys), item.Former...), item.MergedInto)
		for _, e := range entries {
			keys = append(keys, e.Former)
		}
	}
	return all, nil
}

func (all chains) told(broken error) Told {
	return Told{Entries: all.entries(), Verified: broken == nil}
}

// entries are the entries of all chains, in the order in which they were recorded.
func (all chains) entries() []ledger.Entry {
	entries := []ledger.Entry{}
	for _, c := range slices.Backward(all) {
		entries = append(entries, c.entries...)
	}
	slices.SortStableFunc(entries, func(a, b ledger.Entry) int { return a.RecordedAt.Compare(b.RecordedAt) })
	return entries
}

// verify checks every chain, and the ties between them.
func (all chains) verify() error {
	var broken error
	for _, c := range all {
		err := errors.Join(ledger.Verify(c.entries, c.item.Head), all.verifyTies(c))
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("under the key %s: %w", c.key.Short(), err))
		}
	}
	return broken
}

// verifyTies checks that an item which took over another and the item it took
// over say the same.
func (all chains) verifyTies(c chain) error {
	for _, e := range c.entries {
		if e.Action != ledger.Rekeyed {
			continue
		}
		former := all.under(e.Former)
		if err := e.VerifyTie(former.entries); err != nil {
			return err
		}
		if former.item.MergedInto != c.key {
			return fmt.Errorf("%w: version %d took over a suppression that does not say so", ledger.ErrBroken, e.Version)
		}
	}
	into := c.item.MergedInto
	if into != "" && !slices.ContainsFunc(all.under(into).entries, func(e ledger.Entry) bool { return e.Former == c.key }) {
		return fmt.Errorf("%w: no entry says that another key took it over", ledger.ErrBroken)
	}
	return nil
}
