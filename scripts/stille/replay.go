package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
)

type replay struct {
	Repair bool `help:"Write what the list lacks; without it, only look."`
}

// Help says when to use the command.
func (replay) Help() string {
	return `A suppression list that was restored from a backup lacks what came later; its ledger is a table of its own and lacks nothing. This command compares every contact's history with the list and, with --repair, writes what the list lacks. Opt-outs may come in meanwhile. A history that does not hold together is left alone, and the command fails (1).

    $ stille replay
    $ stille replay --repair`
}

// Run goes through the whole ledger.
func (r replay) Run(ctx context.Context, s *session, o *operator.Operator) error {
	replayed, err := o.Replay(ctx, r.Repair)
	if replayed != nil {
		for _, fault := range replayed.Faults {
			s.say("%v", fault)
		}
	}
	return show(s, replayed, err, func(w io.Writer, a *operator.Replay) {
		fmt.Fprintf(w, "histories  %d\nlacking   %2d\nbroken    %2d\n", a.Histories, a.Lacking, a.Broken)
		switch {
		case a.Lacking > 0 && a.Repaired:
			fmt.Fprintln(w, "\nwhat was lacking is back")
		case a.Lacking > 0:
			next(w, "stille replay --repair")
		}
	})
}
