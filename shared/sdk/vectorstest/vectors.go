// Package vectorstest holds what the SDKs of all languages must do, as data, and
// plays the servers' part of it. Each SDK's own test runner plays the client's
// part; generate.py writes the data.
package vectorstest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed vectors.ndjson
var lines []byte

// Key is the API key of every client.
const Key = "stille_key-of-the-vectors"

// Vector is one client's life.
type Vector struct {
	Name     string
	Timeout  int  // milliseconds; 0: the runner's own
	Retries  *int // nil: the SDK's default
	Calls    []Call
	Answers  []Answer        // of the server, one after another, the last one again and again
	Requests *int            // how many the server must see; nil: any number
	Request  json.RawMessage // the body of the first one; nil: any
}

// Call is what the client is asked to do, and what it must return.
type Call struct {
	Call   string          // check, maySend, links, suppress, release
	With   json.RawMessage // the arguments, named as the API names them; contacts may be a number of made-up ones
	Expect json.RawMessage // a member of every result, one object a result, "unavailable", "error", or true or false
}

// Answer is what the server does.
type Answer struct {
	Status  *int               // nil: 200
	Headers map[string]*string // beside Content-Type: application/json; null takes one out
	Body    string
	Encode  string // of Body: UTF-8 where it is empty; see encode
	Fault   string // see write
}

// All returns the vectors.
func All() ([]Vector, error) {
	var all []Vector
	decoder := json.NewDecoder(bytes.NewReader(lines))
	decoder.DisallowUnknownFields()
	for decoder.More() {
		var v Vector
		if err := decoder.Decode(&v); err != nil {
			return nil, fmt.Errorf("vector %d: %w", len(all), err)
		}
		all = append(all, v)
	}
	return all, nil
}
