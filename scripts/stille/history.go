package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"stille/shared/ledger"
)

type history struct{ person }

// Help says what is verified.
func (history) Help() string {
	return `Prints the ledger's entries, oldest first, and verifies their chain: each names the hash of the one before, and the suppression itself the last. A contact has a chain under each contact key; where a newer one took over an older, an entry ties the two, and that is verified too. It fails (1) where an entry was altered, dropped or put in.

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
			note := e.Note
			if e.Action == ledger.Rekeyed {
				note = "took over what was known under the key " + e.Former.Short()
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Format(time.RFC3339), e.Action, cmp.Or(e.Reason, "-"), cmp.Or(e.Scope, "-"),
				cmp.Or(e.Source, "-"), cmp.Or(note, "-"), e.RecordedAt.Format(time.RFC3339))
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
	all, broken, err := verified(ctx, sys.suppressions, keys)
	if err != nil {
		return err
	}
	if err := s.show(historyAnswer{Entries: all.entries(), Verified: broken == nil}); err != nil {
		return err
	}
	return broken
}
