package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

type scrub struct {
	File    string              `arg:"" help:"CSV with any separator, line ends and encoding, or NDJSON where its name ends in .ndjson or .jsonl."`
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Without it a suppression in any scope blocks."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
	Channel contact.Channel     `enum:"email,sms," default:"" help:"email or sms: look at this channel's addresses only. Without it every address of a line must be one to send to."`
	Region  string              `placeholder:"NO" help:"Country, two letters, of numbers without + or 00."`
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
