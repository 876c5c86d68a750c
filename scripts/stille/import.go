package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

type importCmd struct {
	File   string `arg:"" help:"CSV, or NDJSON where its name ends in .ndjson or .jsonl."`
	Scope  string `placeholder:"SCOPE" help:"Whose messages stop where a line does not say: a brand, a topic of it, or * for all. May be left out where there is one brand."`
	Region string `placeholder:"NO" help:"Country, two letters, of numbers without + or 00."`
	Zone   zone   `default:"Europe/Oslo" help:"Whose day it is where a line gives a date and no time."`
	DryRun bool   `help:"Read the file, change nothing, write no file."`
}

// Help names the columns and what becomes of a line.
func (importCmd) Help() string {
	withdraw, keep := suppression.ReportedWithdrawals()
	return `Takes over opt-outs from another system. An import can only silence: it lifts nothing, and an event older than a newer consent is recorded without effect.

The columns are channel and address, and, where there are, scope, reason, since and source; their order is free, the first line names them. scope: a brand, a topic, or * for all. reason: imported where there is none. since: when it was said, like 2026-11-20T08:00:00Z, or a date, which counts to its end; now where there is none. source: what the old system calls it, a reference.

The reasons ` + suppression.Enumerate(withdraw, "and") + ` also withdraw the contact's older messaging records, which the next purge deletes. ` + suppression.Enumerate(keep, "and") + ` do not.

A line that cannot be taken does not stop the others. It goes to FILE.rejects, with its number and the reason; correct it there and import it from a file of its own. FILE.progress says how far the import came: the same command goes on from there, tries rejected lines again, and changes nothing that was done. Both files lie beside FILE; FILE.rejects holds addresses.

    $ stille import old.csv --dry-run
    $ stille import old.csv --scope acme`
}

type importAnswer struct {
	operator.ImportCounts
	DryRun  bool      `json:"dryRun"`
	Started time.Time `json:"started"` // the first time: the time of a line that names none
	Before  bool      `json:"before"`  // all was done before
	Rejects string    `json:"rejects,omitempty"`
}

func (a *importAnswer) text(w io.Writer) {
	switch {
	case a.DryRun:
		fmt.Fprintf(w, "a dry run, nothing is changed\n\nlines      %d\nvalid      %d\n", a.Lines, a.Valid)
	default:
		if a.Before {
			fmt.Fprintf(w, "all of this file was imported before, beginning at %s:\n\n", instantText(a.Started))
		}
		fmt.Fprintf(w, "lines      %d\nadded      %d\nrenewed    %d, suppressed before by an older event\nnoted      %d, as newer consent is known\nunchanged  %d, as an event as new or newer was known\n",
			a.Lines, a.Added, a.Renewed, a.Noted, a.Same)
	}
	fmt.Fprintf(w, "rejected   %d\n", a.Rejected)
	for _, why := range slices.Sorted(maps.Keys(a.Why)) {
		fmt.Fprintf(w, "  %d: %s (first in line %d)\n", a.Why[why].Lines, why, a.Why[why].First)
	}
	if a.Rejects != "" {
		fmt.Fprintf(w, "\nnext: correct %s\n", a.Rejects)
	}
}

// Run imports the file.
func (c importCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	im, err := o.Import(ctx, operator.ImportSettings{Scope: c.Scope, Region: c.Region, Zone: c.Zone.Location, DryRun: c.DryRun})
	if err != nil {
		return err
	}
	file, in, err := c.open()
	if err != nil {
		return err
	}
	defer file.Close()
	answer := &importAnswer{DryRun: c.DryRun, Started: im.Began.UTC()}
	if c.DryRun {
		err = importRows(ctx, s, im, in, nil)
	} else {
		err = c.importOnce(ctx, s, im, in, answer)
	}
	if err != nil {
		return err
	}
	answer.ImportCounts = im.Counts
	if answer.Rejected > 0 {
		err = fmt.Errorf("lines that were not taken: %d", answer.Rejected)
		if !c.DryRun {
			answer.Rejects = c.File + files.RejectsSuffix
		}
	}
	return show(s, answer, err, func(w io.Writer, a *importAnswer) { a.text(w) })
}

// importOnce takes every line that an earlier try did not take.
func (c importCmd) importOnce(ctx context.Context, s *session, im *operator.Import, in *files.Contacts, answer *importAnswer) error {
	log, err := files.OpenImportLog(c.File, im)
	if err != nil {
		return err
	}
	im.Began, im.Counts, answer.Started, answer.Before = log.Started, log.Counts, log.Started, log.Done
	if log.Done {
		return nil
	}
	if log.Line > 0 {
		s.say("going on behind line %d", log.Line)
	}
	if err := log.Begin(); err != nil {
		return err
	}
	return errors.Join(importRows(ctx, s, im, in, log), log.End())
}

// importAtOnce is how many lines are taken before the log is written.
const importAtOnce = 250

// importRows takes the lines behind those that the log names as done. A dry run
// has no log.
func importRows(ctx context.Context, s *session, im *operator.Import, in *files.Contacts, log *files.ImportLog) error {
	shown := s.progress()
	defer shown.end()
	done, lines := 0, 0
	if log != nil {
		done, lines = log.Line, log.Lines
	}
	for {
		rows, err := in.Rows(done, importAtOnce)
		if err != nil {
			return err
		}
		whys, err := im.Take(ctx, rows)
		if err != nil {
			return fmt.Errorf("%w; what was done before line %d is done: the same command goes on from there", err, done+1)
		}
		if len(rows) > 0 {
			done = rows[len(rows)-1].Line
		}
		last := len(rows) < importAtOnce
		if log != nil {
			if err := log.Note(rows, whys, last, im.Counts); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
		shown.at(done, lines, "lines")
	}
}

// open opens the file and begins to read it.
func (c importCmd) open() (*os.File, *files.Contacts, error) {
	file, err := files.Open(c.File)
	if err != nil {
		return nil, nil, err
	}
	in, err := files.ReadContacts(c.File, file, operator.ImportColumns(), true)
	for _, required := range []string{"channel", "address"} {
		if err == nil && !in.Has(required) {
			err = usage("the header has no column %s", required)
		}
	}
	if err != nil {
		_ = file.Close()
	}
	return file, in, err
}
