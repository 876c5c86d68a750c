package files

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"stille/shared/operator"
)

var (
	errObject = errors.New("not a JSON object")
	errTwice  = errors.New("a field of the object stands there twice")
)

// field is a value of an object. The name of a value further inside has the names
// around it before it: attributes.email.
type field struct{ name, text string }

// object reads an object that stands on one line.
func (f *List) object(text string) ([]string, error) {
	fields, _, err := flatten(json.RawMessage(text), "")
	if err != nil {
		return nil, err
	}
	return f.cells(fields)
}

// flatten reads an object: its values, and the lists inside. A list is a value too.
func flatten(raw json.RawMessage, around string) (fields []field, lists []json.RawMessage, err error) {
	in := json.NewDecoder(bytes.NewReader(raw))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, errObject
	}
	for in.More() {
		name, err := in.Token()
		var value json.RawMessage
		if err == nil {
			err = in.Decode(&value)
		}
		if err != nil {
			return nil, nil, errObject
		}
		full := around + fmt.Sprint(name)
		switch value[0] {
		case '{':
			inside, more, err := flatten(value, full+".")
			if err != nil {
				return nil, nil, err
			}
			fields, lists = append(fields, inside...), append(lists, more...)
			continue
		case '[':
			lists = append(lists, value)
		}
		fields = append(fields, field{full, scalar(value)})
	}
	if _, err := in.Token(); err != nil {
		return nil, nil, errObject
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errObject
	}
	return fields, lists, nil
}

// scalar is the text of a value: of a list its JSON.
func scalar(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil { // null leaves it empty
		return text
	}
	return string(value)
}

// cells puts the values in the order of the columns. A name that is new becomes a
// column.
func (f *List) cells(fields []field) ([]string, error) {
	cells, given := make([]string, len(f.Columns)), map[int]bool{}
	for _, v := range fields {
		n := slices.Index(f.Columns, v.name)
		if n < 0 {
			n = len(f.Columns)
			f.Columns = append(f.Columns, v.name)
		}
		if given[n] {
			return nil, errTwice
		}
		for len(cells) <= n {
			cells = append(cells, "")
		}
		cells[n], given[n] = v.text, true
	}
	return cells, nil
}

// objectBehind adds a field to an object. What is no object becomes a field.
func objectBehind(column, reason, object string) []byte {
	object = strings.TrimSpace(strings.TrimPrefix(object, byteOrderMark))
	why, _ := json.Marshal(reason) // text always marshals
	inside, found := strings.CutPrefix(object, "{")
	switch {
	case !found || !json.Valid([]byte(object)):
		text, _ := json.Marshal(object)
		return fmt.Appendf(nil, "{%q:%s,\"line\":%s}\n", column, why, text)
	case len(strings.TrimSpace(inside)) > 1:
		why = append(why, ',')
	}
	return fmt.Appendf(nil, "{%q:%s%s\n", column, why, inside)
}

// values are the rows of a JSON document: the objects and texts of its lists.
type values struct {
	pull func() (operator.Row, error, bool)
	stop func()
}

func (v *values) next() (operator.Row, error) {
	r, err, more := v.pull()
	if !more {
		return r, io.EOF
	}
	return r, err
}

// beginJSON begins to read a document, or several documents.
func (f *List) beginJSON() error {
	if f.ends == FirstEnd {
		return operator.Mistakef("a JSON document cannot be split: write one JSON object a line, in a file that ends in .ndjson")
	}
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the file: %w", err)
	}
	decoder := unicode.UTF8.NewDecoder()
	switch f.lines.order {
	case binary.LittleEndian:
		decoder = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	case binary.BigEndian:
		decoder = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()
	}
	in := json.NewDecoder(transform.NewReader(f.file, unicode.BOMOverride(decoder)))
	in.UseNumber()
	f.Named, f.comma, f.before = true, 0, nil
	v := &values{}
	v.pull, v.stop = iter.Pull2(func(yield func(operator.Row, error) bool) {
		w := walker{f, in, func(r operator.Row) error {
			if !yield(r, nil) {
				return errStopped
			}
			return nil
		}}
		var err error
		for err == nil {
			_, _, err = w.value("")
		}
		if !errors.Is(err, errEnd) && !errors.Is(err, errStopped) {
			yield(operator.Row{}, operator.Mistakef("the file cannot be read as JSON: save it as CSV UTF-8, or as NDJSON in a file that ends in .ndjson"))
		}
	})
	f.values = v
	return nil
}

var (
	errStopped = errors.New("nobody reads on")
	errEnd     = errors.New("no document follows")
)

// walker reads a document without holding it: the elements of a list are rows.
type walker struct {
	f    *List
	in   *json.Decoder
	emit func(operator.Row) error
}

// value reads the next value. It returns the values of an object, and whether
// there was a list.
func (w walker) value(name string) (fields []field, listed bool, err error) {
	token, err := w.in.Token()
	switch {
	case errors.Is(err, io.EOF) && name == "":
		return nil, false, errEnd
	case err != nil:
		return nil, false, err
	}
	switch token {
	case json.Delim('['):
		for w.in.More() {
			var element json.RawMessage
			if err := w.in.Decode(&element); err != nil {
				return nil, true, err
			}
			if err := w.element(element); err != nil {
				return nil, true, err
			}
		}
		_, err = w.in.Token()
		return nil, true, err
	case json.Delim('{'):
		return w.members(name)
	case nil:
		token = ""
	}
	text := fmt.Sprint(token)
	if strings.HasSuffix(strings.ToLower(name), "nexttoken") && text != "" {
		w.f.Incomplete = true
	}
	return []field{{name, text}}, false, nil
}

// members reads the rest of an object. An object without a list is a row.
func (w walker) members(around string) (fields []field, listed bool, err error) {
	for w.in.More() {
		name, err := w.in.Token()
		if err != nil {
			return nil, false, err
		}
		full := fmt.Sprint(name)
		if around != "" {
			full = around + "." + full
		}
		inside, list, err := w.value(full)
		if err != nil {
			return nil, false, err
		}
		fields, listed = append(fields, inside...), listed || list
	}
	if _, err = w.in.Token(); err != nil || around != "" || listed || len(fields) == 0 {
		return fields, listed, err
	}
	values := map[string]string{}
	for _, v := range fields {
		values[v.name] = v.text
	}
	raw, _ := json.Marshal(values) // texts always marshal
	return nil, false, w.row(raw, fields)
}

// element reads an element of a list. An object with a contact is a row, and any
// other object holds lists of rows.
func (w walker) element(raw json.RawMessage) error {
	var inside []json.RawMessage
	if json.Unmarshal(raw, &inside) == nil && inside != nil {
		return w.elements(inside)
	}
	fields, lists, err := flatten(raw, "")
	if err != nil {
		return w.row(raw, []field{{"address", scalar(raw)}})
	}
	if len(lists) == 0 || slices.ContainsFunc(fields, func(v field) bool { return !strings.HasPrefix(v.text, "[") && operator.HoldsContact(v.text) }) {
		return w.row(raw, fields)
	}
	return w.elements(lists)
}

func (w walker) elements(inside []json.RawMessage) error {
	for _, one := range inside {
		if err := w.element(one); err != nil {
			return err
		}
	}
	return nil
}

func (w walker) row(raw []byte, fields []field) error {
	w.f.line++
	var compact bytes.Buffer
	if json.Compact(&compact, raw) == nil {
		raw = append(compact.Bytes(), '\n')
	}
	r := operator.Row{Line: w.f.line, Raw: raw}
	r.Cells, r.Err = w.f.cells(fields)
	return w.emit(r)
}
