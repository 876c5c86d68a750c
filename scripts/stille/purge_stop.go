package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"stille/shared/purge"
)

type purgeStop struct {
	ID string `arg:"" name:"run" help:"The run: the execution's name."`
}

// Help says when it takes effect.
func (purgeStop) Help() string {
	return `Every shard of the run stops before its next page of up to 99 records. What is deleted by then stays deleted and is in the run's certificate; the rest is taken up by the next run.

    $ stille purge stop 0b9c2f6e-1c1d-4a53-9d8b-2f6a3e0d7c11`
}

type stopAnswer struct {
	Run   string `json:"run"`
	Class string `json:"class"`
	By    string `json:"by"`
}

func (a stopAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "asked to stop: %s of %s\n\nnext: stille purge show %s\n", a.Run, a.Class, a.Run)
}

// Run asks the run to stop.
func (p purgeStop) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	run, err := findRun(ctx, s, sys, p.ID)
	if err != nil {
		return err
	}
	by, err := sys.principal(ctx)
	if err != nil {
		return err
	}
	err = sys.runs.Stop(ctx, run.Class, run.ID, by)
	if errors.Is(err, purge.ErrNoRun) {
		return fmt.Errorf("the run has ended already; `stille purge show %s` says how", run.ID)
	}
	if err != nil {
		return err
	}
	return s.show(stopAnswer{Run: run.ID, Class: run.Class, By: by})
}
