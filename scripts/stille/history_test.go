package main

import (
	"context"
	"errors"
	"testing"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// looksOf stands in for the list: each look shows the next of what it has.
type looksOf []struct {
	item    suppression.Item
	entries []ledger.Entry
}

func (l *looksOf) Get(context.Context, []contact.Key) (suppression.Item, error) {
	return (*l)[0].item, nil
}

func (l *looksOf) History(context.Context, contact.Key) ([]ledger.Entry, error) {
	entries := (*l)[0].entries
	if len(*l) > 1 {
		*l = (*l)[1:]
	}
	return entries, nil
}

func TestAChain(t *testing.T) {
	first := ledger.Entry{ID: "1", Version: 1, Action: ledger.Suppressed, At: at, RecordedAt: at}
	second := ledger.Entry{ID: "2", Version: 2, Action: ledger.Released, At: at, RecordedAt: at, Previous: first.Hash()}
	altered := first
	altered.Reason = "another"
	one, both := []ledger.Entry{first}, []ledger.Entry{first, second}
	for _, c := range []struct {
		name   string
		looks  looksOf
		broken bool
	}{
		{"holds", looksOf{{suppression.Item{Head: second.Hash()}, both}}, false},
		{"holds when a change came between the reads", looksOf{{suppression.Item{Head: first.Hash()}, both}, {suppression.Item{Head: second.Hash()}, both}}, false},
		{"lost its last entry", looksOf{{suppression.Item{Head: second.Hash()}, one}}, true},
		{"lost all its entries", looksOf{{suppression.Item{Head: first.Hash()}, nil}}, true},
		{"lost its first entry", looksOf{{suppression.Item{Head: second.Hash()}, both[1:]}}, true},
		{"has an altered entry", looksOf{{suppression.Item{Head: second.Hash()}, []ledger.Entry{altered, second}}}, true},
		{"has an entry that the suppression does not know", looksOf{{suppression.Item{Head: first.Hash()}, both}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, err := chain(t.Context(), &c.looks, "key")
			if errors.Is(err, ledger.ErrBroken) != c.broken || !c.broken && err != nil {
				t.Errorf("broken: %v, want %v", err, c.broken)
			}
			if last := c.looks[len(c.looks)-1].entries; len(entries) != len(last) {
				t.Errorf("it tells %d entries, want %d", len(entries), len(last))
			}
		})
	}
}
