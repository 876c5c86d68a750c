package operator

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// looksOf stands in for the list: each look at the key's history shows the
// next of what it has.
type looksOf []chain

func (l *looksOf) Under(context.Context, contact.Key) (suppression.Item, error) {
	return (*l)[0].item, nil
}

func (l *looksOf) History(context.Context, contact.Key) ([]ledger.Entry, error) {
	entries := (*l)[0].entries
	if len(*l) > 1 {
		*l = (*l)[1:]
	}
	return entries, nil
}

func TestABrokenChainIsNamed(t *testing.T) {
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
		{"holds", looksOf{{"key", suppression.Item{Head: second.Hash()}, both}}, false},
		{"holds when a change came between the reads", looksOf{{"key", suppression.Item{Head: first.Hash()}, both}, {"key", suppression.Item{Head: second.Hash()}, both}}, false},
		{"lost its last entry", looksOf{{"key", suppression.Item{Head: second.Hash()}, one}}, true},
		{"lost all its entries", looksOf{{"key", suppression.Item{Head: first.Hash()}, nil}}, true},
		{"lost its first entry", looksOf{{"key", suppression.Item{Head: second.Hash()}, both[1:]}}, true},
		{"has an altered entry", looksOf{{"key", suppression.Item{Head: second.Hash()}, []ledger.Entry{altered, second}}}, true},
		{"has an entry that the suppression does not know", looksOf{{"key", suppression.Item{Head: first.Hash()}, both}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, broken, err := reader(&c.looks).readHistory(t.Context(), []contact.Key{"key"})
			if errors.Is(broken, ledger.ErrBroken) != c.broken || err != nil {
				t.Errorf("broken: %v, want %v, error %v", broken, c.broken, err)
			}
			if last := c.looks[len(c.looks)-1].entries; len(all.entries()) != len(last) {
				t.Errorf("it tells %d entries, want %d", len(all.entries()), len(last))
			}
		})
	}
}

// keptUnder stands in for the list: a chain for each key.
type keptUnder map[contact.Key]chain

func (k keptUnder) Under(_ context.Context, key contact.Key) (suppression.Item, error) {
	return k[key].item, nil
}

func (k keptUnder) History(_ context.Context, key contact.Key) ([]ledger.Entry, error) {
	return k[key].entries, nil
}

func TestTiedChainsMustAgree(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(kept keptUnder)
		broken bool
	}{
		"hold":                           {func(keptUnder) {}, false},
		"the older lost its end":         {func(k keptUnder) { end(k, "older", -1) }, true},
		"the older went on":              {func(k keptUnder) { end(k, "older", +1) }, true},
		"the older lost everything":      {func(k keptUnder) { delete(k, "older") }, true},
		"the newer lost the tie":         {func(k keptUnder) { end(k, "newer", -1) }, true},
		"the older does not say it went": {func(k keptUnder) { c := k["older"]; c.item.MergedInto = ""; k["older"] = c }, true},
	} {
		t.Run(name, func(t *testing.T) {
			var older, newer chain
			older.add(ledger.Entry{Key: "older", Action: ledger.Suppressed})
			older.add(ledger.Entry{Key: "older", Action: ledger.Released})
			older.item.MergedInto = "newer"
			newer.add(ledger.Entry{Key: "newer", Action: ledger.Suppressed})
			newer.add(ledger.Entry{Key: "newer", Action: ledger.Rekeyed, Former: "older", FormerHead: older.item.Head})
			kept := keptUnder{"older": older, "newer": newer}
			test.spoil(kept)
			for _, keys := range [][]contact.Key{{"newer", "older"}, {"older", "never written", "newer"}} {
				if _, broken, err := reader(kept).readHistory(t.Context(), keys); err != nil || errors.Is(broken, ledger.ErrBroken) != test.broken {
					t.Errorf("from %v: broken: %v, want %v, error %v", keys, broken, test.broken, err)
				}
			}
			if test.broken {
				return
			}
			for _, key := range []contact.Key{"older", "newer"} {
				if all, broken, err := reader(kept).readHistory(t.Context(), []contact.Key{key}); len(all.entries()) != 4 || broken != nil || err != nil {
					t.Errorf("the %s leads to %d entries, want those of both: %v, %v", key, len(all.entries()), broken, err)
				}
			}
		})
	}
}

// add appends an entry where it belongs.
func (c *chain) add(e ledger.Entry) {
	e.Version, e.Previous, e.At, e.RecordedAt = int64(len(c.entries))+1, c.item.Head, at, at
	c.item.Head = e.Hash()
	c.entries = append(slices.Clone(c.entries), e)
}

// end takes the last entry off a chain, or adds one, in a way that the chain
// by itself still holds.
func end(k keptUnder, key contact.Key, by int) {
	c := k[key]
	if by > 0 {
		c.add(ledger.Entry{Key: key, Action: ledger.Noted})
	} else {
		c.entries = c.entries[:len(c.entries)-1]
		c.item.Head = c.entries[len(c.entries)-1].Hash()
	}
	k[key] = c
}

// at is when the tests happen.
var at = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// histories is a list of which only histories are read.
type histories interface {
	Under(ctx context.Context, key contact.Key) (suppression.Item, error)
	History(ctx context.Context, key contact.Key) ([]ledger.Entry, error)
}

type readOnly struct {
	Suppressions
	of histories
}

func (r readOnly) Under(ctx context.Context, key contact.Key) (suppression.Item, error) {
	return r.of.Under(ctx, key)
}

func (r readOnly) History(ctx context.Context, key contact.Key) ([]ledger.Entry, error) {
	return r.of.History(ctx, key)
}

func reader(of histories) *Operator { return &Operator{Suppressions: readOnly{of: of}} }
