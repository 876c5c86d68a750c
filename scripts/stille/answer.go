package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
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
		shown = cut(shown)
	}
	if s.colour && !s.options.JSON {
		shown = inColour(shown)
	}
	if _, err := s.stdout.Write(shown); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return err
}

// screenful is how many lines of a list are shown unless all are asked for.
const screenful = 24

// cut shortens every list of a text. A list is lines without an empty line in
// between; an indented line belongs to the line above.
func cut(text []byte) []byte {
	var shown []byte
	for n, list := range bytes.Split(text, []byte("\n\n")) {
		lines := bytes.Split(list, []byte("\n"))
		all := len(lines)
		if len(lines[all-1]) == 0 { // the end of the text
			all--
		}
		kept := min(all, screenful)
		for kept < all && kept > 1 && bytes.HasPrefix(lines[kept], []byte(indent)) {
			kept--
		}
		if n > 0 {
			shown = append(shown, "\n\n"...)
		}
		if kept == all {
			shown = append(shown, list...)
			continue
		}
		shown = append(shown, bytes.Join(lines[:kept], []byte("\n"))...)
		shown = fmt.Appendf(shown, "\n%d more lines; --all shows them", all-kept)
		if all < len(lines) {
			shown = append(shown, '\n')
		}
	}
	return shown
}

// What a terminal shows in green, in red and in bold.
var (
	goodWords = regexp.MustCompile(`(?m)^send$|\b(?:COMPLETED|ACTIVE)\b|^nothing to do$`)
	badWords  = regexp.MustCompile(`(?m)^do not send\b|\b(?:HALTED|FAILED|STOPPED|MISSING)\b`)
	headWords = regexp.MustCompile(`(?m)^next: .*$|^[A-Z]+(?: [A-Z()]+)*  [A-Z ()]+$`)
)

func inColour(text []byte) []byte {
	text = headWords.ReplaceAll(text, []byte("\x1b[1m$0\x1b[0m"))
	text = badWords.ReplaceAll(text, []byte("\x1b[31m$0\x1b[39m"))
	return goodWords.ReplaceAll(text, []byte("\x1b[32m$0\x1b[39m"))
}

// unless returns errNo where an answer that was printed is a no.
func unless(yes bool, err error) error {
	if err == nil && !yes {
		return errNo
	}
	return err
}

const (
	// tableWidth is the width of a terminal that nobody made wider.
	tableWidth = 80
	// indent begins the lines of a row behind the first.
	indent = "    "
)

// table prints rows with their columns below each other. The columns that a
// terminal has no room for follow on lines of their own, each value behind the
// name of its column.
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
	const gap, between = 2, "  "
	head, widths, whole := t.rows[0], []int(nil), -gap
	for i := range head {
		width := 0
		for _, row := range t.rows {
			width = max(width, utf8.RuneCountInString(row[i]))
		}
		if whole += gap + width; whole > tableWidth && i > 0 {
			break
		}
		widths = append(widths, width)
	}
	for n, row := range t.rows {
		line := ""
		for i, width := range widths {
			line += fmt.Sprintf("%-*s", width+gap, row[i])
		}
		fmt.Fprintln(t.w, strings.TrimRight(line, " "))
		line = indent
		for i := len(widths); i < len(row) && n > 0; i++ {
			value := strings.ToLower(head[i]) + " " + row[i] + between
			switch {
			case row[i] == "-":
				continue
			case line != indent && utf8.RuneCountInString(line+strings.TrimSpace(value)) > tableWidth:
				fmt.Fprintln(t.w, strings.TrimRight(line, " "))
				line = indent
			}
			line += value
		}
		if line != indent {
			fmt.Fprintln(t.w, strings.TrimRight(line, " "))
		}
	}
}

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

// facts prints names and values, each pair on a line of its own, unless the value
// is empty.
func facts(w io.Writer, pairs ...any) {
	for pair := range slices.Chunk(pairs, 2) {
		if value := cell(pair[1]); value != "-" {
			fmt.Fprintf(w, "%-9s%s\n", pair[0], value)
		}
	}
}
