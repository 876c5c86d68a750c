package gateway

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

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
