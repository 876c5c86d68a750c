package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/ledger"
)

type replay struct {
	Repair bool `help:"Bring back what is lacking; without it, only look."`
}

// Help says when to use it.
func (replay) Help() string {
	return `After the suppression list was restored from a backup it lacks what came later; its ledger, a table of its own, does not. This holds every contact's history against the list and, with --repair, brings back what the list lacks. Opt-outs may come in meanwhile. It fails (1) where a history does not hold together: that one is left alone.

    $ stille replay
    $ stille replay --repair`
}

// replayAnswer is what was found, and with --repair brought back.
type replayAnswer struct {
	Histories int  `json:"histories"`
	Lacking   int  `json:"lacking"`  // suppressions that lacked something
	Broken    int  `json:"broken"`   // histories that do not hold together, and items that cannot be read
	Repaired  bool `json:"repaired"` // what was lacking was brought back
}

func (a replayAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "histories  %d\nlacking   %2d\nbroken    %2d\n", a.Histories, a.Lacking, a.Broken)
	switch {
	case a.Lacking > 0 && a.Repaired:
		fmt.Fprintln(w, "\nwhat was lacking is back")
	case a.Lacking > 0:
		fmt.Fprintln(w, "\nnext: stille replay --repair")
	}
}

// Run goes through the whole ledger, strongly: first the items, then which
// of them another took over.
func (r replay) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	answer := replayAnswer{Repaired: r.Repair}
	note := func(key contact.Key, lacking bool, err error) error {
		if lacking {
			answer.Lacking++
		}
		if errors.Is(err, ledger.ErrBroken) || errors.Is(err, dynamo.ErrUnreadable) {
			answer.Broken++
			s.say("under the key %s: %v", key.Short(), err)
			return nil
		}
		return err
	}
	err = sys.suppressions.EachHistory(ctx, func(key contact.Key) error {
		answer.Histories++
		lacking, err := sys.suppressions.Replay(ctx, key, r.Repair)
		return note(key, lacking, err)
	})
	if err != nil {
		return err
	}
	err = sys.suppressions.EachTakingOver(ctx, func(e ledger.Entry) error {
		lacking, err := sys.suppressions.ReplayTakingOver(ctx, e, r.Repair)
		return note(e.Former, lacking, err)
	})
	if err != nil {
		return err
	}
	if err := s.show(answer); err != nil {
		return err
	}
	if answer.Broken > 0 {
		return errors.New("some histories do not hold together, or items cannot be read; these are left alone")
	}
	return nil
}
