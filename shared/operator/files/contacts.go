package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"stille/shared/operator"
)

// List reads a list of contacts, row by row: CSV with any separator, with or
// without a header; NDJSON; JSON with lists of any depth. A row that cannot be
// read does not stop the others. An error never repeats what stands in a row.
type List struct {
	// Columns are the names of the columns. Rows of JSON add names as they come.
	Columns []string
	// Named reports whether the file names its columns. Otherwise these are
	// "column 1", "column 2" and so on.
	Named bool
	// Incomplete reports whether a document said that more pages follow.
	Incomplete bool

	name   string
	ends   Ends
	file   *os.File
	lines  *lines
	ahead  []line // lines that were read ahead and not taken
	line   int    // number of the last line taken
	rows   int    // number of the last row
	comma  byte   // 0 for JSON
	before []byte // the byte order mark and the lines before the header
	header []byte
	values *values // of JSON that is not written line by line
}

// mostLines is how many more lines a quoted field may span.
const mostLines = 20

// OpenList opens a file and reads its header.
func OpenList(name string, ends Ends) (*List, error) {
	file, err := Open(name)
	if err != nil {
		return nil, err
	}
	f := &List{name: name, ends: ends, file: file}
	if err := f.begin(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close closes the file.
func (f *List) Close() {
	if f.values != nil {
		f.values.stop()
	}
	_ = f.file.Close() // it was read alone
}

// Rewind begins again with the first row.
func (f *List) Rewind() error {
	if f.values != nil {
		f.values.stop()
	}
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the file: %w", err)
	}
	return f.begin()
}

// Survey is a first look at all rows. It rewinds the file.
func (f *List) Survey(region string, now time.Time) (*operator.Survey, error) {
	s := operator.NewSurvey(f.Named, region, now)
	for {
		r, err := f.Next()
		if errors.Is(err, io.EOF) {
			return s, f.Rewind()
		}
		if err != nil {
			return nil, err
		}
		s.Note(r)
	}
}

func (f *List) begin() (err error) {
	f.ahead, f.line, f.rows, f.header = nil, 0, 0, nil
	if f.lines, err = readLines(f.file, f.ends); err != nil {
		return err
	}
	f.before = bytes.Clone(f.lines.mark)
	ext := strings.ToLower(filepath.Ext(f.name))
	if ext == ".ndjson" || ext == ".jsonl" {
		f.Named = true
		return nil
	}
	if f.comma == 0 {
		f.comma = ','
	}
	head, err := f.headLine()
	if err != nil {
		return err
	}
	if json := strings.HasPrefix(head.text, "{") || strings.HasPrefix(head.text, "["); json && ext != ".csv" && ext != ".tsv" {
		return f.beginJSON()
	}
	return f.readHeader(head)
}

// headLine is the first line that is not empty. A line like sep=; names the
// separator to a spreadsheet, and stands before the header.
func (f *List) headLine() (line, error) {
	named := false
	for {
		head, err := f.take()
		if errors.Is(err, io.EOF) {
			return head, operator.Mistakef("the file is empty: its first line names the columns, for example channel,address")
		}
		if err != nil {
			return head, err
		}
		text := strings.TrimSpace(head.text)
		// a tab is white space, and some programs quote the line
		if rest, found := strings.CutPrefix(strings.ToLower(strings.Trim(head.text, "\" ")), "sep="); found && len(rest) == 1 {
			f.comma, named, text = rest[0], true, ""
		}
		if text == "" {
			f.before = append(f.before, head.raw...)
			continue
		}
		if !named {
			f.comma = separator(head.text)
		}
		head.text = strings.TrimLeftFunc(head.text, unicode.IsSpace)
		return head, nil
	}
}

// separator is the separator that stands most often outside quotes.
func separator(header string) byte {
	counts, quoted := map[byte]int{}, false
	for i := range len(header) {
		if header[i] == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[header[i]]++
		}
	}
	return slices.MaxFunc([]byte(",;\t|"), func(a, b byte) int { return counts[a] - counts[b] })
}

