package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"

	"stille/shared/operator"
	"stille/shared/retention"
)

// answerTexts has a section for every answer, which is a template.
//
//go:embed answers.txt
var answerTexts string

// actionLines are the lines of the templates that have actions alone, and that print
// no line unless a function prints lines.
var actionLines = regexp.MustCompile(`(?m)^((?:\{\{(?:(?:if|else|end|range|with|template|row|facts|next|nextFrom)\b|\$\w+ :?=)[^{}]*\}\})+)\n`)

// show prints the answer of a use case, as JSON or as the text of a section, and
// returns err: an answer may come with an error, and an error without an answer.
func show[T any](s *session, section string, answer *T, err error) error {
	if answer == nil {
		return err
	}
	var out bytes.Buffer
	var failed error
	if s.options.JSON {
		failed = json.NewEncoder(&out).Encode(answer)
	} else {
		failed = s.writeText(&out, section, answer)
	}
	if failed != nil {
		return fmt.Errorf("writing the answer: %w", failed)
	}
	shown := out.Bytes()
	if !s.options.All && !s.options.JSON {
		shown = cutLists(shown)
	}
	if s.colour && !s.options.JSON {
		shown = coloured(shown)
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

// writeText writes an answer by its section of the texts.
func (s *session) writeText(out *bytes.Buffer, section string, answer any) (err error) {
	if s.texts == nil {
		if s.texts, err = s.answerTemplates(); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := s.texts.ExecuteTemplate(&text, section, answer); err != nil {
		return err
	}
	out.Write(rowGroups.ReplaceAllFunc(text.Bytes(), columns))
	return nil
}

func (s *session) answerTemplates() (*template.Template, error) {
	all := template.New("").Funcs(template.FuncMap{
		"row": row, "facts": facts, "next": next, "nextFrom": nextFrom, "time": instantText, "join": join, "having": having, "lacking": lacking, "count": count,
		"outcome": outcomeText, "oldest": oldest, "messages": messages, "seconds": seconds, "cents": cents, "law": lawText,
		"dir": filepath.Dir, "path": filepath.Join,
		"overdueHours": retention.OverdueAfter.Hours, "backupDays": func() int { return retention.BackupDays }, "isSample": s.isSample,
	})
	for title, text := range sections(answerTexts) {
		if _, err := all.New(title).Parse(actionLines.ReplaceAllString(text+"\n", "$1")); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// cellMark stands before every cell of a row, until the rows are columns.
const cellMark = "\x1f"

var rowGroups = regexp.MustCompile(`(?m)(?:^` + cellMark + `.*\n)+`)

// row is a row of a table; the first row names the columns. Rows that follow each
// other are one table.
func row(cells ...any) string {
	line := ""
	for _, value := range cells {
		line += cellMark + cell(value)
	}
	return line + "\n"
}

// columns lays out the rows of a table.
func columns(table []byte) []byte {
	var rows [][]string
	for line := range strings.Lines(string(table)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), cellMark)[1:])
	}
	return []byte(inColumns(rows))
}

// cell is the text of a value on one line. An empty value and a zero time are
// shown as "-".
func cell(value any) string {
	text := fmt.Sprint(value)
	if at, ok := value.(time.Time); ok {
		text = instantText(at)
	}
	if text == "" {
		return absent
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// facts are names and values, each pair on a separate line, without the values
// that are empty.
func facts(pairs ...any) string {
	lines := ""
	for pair := range slices.Chunk(pairs, 2) {
		if value := cell(pair[1]); value != absent {
			lines += fmt.Sprintf("%-9s%s\n", pair[0], value)
		}
	}
	return lines
}

// instantText is a time as every answer shows it; empty for none.
func instantText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339)
}

// next is the command to type next, if there is one.
func next(command string) string { return nextFrom(command, time.Time{}) }

// nextFrom is next, and when.
func nextFrom(command string, from time.Time) string {
	switch {
	case command == "":
		return ""
	case from.IsZero():
		return fmt.Sprintf("\nnext: %s\n", command)
	}
	return fmt.Sprintf("\nnext, from %s on: %s\n", instantText(from), command)
}

// join joins the texts of any list.
func join(list any, separator string) string {
	texts := make([]string, reflect.ValueOf(list).Len())
	for i := range texts {
		texts[i] = fmt.Sprint(reflect.ValueOf(list).Index(i))
	}
	return strings.Join(texts, separator)
}

// count is a number of things, in the singular or the plural.
func count(n any, thing string) string {
	if fmt.Sprint(n) != "1" {
		thing += "s"
	}
	return fmt.Sprint(n, " ", thing)
}

// having counts the elements of a list whose field of this name is not empty.
func having(field string, list any) int {
	count := 0
	for i := range reflect.ValueOf(list).Len() {
		if !reflect.ValueOf(list).Index(i).FieldByName(field).IsZero() {
			count++
		}
	}
	return count
}

// lacking counts the other elements.
func lacking(field string, list any) int { return reflect.ValueOf(list).Len() - having(field, list) }

// messages counts the messages of dead-letter queues, or of the others.
func messages(queues []operator.Queue, dead bool) int {
	sum := 0
	for _, q := range queues {
		if q.Dead == dead {
			sum += q.Messages
		}
	}
	return sum
}

// oldest is the age of a queue's oldest message, where it is known.
func oldest(q operator.Queue) string {
	if q.OldestSeconds == nil {
		return ""
	}
	return seconds(*q.OldestSeconds)
}

func seconds(n int) string { return (time.Duration(n) * time.Second).String() }

// cents are dollars, rounded up to a cent.
func cents(dollars float64) string { return fmt.Sprintf("%.2f", math.Ceil(dollars*100)/100) }

// lawText names the law and the last day on which it keeps a record.
func lawText(law, until string) string {
	if until == "" {
		return law + " until a day that the end of the record sets"
	}
	return law + " until " + until
}
