package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// show prints the answer of a use case, as JSON or as text, and returns err: an
// answer may come with an error, and an error without an answer.
func show[T any](s *session, answer *T, err error, text func(w io.Writer, answer *T)) error {
	if answer == nil {
		return err
	}
	out := bufio.NewWriter(s.stdout)
	if s.options.JSON {
		if err := json.NewEncoder(out).Encode(answer); err != nil {
			return fmt.Errorf("writing the answer: %w", err)
		}
	} else {
		text(out, answer)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return err
}

// unless returns errNo where an answer that was printed is a no.
func unless(yes bool, err error) error {
	if err == nil && !yes {
		return errNo
	}
	return err
}

// table prints rows with their columns below each other.
type table struct{ tabs *tabwriter.Writer }

func newTable(w io.Writer, head ...any) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(head...)
	return t
}

// row adds a row. An empty cell and a zero time are shown as "-".
func (t table) row(cells ...any) {
	for i, value := range cells {
		if i > 0 {
			fmt.Fprint(t.tabs, "\t")
		}
		fmt.Fprint(t.tabs, cell(value))
	}
	fmt.Fprintln(t.tabs)
}

// end prints the table.
func (t table) end() { _ = t.tabs.Flush() } // into a buffer

func cell(value any) string {
	text := fmt.Sprint(value)
	if at, ok := value.(time.Time); ok {
		text = instantText(at)
	}
	if text == "" {
		return "-"
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

// fact prints a named value on a line of its own, unless the value is empty.
func fact(w io.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "%-9s%s\n", name, value)
	}
}
