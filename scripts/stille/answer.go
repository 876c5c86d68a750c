package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"stille/shared/operator/screen"
)

// show prints the answer of a use case, as JSON or as text, and returns err: an
// answer may come with an error, and an error without an answer.
func show[T any](s *session, answer *T, err error, text func(w io.Writer, answer *T)) error {
	if answer == nil {
		return err
	}
	var out bytes.Buffer
	if s.options.JSON {
		if err := json.NewEncoder(&out).Encode(answer); err != nil {
			return fmt.Errorf("writing the answer: %w", err)
		}
	} else {
		text(&out, answer)
	}
	shown := out.Bytes()
	if !s.options.All && !s.options.JSON {
		shown = screen.Cut(shown)
	}
	if s.colour && !s.options.JSON {
		shown = screen.Colour(shown)
	}
	if _, err := s.stdout.Write(shown); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return err
}

// verdict returns errNo where an answer that was printed is a no.
func verdict(yes bool, err error) error {
	if err == nil && !yes {
		return errNo
	}
	return err
}

// table prints rows as the screen's columns.
type table struct {
	w    io.Writer
	rows [][]string // the first row names the columns
}

func newTable(w io.Writer, head ...any) *table {
	t := &table{w: w}
	t.row(head...)
	return t
}

// row adds a row. An empty cell and a zero time are shown as "-".
func (t *table) row(cells ...any) {
	row := make([]string, len(cells))
	for i, value := range cells {
		row[i] = cell(value)
	}
	t.rows = append(t.rows, row)
}

// end prints the table, or the sentence for a table without rows.
func (t *table) end(empty ...string) {
	if len(t.rows) == 1 && len(empty) > 0 {
		fmt.Fprintln(t.w, empty[0])
		return
	}
	fmt.Fprint(t.w, screen.Columns(t.rows))
}

func cell(value any) string {
	text := fmt.Sprint(value)
	if at, ok := value.(time.Time); ok {
		text = instantText(at)
	}
	if text == "" {
		return screen.Absent
	}
	return text
}

// instantText is a time as every answer shows it; empty for none.
func instantText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339)
}

// next prints the command to type next, if there is one.
func next(w io.Writer, command string) {
	if command != "" {
		fmt.Fprintf(w, "\nnext: %s\n", command)
	}
}

// facts prints names and values, each pair on a separate line, unless the value
// is empty.
func facts(w io.Writer, pairs ...any) {
	for pair := range slices.Chunk(pairs, 2) {
		if value := cell(pair[1]); value != screen.Absent {
			fmt.Fprintf(w, "%-9s%s\n", pair[0], value)
		}
	}
}
