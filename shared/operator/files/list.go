package files

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"path/filepath"
	"time"

	"stille/shared/operator"
)

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

// Format writes the lines of a list to a file.
type Format func(io.Writer) (put func(operator.Listed) error, flush func() error)

func asCSV(w io.Writer) (put func(operator.Listed) error, flush func() error) {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"key", "channel", "scope", "reason", "first", "last", "source", "released", "mergedInto"})
	put = func(l operator.Listed) error {
		return out.Write([]string{
			string(l.Key), string(l.Channel), string(l.Scope), string(l.Reason), moment(l.First), moment(l.Last), string(l.Source), moment(l.Released), string(l.MergedInto),
		})
	}
	return put, func() error {
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

func asNDJSON(w io.Writer) (put func(operator.Listed) error, flush func() error) {
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	return func(l operator.Listed) error { return lines.Encode(l) }, out.Flush
}
