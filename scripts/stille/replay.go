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
