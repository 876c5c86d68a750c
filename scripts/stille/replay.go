package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"stille/shared/operator"
	"stille/shared/operator/files"
)

type replay struct {
	Repair bool    `xor:"what" help:"Write what the list lacks; without it, only look."`
	Events instant `xor:"what" placeholder:"SINCE" help:"Send the events since this time again, and withdraw records; the list stays as it is."`
	Rate   uint32  `placeholder:"N" help:"With --events: at most N entries a second."`
}

// Validate refuses a rate of nothing.
func (r replay) Validate() error {
	if r.Rate > 0 && r.Events.IsZero() {
		return errors.New("--rate: say --events SINCE as well")
	}
	return nil
}

// Run goes through the whole ledger.
func (r replay) Run(ctx context.Context, s *session, o *operator.Operator) error {
	if !r.Events.IsZero() {
		return r.sendEvents(ctx, s, o)
	}
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

func (r replay) sendEvents(ctx context.Context, s *session, o *operator.Operator) error {
	shown := s.progress()
	sent, err := files.ReplayEvents(ctx, o, s.folder, r.Events.Time, int(r.Rate), s.sleep, func(entries int) { shown.at(entries, 0, "entries sent") })
	shown.end()
	return show(s, sent, err, func(w io.Writer, did *operator.SentEvents) {
		fmt.Fprintf(w, "entries    %d\nevents     %d\nwithdrawn  %d\n", did.Entries, did.Events, did.Withdrawn)
		if did.Faults > 0 {
			fmt.Fprintf(w, "\n%d entries or records cannot be read and were left out. stille mend CLASS counts the records.\n", did.Faults)
		}
	})
}