// readHeader reads the names of the columns. A first line with a contact in it is
// a row: the file has no header.
func (f *List) readHeader(head line) error {
	r, err := f.whole(operator.Row{Raw: head.raw}, head.text, f.split)
	switch {
	case err != nil:
		return err
	case r.Err != nil && !operator.HoldsContact(head.text):
		return operator.Mistakef("the first line cannot be read as a header: %v", r.Err)
	}
	f.Named = r.Err == nil && !slices.ContainsFunc(r.Cells, operator.HoldsContact)
	if f.Named {
		f.header, f.Columns = r.Raw, nil
		for _, name := range r.Cells {
			f.Columns = append(f.Columns, strings.TrimSpace(name))
		}
		return nil
	}
	if f.Columns == nil {
		for n := range max(len(r.Cells), 1) {
			f.Columns = append(f.Columns, fmt.Sprintf("column %d", n+1))
		}
	}
	text, sure := f.lines.decode(r.Raw)
	f.ahead, f.line = append([]line{{r.Raw, strings.Trim(text, everyEnd), !sure}}, f.ahead...), f.line-1
	return nil
}

// Next returns the next row that is not empty: spreadsheets leave rows of commas
// at the end. After the last row the error is io.EOF.
func (f *List) Next() (operator.Row, error) {
	r, err := f.next()
	if err == nil {
		f.rows++
		r.N = f.rows
	}
	return r, err
}

func (f *List) next() (operator.Row, error) {
	if f.values != nil {
		return f.values.next()
	}
	for {
		l, err := f.take()
		if err != nil {
			return operator.Row{}, err
		}
		r := operator.Row{Line: f.line, Raw: l.raw, Guessed: l.guessed, Several: strings.ContainsFunc(l.text, breaks)}
		switch {
		case strings.TrimFunc(strings.TrimPrefix(l.text, byteOrderMark), unicode.IsSpace) == "":
		case f.comma == 0:
			r.Cells, r.Err = f.object(strings.TrimPrefix(l.text, byteOrderMark))
			return r, nil
		case strings.Trim(l.text, " \t"+string(f.comma)) != "":
			return f.whole(r, l.text, f.record)
		}
	}
}

// breaks reports whether a character ends a line, or stands in no text.
func breaks(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || strings.ContainsRune(everyEnd, r)
}

