package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// looks is how often a history is read before it counts as broken: a change
// between two reads makes it look so.
const looks = 3

// chronicle is the list and its ledger.
type chronicle interface {
	Under(ctx context.Context, key contact.Key) (suppression.Item, error)
	History(ctx context.Context, key contact.Key) ([]ledger.Entry, error)
}

// chain is the history under one key, and the item it is to lead to.
type chain struct {
	key     contact.Key
	item    suppression.Item
	entries []ledger.Entry
}

// chains are all of a contact's, the newest key's first.
type chains []chain

func (all chains) under(key contact.Key) chain {
	for _, c := range all {
		if c.key == key {
			return c
		}
	}
	return chain{}
}

// verified reads the history of the contact with these keys. broken wraps
// ledger.ErrBroken where it does not hold together.
func verified(ctx context.Context, list chronicle, keys []contact.Key) (all chains, broken, err error) {
	for range looks {
		if all, err = readChains(ctx, list, keys); err != nil {
			return nil, nil, err
		}
		if broken = all.verify(); broken == nil {
			break
		}
	}
	return all, broken, nil
}

// readChains reads the chain under each of the keys, and of every other that
// these name: keys that are not live any more among them.
func readChains(ctx context.Context, list chronicle, keys []contact.Key) (chains, error) {
	var all chains
	for len(keys) > 0 {
		key := keys[0]
		keys = keys[1:]
		if key == "" || all.under(key).key == key {
			continue
		}
		item, err := list.Under(ctx, key)
		if err != nil {
			return nil, err
		}
		entries, err := list.History(ctx, key)
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

// entries are those of all chains, in the order they were recorded in.
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

// verifyTies checks that what one item took over, the other says it gave, and
// the reverse.
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
		return fmt.Errorf("%w: nothing tells that another key took it over", ledger.ErrBroken)
	}
	return nil
}
