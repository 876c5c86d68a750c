package gateway

import (
	"bytes"
	"encoding"
	jsonv1 "encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrMalformed means that a body is not JSON in UTF-8.
var ErrMalformed = errors.New("the body is not valid JSON")

// Time is a time (RFC 3339) that knows whether it was given. Given is true for
// null too, which leaves the time zero.
type Time struct {
	time.Time
	Given bool
	Null  bool // it was given as null
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(text []byte) error {
	t.Given, t.Null = true, string(text) == "null"
	return t.Time.UnmarshalJSON(text)
}

// Decode reads a JSON body into the struct that into points to. It returns a
// fault for every field that is unknown or of the wrong type, and fills in all
// other fields, so that the caller can add its own faults to the same answer.
// Errors are ErrTooLarge, ErrNotBase64 and ErrMalformed.
func Decode(req Request, limit int, into any) ([]Fault, error) {
	body, err := Body(req, limit)
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(body, into, json.RejectUnknownMembers(true)) == nil && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil, nil
	}
	// A body with faults is read again, field by field. encoding/json would replace
	// bytes that are not UTF-8, and so change an address.
	if !utf8.Valid(body) || !jsonv1.Valid(body) {
		return nil, ErrMalformed
	}
	if faults := repeated(body); faults != nil {
		return faults, nil
	}
	target := reflect.ValueOf(into).Elem()
	target.SetZero()
	return fill("", body, target), nil
}

// fill reads raw into v field by field and returns the faults.
func fill(pointer string, raw jsonv1.RawMessage, v reflect.Value) []Fault {
	own := v.Addr().Type().Implements(reflect.TypeFor[jsonv1.Unmarshaler]()) || isTime(v.Addr().Type())
	switch {
	case v.Kind() == reflect.Struct && !own:
		return fillStruct(pointer, raw, v)
	case v.Kind() == reflect.Slice && !own:
		return fillSlice(pointer, raw, v)
	case v.Kind() == reflect.Pointer && string(raw) != "null":
		v.Set(reflect.New(v.Type().Elem()))
		return fill(pointer, raw, v.Elem())
	}
	if err := jsonv1.Unmarshal(raw, v.Addr().Interface()); err != nil {
		v.SetZero()
		return []Fault{{pointer, "must be " + expected(v.Type())}}
	}
	return nil
}

func fillStruct(pointer string, raw jsonv1.RawMessage, v reflect.Value) []Fault {
	var members map[string]jsonv1.RawMessage
	if err := jsonv1.Unmarshal(raw, &members); err != nil || (members == nil && pointer == "") {
		return []Fault{{pointer, "must be an object"}}
	}
	var (
		faults []Fault
		filled = make(map[int]bool)
	)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		at := pointer + "/" + name
		field := fieldOf(v.Type(), name)
		switch {
		case filled[field]:
			faults = append(faults, Fault{pointer, "has the field " + name + " twice"})
		case field >= 0:
			filled[field] = true
			faults = append(faults, fill(at, members[name], v.Field(field))...)
		case isFieldName(name):
			faults = append(faults, Fault{at, "is not a field of this request"})
		default:
			faults = append(faults, Fault{pointer, "has a field whose name is not a field of this request"})
		}
	}
	return faults
}

// isFieldName reports whether an answer may repeat a name. A mistyped field has
// letters only; an address, number or key in its place has other characters.
func isFieldName(name string) bool {
	const longest = 32
	return name != "" && len(name) <= longest && strings.IndexFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}) < 0
}

// fieldOf matches names as encoding/json does, in any case, and returns the field's
// index; -1 for none.
func fieldOf(t reflect.Type, name string) int {
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if strings.EqualFold(tag, name) {
			return i
		}
	}
	return -1
}

func fillSlice(pointer string, raw jsonv1.RawMessage, v reflect.Value) []Fault {
	var elements []jsonv1.RawMessage
	if err := jsonv1.Unmarshal(raw, &elements); err != nil {
		return []Fault{{pointer, "must be a list"}}
	}
	if elements != nil { // null leaves it out
		v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	}
	var faults []Fault
	for i, element := range elements {
		faults = append(faults, fill(fmt.Sprintf("%s/%d", pointer, i), element, v.Index(i))...)
	}
	return faults
}

// isTime tells whether a type reads a time: of the fields of requests, times
// alone read text themselves.
func isTime(pointer reflect.Type) bool {
	return pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// expected names the JSON that a type takes.
func expected(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case isTime(reflect.PointerTo(t)):
		return "a time like 2026-11-20T08:00:00Z"
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "a number"
	}
}

// repeated returns a fault for the first object of valid JSON that has a name
// twice. Readers of JSON disagree on which of the two counts: a proxy might check
// another address than the address that is stored.
func repeated(body []byte) []Fault {
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowInvalidUTF8(true))
	var twice *jsontext.SyntacticError
	if err := dec.SkipValue(); !errors.As(err, &twice) || !errors.Is(twice.Err, jsontext.ErrDuplicateName) {
		return nil
	}
	pointer, level := "", 0
	for token := range twice.JSONPointer.Parent().Tokens() {
		level++
		if kind, _ := dec.StackIndex(level); kind == '{' && !isFieldName(token) {
			break // an answer repeats no address
		}
		pointer += "/" + token
	}
	if name := twice.JSONPointer.LastToken(); isFieldName(name) {
		return []Fault{{pointer, "has the field " + name + " twice"}}
	}
	return []Fault{{pointer, "has a field twice"}}
}
