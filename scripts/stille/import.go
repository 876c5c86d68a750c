package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

type importCmd struct {
	File    string             `arg:"" check:"file" help:"CSV, NDJSON or JSON: a list of opt-outs."`
	Channel contact.Channel    `enum:"email,sms," default:"" help:"email or sms: of an address whose line names no channel. Without it the form of the address decides."`
	Scope   string             `placeholder:"SCOPE" help:"Whose messages stop where a line does not say: a brand, a topic of it, or * for all. May be left out where there is one brand."`
	Reason  suppression.Reason `enum:"${reasons}," default:"" placeholder:"REASON" help:"Why, where a line does not say: one of ${reasons}. The default is what a known export means, else imported."`
	Zone    zone               `placeholder:"ZONE" help:"Of times without a zone, like Europe/Oslo. The default is the policy's, or the zone of a known export."`
	DryRun  bool               `help:"Read the file, change nothing, write no file."`
	Map     []operator.Mapping `sep:"none" placeholder:"COLUMN=FIELD" help:"What a column tells: channel, address, scope, reason, since or source. May be repeated."`
	regional
	columnFlags
}

// columnFlags are the flags about the columns that name contacts.
type columnFlags struct {
	Email  []string `name:"email-column" sep:"none" placeholder:"COLUMN" help:"A column of e-mail addresses. May be repeated."`
	Phone  []string `name:"phone-column" sep:"none" placeholder:"COLUMN" help:"A column of phone numbers. May be repeated."`
	Ignore []string `name:"ignore-column" sep:"none" placeholder:"COLUMN" help:"A column that looks like addresses or numbers, and is passed over. May be repeated."`
}

func importText(w io.Writer, a *files.Imported) {
	switch {
	case a.DryRun:
		fmt.Fprint(w, "a dry run, nothing is changed\n\n")
	case a.Before:
		fmt.Fprintf(w, "all of this file was imported before, beginning at %s:\n\n", instantText(a.Started))
	}
	showColumns(w, a.Columns)
	fmt.Fprintf(w, "lines      %d\ntaken      %d\n", a.Lines, a.Taken)
	if !a.DryRun {
		fmt.Fprintf(w, "added      %d\nrenewed    %d, suppressed before by an older event\nnoted      %d, as newer consent is known\nunchanged  %d, as an event as new or newer was known\n",
			a.Added, a.Renewed, a.Noted, a.Same)
	}
	if a.Skipped > 0 {
		fmt.Fprintf(w, "skipped    %d, as the line says that the person wants messages\n", a.Skipped)
	}
	fmt.Fprintf(w, "doubts     %d\n", a.Doubts)
	showWhys(w, a.Doubtful)
	fmt.Fprintf(w, "rejected   %d\n", a.Rejected)
	showWhys(w, a.Why)
	if a.Partial {
		fmt.Fprint(w, "\nnote: the file has a NextToken: the list is not whole; export the other pages and import them too\n")
	}
	if a.Rejects != "" {
		next(w, "correct "+a.Rejects+", then stille import "+a.Rejects)
	}
}

func (c columnFlags) columns() operator.ColumnFlags {
	return operator.ColumnFlags{Email: c.Email, Phone: c.Phone, Ignore: c.Ignore}
}

// showColumns names the columns that were used, and the others.
func showColumns(w io.Writer, columns operator.ColumnsUsed) {
	fmt.Fprintf(w, "used       %s\n", strings.Join(columns.Names, ", "))
	if len(columns.Unused) > 0 {
		fmt.Fprintf(w, "not used   %s\n", strings.Join(columns.Unused, ", "))
	}
}

func showWhys(w io.Writer, whys map[string]operator.Reject) {
	for _, why := range slices.Sorted(maps.Keys(whys)) {
		fmt.Fprintf(w, "  %d: %s (first in line %d)\n", whys[why].Lines, why, whys[why].First)
	}
}

func (c importCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	columns := c.columns()
	columns.Map = c.Map
	im, err := o.Import(ctx, operator.ImportSettings{
		Scope: c.Scope, Channel: c.Channel, Reason: c.Reason, Region: c.Region, Zone: c.Zone.Location, DryRun: c.DryRun, Columns: columns,
	})
	if err != nil {
		return err
	}
	shown := s.progress()
	answer, err := files.Import(ctx, c.File, im, func(lines, of int) {
		if shown.since.IsZero() && lines > 0 {
			s.say("going on behind row %d", lines)
		}
		shown.at(lines, of, "lines")
	})
	shown.end()
	return show(s, answer, err, importText)
}

type scrub struct {
	File    string              `arg:"" check:"file" help:"CSV with any separator, line ends and encoding, or NDJSON where its name ends in .ndjson or .jsonl."`
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Without it a suppression in any scope blocks, and no basis is asked for."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
	Channel contact.Channel     `enum:"email,sms," default:"" help:"email or sms: look at this channel's addresses only. Without it every address of a line must be one to send to."`
	regional
	columnFlags
}

func (c scrub) Run(ctx context.Context, s *session, o *operator.Operator) error {
	rules, err := o.Scrub(ctx, c.Scope, operator.Scrub{Purpose: c.Purpose, Channel: c.Channel, Region: c.Region})
	if err != nil {
		return err
	}
	shown := s.progress()
	scrubbed, err := files.Scrub(ctx, c.File, rules, c.columns(), s.now(), func(lines, of int) { shown.at(lines, of, "lines") })
	shown.end()
	return show(s, scrubbed, err, func(w io.Writer, a *files.Scrubbed) {
		showColumns(w, a.Columns)
		fmt.Fprintf(w, "as of       %s\nlines       %d\nclean       %d\nsuppressed  %d\n", instantText(a.AsOf), a.Lines, a.Clean, a.Suppressed)
		for _, why := range slices.Sorted(maps.Keys(a.Why)) {
			fmt.Fprintf(w, "  %d: %s\n", a.Why[why], why)
		}
		fmt.Fprintln(w)
		for _, file := range a.Files {
			fmt.Fprintln(w, file)
		}
	})
}
