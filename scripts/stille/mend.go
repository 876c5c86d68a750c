package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"stille/shared/operator"
	"stille/shared/purge"
)

type mend struct {
	Class string `arg:"" help:"The retention class."`
	Rate  int    `placeholder:"N" help:"Repair at most N records a second; without it, as fast as the table takes them."`
}

func (m mend) Run(ctx context.Context, s *session, o *operator.Operator) error {
	file := filepath.Join(s.folder, "mend-"+filepath.Base(m.Class)+".progress")
	work, err := m.begun(file)
	if err != nil {
		return err
	}
	shown := s.progress()
	answer, err := o.Mend(ctx, work, m.Rate, s.sleep, func(at purge.MendWork) error {
		shown.at(at.Did.Scanned, 0, "records read")
		text, err := json.Marshal(at)
		if err != nil {
			return fmt.Errorf("writing how far the repair is: %w", err)
		}
		return os.WriteFile(file, text, 0o600)
	})
	shown.end()
	if err == nil {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the repair is done, and its progress file stays: %w", err)
		}
	}
	return show(s, answer, err, func(w io.Writer, did *purge.Mended) {
		fmt.Fprintf(w, "scanned    %d\nstamped    %d\nwithdrawn  %d\nclaimed    %d\n", did.Scanned, did.Stamped, did.Withdrawn, did.Claimed)
		if did.Faults > 0 {
			fmt.Fprintf(w, "\n%d records cannot be repaired: a start is implausible, an attribute is unreadable, or another record has the contact's slot. The audit names them.\n", did.Faults)
		}
	})
}

// begun reads how far an interrupted repair of the class came.
func (m mend) begun(file string) (purge.MendWork, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return purge.NewMendWork(m.Class), nil
	}
	if err != nil {
		return purge.MendWork{}, fmt.Errorf("reading how far the repair is: %w", err)
	}
	var work purge.MendWork
	if err := json.Unmarshal(text, &work); err != nil || work.Class != m.Class || len(work.Segments) == 0 {
		return work, operator.Mistakef("%s is no progress of this repair: remove the file to begin from the start", filepath.Base(file))
	}
	return work, nil
}
