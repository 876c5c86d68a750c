package main

// An answer in text is fitted to a terminal: columns, long lists and colours. Columns
// lose no value, and a shortened list says how many lines are missing.

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	// screenWidth is that of a terminal that nobody made wider, in characters.
	screenWidth = 80
	// screenLines is how many lines of a list cutLists keeps.
	screenLines = 24
	// absent stands for an empty value in a row.
	absent = "-"

	indent = "    " // of the lines of a row behind the first
)

// cutLists shortens every list of a text. A list is lines without an empty line in
// between; an indented line belongs to the line above.
func cutLists(text []byte) []byte {
	var shown []byte
	for n, list := range bytes.Split(text, []byte("\n\n")) {
		lines := bytes.Split(list, []byte("\n"))
		all := len(lines)
		if len(lines[all-1]) == 0 { // the end of the text
			all--
		}
		kept := min(all, screenLines)
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

// coloured colours verdicts, states and headings.
func coloured(text []byte) []byte {
	text = headWords.ReplaceAll(text, []byte("\x1b[1m$0\x1b[0m"))
	text = badWords.ReplaceAll(text, []byte("\x1b[31m$0\x1b[39m"))
	return goodWords.ReplaceAll(text, []byte("\x1b[32m$0\x1b[39m"))
}

// inColumns prints rows with their columns below each other; the first row names the
// columns. The columns that have no room follow on separate lines, each value
// behind the name of its column.
func inColumns(rows [][]string) string {
	const gap, between = 2, "  "
	head, widths, whole := rows[0], []int(nil), -gap
	for i := range head {
		width := 0
		for _, row := range rows {
			width = max(width, utf8.RuneCountInString(row[i]))
		}
		if whole += gap + width; whole > screenWidth && i > 0 {
			break
		}
		widths = append(widths, width)
	}
	var out strings.Builder
	end := func(line string) {
		if line != indent {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	for n, row := range rows {
		line := ""
		for i, width := range widths {
			line += fmt.Sprintf("%-*s", width+gap, row[i])
		}
		end(line)
		line = indent
		for i := len(widths); i < len(row) && n > 0; i++ {
			if row[i] == absent {
				continue
			}
			value := strings.ToLower(head[i]) + " " + row[i]
			if line != indent && utf8.RuneCountInString(line+value) > screenWidth {
				end(line)
				line = indent
			}
			line += value + between
		}
		end(line)
	}
	return out.String()
}
