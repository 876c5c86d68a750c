package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
	"stille/shared/operator/files"
)

type report struct {
	Month string `check:"month" required:"" placeholder:"YYYY-MM" help:"The month, as 2026-11."`
	Out   string `placeholder:"FILE" help:"Where the page goes; the default is stille-YYYY-MM.html, in the working directory."`
}

// dollarsAnEntry is what it costs to read an entry of the ledger, of up to 1 KB, on
// demand in us-east-1.
const dollarsAnEntry = 0.125e-6 / 4

// Run writes the page, or with --json prints what it says.
func (r report) Run(ctx context.Context, s *session, o *operator.Operator) error {
	made, err := o.Month(ctx, r.Month, func(entries int) {
		s.say("reading the whole ledger: about %d entries, about $%.2f", entries, float64(entries)*dollarsAnEntry)
	})
	if err != nil {
		return err
	}
	out := r.Out
	if out == "" && !s.options.JSON {
		out = "stille-" + made.Month + ".html"
	}
	if out != "" {
		write := func(w io.Writer) error { return files.WriteReport(w, made) }
		if err := files.Replace(out, write); err != nil {
			return err
		}
	}
	return show(s, made, nil, func(w io.Writer, _ *operator.Report) { fmt.Fprintf(w, "wrote %s\n", out) })
}
