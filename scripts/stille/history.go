package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

type history struct{ person }

// Help says what is verified.
func (history) Help() string {
	return `Prints the ledger's entries, oldest first, and verifies their chain: each names the hash of the one before, and the suppression itself the last. It fails (1) where an entry was altered, dropped or put in.

    $ stille history email kari@example.no`
}

type historyAnswer struct {
	Entries  []ledger.Entry `json:"entries"`
	Verified bool           `json:"verified"`
}

func (a historyAnswer) text(w io.Writer) {
	if len(a.Entries) > 0 {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "AT\tACTION\tREASON\tSCOPE\tSOURCE\tNOTE\tRECORDED")
		for _, e := range a.Entries {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Format(time.RFC3339), e.Action, e.Reason, e.Scope,
				e.Source, cmp.Or(e.Note, "-"), e.RecordedAt.Format(time.RFC3339))
		}
		_ = table.Flush() // into a buffer
	}
	if a.Verified {
		fmt.Fprintf(w, "the chain is verified; entries: %d\n", len(a.Entries))
	}
}

// Run reads and verifies.
func (h history) Run(ctx context.Context, s *session) error {
	who, err := h.contact()
	if err != nil {
		return err
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	keys, err := keysOf(ctx, sys, who)
	if err != nil {
		return err
	}
	all := historyAnswer{Entries: []ledger.Entry{}}
	var broken error
	for _, key := range keys {
		entries, err := chain(ctx, sys.suppressions, key)
		if err != nil && !errors.Is(err, ledger.ErrBroken) {
			return err
		}
		broken = errors.Join(broken, err)
		all.Entries = append(all.Entries, entries...)
	}
	all.Verified = broken == nil
	return errors.Join(s.show(all), broken)
}

// looks is how often a chain is read before it counts as broken: a change
// between two reads makes it look so.
const looks = 3

// chronicle is the list and its ledger.
type chronicle interface {
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
	History(ctx context.Context, key contact.Key) ([]ledger.Entry, error)
}

// chain reads the history under one key; the error wraps ledger.ErrBroken
// where it does not hold together.
func chain(ctx context.Context, list chronicle, key contact.Key) ([]ledger.Entry, error) {
	var entries []ledger.Entry
	var broken error
	for range looks {
		item, err := list.Get(ctx, []contact.Key{key})
		if err != nil {
			return nil, err
		}
		if entries, err = list.History(ctx, key); err != nil {
			return nil, err
		}
		if broken = ledger.Verify(entries, item.Head); broken == nil {
			break
		}
	}
	return entries, broken
}
