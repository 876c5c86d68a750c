package files

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"stille/shared/operator"
)

// Export writes the suppression list to a file. counted is told how many contacts are
// written. The error of suppressions that cannot be read comes with the answer.
func Export(ctx context.Context, o *operator.Operator, name, inScope string, counted func(contacts int)) (*operator.Exported, error) {
	format, err := ListFormat(name)
	if err != nil {
		return nil, err
	}
	var answer operator.Exported
	err = Replace(name, func(w io.Writer) (err error) {
		answer, err = o.Export(ctx, inScope, format(w), counted)
		return err
	})
	if err != nil {
		return nil, err
	}
	answer.File = name
	if answer.Unreadable > 0 {
		return &answer, fmt.Errorf("suppressions that cannot be read: %d; nothing is sent to them, and the file names their keys", answer.Unreadable)
	}
	return &answer, nil
}

// ListFormat finds the format of a list by the name of its file.
func ListFormat(name string) (Format, error) {
	switch filepath.Ext(name) {
	case ".csv":
		return asCSV, nil
	case ".ndjson", ".jsonl":
		return asNDJSON, nil
	}
	return nil, operator.Mistakef("the name must end in .csv, .ndjson or .jsonl")
}

// Format returns what writes the lines of a list to a file.
type Format func(io.Writer) func(operator.Listed) error

func asCSV(w io.Writer) func(operator.Listed) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"key", "channel", "scope", "reason", "first", "last", "source", "released", "mergedInto"})
	out.Flush()
	return func(l operator.Listed) error {
		_ = out.Write([]string{
			string(l.Key), string(l.Channel), string(l.Scope), string(l.Reason), moment(l.First), moment(l.Last), string(l.Source), moment(l.Released), string(l.MergedInto),
		})
		out.Flush()
		return out.Error() // of the header too
	}
}

// moment is a time in a file: exact, and empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func asNDJSON(w io.Writer) func(operator.Listed) error {
	lines := json.NewEncoder(w)
	return func(l operator.Listed) error { return lines.Encode(l) }
}
