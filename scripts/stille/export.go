package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
	"stille/shared/operator/files"
)

type exportCmd struct {
	File  string `arg:"" help:"The file to write: CSV where its name ends in .csv, NDJSON where it ends in .ndjson or .jsonl."`
	Scope string `placeholder:"SCOPE" help:"Only what stops messages of this brand or topic: said there, below it or for all brands."`
}

func (e exportCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	format, err := files.ListFormat(e.File)
	if err != nil {
		return err
	}
	shown := s.progress()
	var answer operator.Exported
	err = files.Replace(e.File, func(w io.Writer) error {
		put, flush := format(w)
		var err error
		answer, err = o.Export(ctx, e.Scope, put, func(contacts int) { shown.at(contacts, 0, "contacts") })
		if err != nil {
			return err
		}
		return flush()
	})
	shown.end()
	if err != nil {
		return err
	}
	answer.File = e.File
	if answer.Unreadable > 0 {
		err = fmt.Errorf("suppressions that cannot be read: %d; nothing is sent to them, and the file names their keys", answer.Unreadable)
	}
	return show(s, &answer, err, func(w io.Writer, a *operator.Exported) {
		fmt.Fprintf(w, "contacts  %d\nlines     %d, without a header\n\n%s\n", a.Contacts, a.Lines, a.File)
	})
}
