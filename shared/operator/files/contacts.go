package files

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"stille/shared/operator"
)

// Contacts reads a list of contacts, row by row: CSV, whose header names the
// columns, or NDJSON. A row that cannot be read does not stop the others. An
// error never repeats what stands in the file.
type Contacts struct {
	in      *bufio.Reader
	ahead   [][]byte // lines that were read ahead and not taken
	line    int      // number of the last line taken
	wanted  []string
	strict  bool // a column that is not wanted is a mistake
	ndjson  bool
	comma   rune
	columns []string
	Header  []byte // of CSV, as it stands in the file
}

// mostLines is how many more lines a quoted field may span.
const mostLines = 20

const byteOrderMark = "\ufeff"

// ReadContacts begins to read a file: NDJSON by its name, and otherwise CSV.
func ReadContacts(name string, in io.Reader, wanted []string, strict bool) (*Contacts, error) {
	f := &Contacts{in: bufio.NewReader(in), wanted: wanted, strict: strict}
	switch filepath.Ext(name) {
	case ".ndjson", ".jsonl":
		f.ndjson = true
		return f, nil
	}
	return f, f.readHeader()
}

func (f *Contacts) readHeader() error {
	for blank(f.Header) {
		line, err := f.take()
		if errors.Is(err, io.EOF) {
			return operator.Mistakef("the file is empty: its first line names the columns, some of %s", strings.Join(f.wanted, ", "))
		}
		if err != nil {
			return err
		}
		f.Header = append(f.Header, line...)
	}
	header := bytes.TrimPrefix(f.Header, []byte(byteOrderMark))
	if bytes.IndexByte(header, 0) >= 0 {
		return operator.Mistakef("the file is not UTF-8: save it as CSV UTF-8")
	}
	count := func(comma rune) int { return strings.Count(string(header), string(comma)) }
	f.comma = slices.MaxFunc([]rune(",;\t"), func(a, b rune) int { return count(a) - count(b) })
	names, err := f.split(header)
	if err != nil {
		return operator.Mistakef("the first line cannot be read as a header: %v", err)
	}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		switch known := slices.Contains(f.wanted, name); {
		case known && slices.Contains(f.columns, name):
			return operator.Mistakef("the header names the column %s twice", name)
		case !known && f.strict:
			return operator.Mistakef("column %d of the header is none of %s", i+1, strings.Join(f.wanted, ", "))
		}
		f.columns = append(f.columns, name)
	}
	return nil
}

// Has reports whether the header names a column. A row of NDJSON may have any.
func (f *Contacts) Has(column string) bool { return f.ndjson || slices.Contains(f.columns, column) }

// Next returns the next row that is not empty: spreadsheets leave rows of commas
// at the end. After the last row the error is io.EOF.
func (f *Contacts) Next() (operator.Row, error) {
	for {
		line, err := f.take()
		if err != nil {
			return operator.Row{}, err
		}
		r := operator.Row{Line: f.line, Raw: line}
		switch {
		case blank(line):
		case f.ndjson:
			r.Fields, r.Err = f.object(line)
			return r, nil
		case len(bytes.Trim(line, " \t\r\n"+string(f.comma))) > 0:
			if r.Fields, r.Err = f.record(line); r.Err == nil || f.strict {
				return r, nil
			}
			return f.spread(r)
		}
	}
}

// Rows returns up to most rows behind a line. Fewer rows mean that the file has
// ended.
func (f *Contacts) Rows(line, most int) ([]operator.Row, error) {
	var rows []operator.Row
	for len(rows) < most {
		r, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.Line > line {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// spread reads a row whose first line is not a complete row: a quoted field may
// span the next lines. If one of these is a complete row, a quote is missing:
// then the first line is unreadable, and the next lines are rows, so that no
// contact is taken for part of a text.
func (f *Contacts) spread(r operator.Row) (operator.Row, error) {
	whole, more, wrong := slices.Clone(r.Raw), [][]byte(nil), false
	for !wrong && bytes.Count(whole, []byte(`"`))%2 != 0 && len(more) < mostLines {
		next, err := f.take()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return operator.Row{}, err
		}
		_, incomplete := f.record(next)
		wrong = incomplete == nil
		whole, more = append(whole, next...), append(more, next)
	}
	if fields, err := f.record(whole); err == nil && !wrong {
		return operator.Row{Line: r.Line, Raw: whole, Fields: fields}, nil
	}
	f.ahead, f.line = append(more, f.ahead...), r.Line
	return r, nil
}

// take returns the next line, with its end.
func (f *Contacts) take() ([]byte, error) {
	if len(f.ahead) == 0 {
		line, err := f.in.ReadBytes('\n')
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("reading the file: %w", err)
		case len(line) == 0:
			return nil, io.EOF
		}
		f.ahead = [][]byte{line}
	}
	line := f.ahead[0]
	f.ahead, f.line = f.ahead[1:], f.line+1
	return line, nil
}

func blank(line []byte) bool {
	return len(bytes.TrimSpace(bytes.TrimPrefix(line, []byte(byteOrderMark)))) == 0
}

func (f *Contacts) record(line []byte) (map[string]string, error) {
	values, err := f.split(line)
	if err != nil {
		return nil, err
	}
	if len(values) != len(f.columns) {
		return nil, fmt.Errorf("%d fields, where the header has %d", len(values), len(f.columns))
	}
	fields := map[string]string{}
	for i, value := range values {
		fields[f.columns[i]] = value
	}
	return fields, nil
}

var errQuotes = errors.New("a quote is at the wrong place, or not closed")

func (f *Contacts) split(line []byte) ([]string, error) {
	in := csv.NewReader(bytes.NewReader(line))
	in.Comma, in.FieldsPerRecord = f.comma, -1
	values, err := in.Read()
	if err == nil {
		if _, err := in.Read(); errors.Is(err, io.EOF) {
			return values, nil
		}
	}
	return nil, errQuotes // the library's error counts lines of this row, not of the file
}

func (f *Contacts) object(line []byte) (map[string]string, error) {
	var values map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(line, []byte(byteOrderMark)), &values) != nil || values == nil {
		return nil, errors.New("not a JSON object")
	}
	fields := map[string]string{}
	for name, value := range values {
		if !slices.Contains(f.wanted, name) {
			if f.strict {
				return nil, fmt.Errorf("a field is none of %s", strings.Join(f.wanted, ", "))
			}
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			return nil, fmt.Errorf("%s is not text", name)
		}
		fields[name] = text
	}
	return fields, nil
}

// Behind puts a line behind a reason: in CSV as one more column, in NDJSON as
// an object that holds the line.
func (f *Contacts) Behind(reason string, line []byte) []byte {
	if !f.ndjson {
		line, marked := bytes.CutPrefix(line, []byte(byteOrderMark))
		if marked {
			reason = byteOrderMark + reason
		}
		return append([]byte(reason+string(f.comma)), line...)
	}
	if len(line) == 0 {
		return nil // NDJSON has no header
	}
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte(byteOrderMark)))
	if !json.Valid(line) {
		line, _ = json.Marshal(string(line)) // strings always marshal
	}
	quoted, _ := json.Marshal(reason)
	return fmt.Appendf(nil, "{\"reason\":%s,\"line\":%s}\n", quoted, line)
}
