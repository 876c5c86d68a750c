package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"stille/shared/api"
	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/scope"
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
	return `Takes over opt-outs from another system. An import can only silence: it lifts nothing, and an older event than a newer consent is recorded without effect.

The columns are channel and address, and, where there are, scope, reason, since and source; their order is free, the first line names them. scope: a brand, a topic, or * for all. reason: imported where there is none. since: when it was said, like 2026-11-20T08:00:00Z, or a date, which counts to its end; now where there is none. source: what the old system calls it, a reference.

A reason that is a person's word has consequences, as everywhere: unsubscribed, stop, objection, complaint and manual also withdraw the contact's older messaging records, which go with the next purge. imported and hard-bounce do not.

A line that cannot be taken stops no other. It goes to FILE.rejects, with its number and why; correct it there and import it from a file of its own. FILE.progress says how far it came: the same command goes on from there, tries rejected lines again, and changes nothing of what was done. Both files lie beside FILE; the one holds addresses.

    $ stille import old.csv --dry-run
    $ stille import old.csv --scope acme`
}

// importColumns are those that a file of opt-outs may have.
func importColumns() []string {
	return []string{"channel", "address", "scope", "reason", "since", "source"}
}

// importCounts is what became of the lines.
type importCounts struct {
	Lines    int               `json:"lines"` // that are not empty, without a header
	Added    int               `json:"added"`
	Renewed  int               `json:"renewed"`   // suppressed before, by an older event
	Noted    int               `json:"noted"`     // recorded; newer consent is known
	Same     int               `json:"unchanged"` // an event as new or newer was known
	Valid    int               `json:"valid"`     // of a dry run
	Rejected int               `json:"rejected"`
	Why      map[string]reject `json:"why,omitempty"`
}

// reject is how many lines were not taken for one reason.
type reject struct {
	Lines int `json:"lines"`
	First int `json:"first"` // number of the first of them
}

type importAnswer struct {
	importCounts
	DryRun  bool      `json:"dryRun"`
	Started time.Time `json:"started"` // the first time; when it was said where a line does not tell
	Before  bool      `json:"before"`  // all was done before
	Rejects string    `json:"rejects,omitempty"`
}

