package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"stille/shared/operator"
)

type exportCmd struct {
	File string `arg:"" help:"The file to write: CSV where its name ends in .csv, NDJSON where it ends in .ndjson or .jsonl."`
}

// Help says what stands for the address.
func (exportCmd) Help() string {
	return `Writes the whole suppression list, a line for every reason of every contact in every scope: key, channel, scope, reason, first, last, source, released, and mergedInto: the newer contact key that took the line over. A reason stands where released is empty or not later than last.

No address is stored, so the key stands for it: the file can be counted, compared and kept as evidence, but not imported elsewhere. An item that cannot be read has the reason "unreadable", and is suppressed; the command then fails (1), once the file is written. The file is no snapshot: a change of the same minute may be in it or not.

    $ stille export list.csv`
}

// Run writes the list.
func (e exportCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	format, ok := map[string]listFormat{".csv": asCSV, ".ndjson": asNDJSON, ".jsonl": asNDJSON}[filepath.Ext(e.File)]
	if !ok {
		return usage("the name must end in .csv, .ndjson or .jsonl")
	}
	shown := s.progress()
	var answer operator.Exported
	err := replaceFile(e.File, func(w io.Writer) error {
		put, flush := format(w)
		var err error
		answer, err = o.Export(ctx, put, func(contacts int) { shown.at(contacts, 0, "contacts") })
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

// listFormat writes the lines of a list to a file.
type listFormat func(io.Writer) (put func(operator.Listed) error, flush func() error)

func asCSV(w io.Writer) (put func(operator.Listed) error, flush func() error) {
	out := csv.NewWriter(w)
	headed := out.Write([]string{"key", "channel", "scope", "reason", "first", "last", "source", "released", "mergedInto"})
	put = func(l operator.Listed) error {
		return out.Write([]string{
			string(l.Key), string(l.Channel), string(l.Scope), string(l.Reason), moment(l.First), moment(l.Last), string(l.Source), moment(l.Released), string(l.MergedInto),
		})
	}
	return put, func() error {
		out.Flush()
		if headed != nil {
			return headed
		}
		return out.Error()
	}
}

// moment is a time in a file: exact, and empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func asNDJSON(w io.Writer) (put func(operator.Listed) error, flush func() error) {
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	return func(l operator.Listed) error { return lines.Encode(l) }, out.Flush
}
