package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/ledger"
	"stille/shared/operator"
)

type history struct{ person }

// Help says what is verified.
func (history) Help() string {
	return `Prints the ledger's entries, oldest first, and verifies their chain: each entry names the hash of the one before, and the suppression itself names the hash of the last. A contact has a chain under each contact key; where a newer key took over an older one, an entry ties the two chains, and the tie is verified too. It fails (1) if an entry was altered, dropped or put in.

    $ stille history email kari@example.no`
}

// Run reads and verifies.
func (h history) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.History(ctx, operator.Person(h.person))
	return show(s, answer, err, func(w io.Writer, told *operator.Told) {
		if len(told.Entries) > 0 {
			t := newTable(w, "AT", "ACTION", "REASON", "SCOPE", "SOURCE", "NOTE", "RECORDED")
			for _, e := range told.Entries {
				note := e.Note
				if e.Action == ledger.Rekeyed {
					note = "took over what was known under the key " + e.Former.Short()
				}
				t.row(e.At, e.Action, e.Reason, e.Scope, e.Source, note, e.RecordedAt)
			}
			t.end()
		}
		if told.Verified {
			fmt.Fprintf(w, "the chain is verified; entries: %d\n", len(told.Entries))
		}
	})
}