// Rows returns up to most rows behind the row of a number. Fewer rows mean that
// the file has ended.
func (f *List) Rows(done, most int) ([]operator.Row, error) {
	var rows []operator.Row
	for len(rows) < most {
		r, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.N > done {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// Only returns a Mistake where a column that was read so far is none of the names.
func (f *List) Only(names []string) error {
	for i, column := range f.Columns {
		if !slices.Contains(names, strings.ToLower(column)) || slices.Index(f.Columns, column) < i {
			return operator.Mistakef("column %d is none of %s, or stands there twice", i+1, strings.Join(names, ", "))
		}
	}
	return nil
}

// Field is the text of a row's column without the space around it.
func (f *List) Field(r operator.Row, name string) string {
	n := slices.IndexFunc(f.Columns, func(column string) bool { return strings.EqualFold(column, name) })
	if n < 0 || n >= len(r.Cells) {
		return ""
	}
	return strings.TrimSpace(r.Cells[n])
}

// whole reads a row whose first line may not be a complete row: a quoted field may
// span the next lines. If one of these is a complete row, a quote is missing:
// then the first line is unreadable, and the next lines are rows, so that no
// contact is taken for part of a text.
func (f *List) whole(r operator.Row, text string, record func(string) ([]string, error)) (operator.Row, error) {
	if r.Cells, r.Err = record(text); r.Err == nil {
		return r, nil
	}
	whole, raw, more, wrong := text, slices.Clone(r.Raw), []line(nil), false
	for !wrong && strings.Count(whole, `"`)%2 != 0 && len(more) < mostLines {
		next, err := f.take()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return operator.Row{}, err
		}
		_, incomplete := record(next.text)
		wrong = incomplete == nil
		whole, raw, more = whole+"\n"+next.text, append(raw, next.raw...), append(more, next)
		r.Guessed = r.Guessed || next.guessed
	}
	if cells, err := record(whole); err == nil && !wrong && len(more) > 0 {
		r.Raw, r.Cells, r.Err, r.Several = raw, cells, nil, true
		return r, nil
	}
	f.ahead, f.line = append(more, f.ahead...), f.line-len(more)
	return r, nil
}

// take returns the next line.
func (f *List) take() (line, error) {
	if len(f.ahead) == 0 {
		next, err := f.lines.next()
		if err != nil {
			return next, err
		}
		f.ahead = []line{next}
	}
	next := f.ahead[0]
	f.ahead, f.line = f.ahead[1:], f.line+1
	return next, nil
}

// record reads the fields of a row. Empty fields behind the last column do no harm. A
// row that lacks its last fields, as spreadsheets write them, comes with the error.
func (f *List) record(text string) ([]string, error) {
	values, err := f.split(text)
	for err == nil && len(values) > len(f.Columns) && strings.TrimSpace(values[len(values)-1]) == "" {
		values = values[:len(values)-1]
	}
	if err == nil && len(values) != len(f.Columns) {
		err = fmt.Errorf("%d fields, where the first line has %d", len(values), len(f.Columns))
	}
	if len(values) > len(f.Columns) {
		return nil, err
	}
	return values, err
}

var errQuotes = errors.New("a quote is at the wrong place, or not closed")

// split returns the fields of a row. A field may hold pairs of quotes that are
// not around it, as the formula ="…" does.
func (f *List) split(text string) (fields []string, err error) {
	for {
		field, rest, more := strings.Cut(text, string(f.comma))
		if strings.HasPrefix(text, `"`) {
			if field, rest, more, err = f.quoted(text[1:]); err != nil {
				return nil, err
			}
		} else if strings.Count(field, `"`)%2 != 0 {
			return nil, errQuotes
		}
		fields = append(fields, field)
		if !more {
			return fields, nil
		}
		text = rest
	}
}

// quoted reads a field behind its first quote.
func (f *List) quoted(text string) (field, rest string, more bool, err error) {
	for {
		part, behind, closed := strings.Cut(text, `"`)
		field += part
		switch {
		case !closed:
			return "", "", false, errQuotes
		case strings.HasPrefix(behind, `"`):
			field, text = field+`"`, behind[1:]
		case strings.TrimSpace(behind) == "":
			return field, "", false, nil
		case behind[0] == f.comma:
			return field, behind[1:], true, nil
		default:
			return "", "", false, errQuotes
		}
	}
}

// Header is the header behind one more column. A file without a header gets the
// names. Files of JSON have none.
func (f *List) Header(more string, names []string) []byte {
	switch {
	case f.comma == 0:
		return nil
	case f.header != nil:
		return slices.Concat(f.before, f.lines.encode(more+string(f.comma)), f.header)
	}
	end := f.lines.end
	if end == 0 {
		end = '\n'
	}
	return append(slices.Clone(f.before), f.lines.encode(strings.Join(append([]string{more}, names...), string(f.comma))+string(end))...)
}

// Head is what stands in the file before its first row.
func (f *List) Head() []byte { return slices.Concat(f.before, f.header) }

// Behind puts a row behind a reason: in CSV as one more column, in JSON as one
// more field of the object.
func (f *List) Behind(column, reason string, raw []byte) []byte {
	switch {
	case f.values != nil:
		return objectBehind(column, reason, string(raw))
	case f.comma == 0:
		text, _ := f.lines.decode(raw)
		return objectBehind(column, reason, text)
	}
	if strings.ContainsAny(reason, "\"|\t,;"+string(f.comma)) {
		reason = `"` + strings.ReplaceAll(reason, `"`, `""`) + `"`
	}
	return append(f.lines.encode(reason+string(f.comma)), raw...)
}