func (a importAnswer) text(w io.Writer) {
	switch {
	case a.DryRun:
		fmt.Fprintf(w, "a dry run, nothing is changed\n\nlines      %d\nvalid      %d\n", a.Lines, a.Valid)
	default:
		if a.Before {
			fmt.Fprintf(w, "all of this file was imported before, beginning at %s:\n\n", a.Started.Format(time.RFC3339))
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

// importer takes the lines of one file.
type importer struct {
	importCmd
	sys    *system // nil for a dry run
	scopes *scope.Registry
	inCase scope.Scope // where a line names none; "" where it must
	began  time.Time   // when it was said where a line does not tell
	clock  func() time.Time
	answer importAnswer
}

// Run imports the file.
func (c importCmd) Run(ctx context.Context, s *session) error {
	im := importer{importCmd: c, began: s.now(), clock: s.now, answer: importAnswer{DryRun: c.DryRun}}
	var err error
	if im.scopes, im.inCase, err = s.scopes(ctx, c.Scope); err != nil {
		return err
	}
	if only, ok := im.scopes.Only(); ok && c.Scope == "" {
		im.inCase = only.Scope
	}
	if c.DryRun {
		err = im.try(s)
	} else {
		err = im.all(ctx, s)
	}
	if err != nil {
		return err
	}
	if err := s.show(im.answer); err != nil {
		return err
	}
	if im.answer.Rejected > 0 {
		return fmt.Errorf("lines that were not taken: %d", im.answer.Rejected)
	}
	return nil
}

// optOut is a line that can be taken.
type optOut struct {
	of     contact.Contact
	change suppression.Change
}

// read reads a line. The error says why it cannot be taken, and repeats nothing
// of it.
func (im importer) read(r row) (optOut, error) {
	if r.err != nil {
		return optOut{}, r.err
	}
	ch, err := contact.ParseChannel(strings.ToLower(r.field("channel")))
	if err != nil {
		return optOut{}, errors.New("channel: must be email or sms")
	}
	who, err := contact.Normalise(ch, r.fields["address"], im.Region)
	if err != nil {
		return optOut{}, fmt.Errorf("address: %s", operator.WhyInvalid(err))
	}
	c := suppression.Change{Action: suppression.Suppress, Reason: suppression.Imported, Source: suppression.SourceImport}
	for _, part := range []func(*suppression.Change, row) error{im.readScope, im.readReason, im.readSince, im.readSource} {
		if err := part(&c, r); err != nil {
			return optOut{}, err
		}
	}
	return optOut{who, c}, nil
}

func (im importer) readScope(c *suppression.Change, r row) error {
	c.Scope = scope.Scope(r.field("scope"))
	if c.Scope == "" {
		c.Scope = im.inCase
	}
	if _, known := im.scopes.Lookup(c.Scope); !known && c.Scope != scope.Everywhere {
		if c.Scope == "" {
			return fmt.Errorf("scope: missing, and --scope is not given; there are %s, and * for all", operator.ScopeNames(im.scopes))
		}
		return fmt.Errorf("scope: there is no such scope; there are %s, and * for all", operator.ScopeNames(im.scopes))
	}
	return nil
}

func (im importer) readReason(c *suppression.Change, r row) error {
	named := r.field("reason")
	if named == "" {
		return nil
	}
	var known bool
	switch c.Reason, known = suppression.ParseReason(named); {
	case !known:
		return errors.New("reason: must be unsubscribed, stop, objection, complaint, hard-bounce, manual or imported")
	case c.Reason == suppression.Erasure:
		return errors.New("reason: an erasure is asked for with `stille subject erase`")
	}
	return nil
}

// readSince takes the end of a day for a date: an opt-out of the same day as a
// consent may have been the later one.
func (im importer) readSince(c *suppression.Change, r row) error {
	given := r.field("since")
	if given == "" {
		c.At = im.began
		return nil
	}
	at, err := time.Parse(time.RFC3339, given)
	if err != nil {
		noon, err := parseStart(given, im.Zone.Location)
		if err != nil {
			return errors.New("since: must be a time like 2026-11-20T08:00:00Z, or a date like 2026-11-20")
		}
		if at = noon.Add(12*time.Hour - time.Second); at.After(im.began) && at.Add(-24*time.Hour).Before(im.began) {
			at = im.began // today
		}
	}
	if at.After(im.began) || at.Year() < 1970 {
		return errors.New("since: must not be in the future, nor before 1970")
	}
	c.At = at.UTC()
	return nil
}

func (im importer) readSource(c *suppression.Change, r row) error {
	named := r.field("source")
	if named == "" {
		return nil
	}
	if (new(reference)).UnmarshalText([]byte(named)) != nil {
		return errors.New("source: must be 1 to 64 characters of A-Za-z0-9._:/-")
	}
	c.Source += suppression.Source(":" + named)
	return nil
}

// apply takes what can be of some lines, many at once, and notes what became of
// each. An error means that any of them may be written; they may all be taken
// again.
func (im *importer) apply(ctx context.Context, rows []row) ([]rejected, error) {
	set, err := im.sys.keys.Contact(ctx) // read again now and then: see keys.Ring
	if err != nil {
		return nil, fmt.Errorf("fetching the contact keys: %w", err)
	}
	took, err := api.Each(ctx, rows, func(ctx context.Context, r row) (taken, error) {
		asked, err := im.read(r)
		if err != nil {
			return taken{why: err.Error()}, nil
		}
		who, err := set.Known(asked.of)
		if err != nil {
			return taken{}, err
		}
		outcome, err := im.sys.suppressions.Apply(ctx, who, asked.change, im.clock())
		if errors.Is(err, dynamo.ErrUnreadable) {
			return taken{why: "what is stored of this contact cannot be read; until it is mended nothing is sent"}, nil
		}
		return taken{effect: outcome.Effect}, err
	})
	if err != nil {
		return nil, err
	}
	var not []rejected
	for i, t := range took {
		im.answer.note(rows[i], t)
		if t.why != "" {
			not = append(not, rejected{rows[i], t.why})
		}
	}
	return not, nil
}

// taken is what became of a line.
type taken struct {
	effect suppression.Effect
	why    string // it was rejected
}

// rejected is a line that was not taken.
type rejected struct {
	row
	why string
}

// note counts what became of a line.
func (a *importAnswer) note(r row, t taken) {
	a.Lines++
	switch {
	case t.why != "":
		a.Rejected++
		if a.Why == nil {
			a.Why = map[string]reject{}
		}
		of := a.Why[t.why]
		if of.Lines++; of.First == 0 {
			of.First = r.line
		}
		a.Why[t.why] = of
	case a.DryRun:
		a.Valid++
	case t.effect == suppression.Added:
		a.Added++
	case t.effect == suppression.Renewed:
		a.Renewed++
	case t.effect == suppression.NotedOnly:
		a.Noted++
	default:
		a.Same++
	}
}
