// Package scope knows whose messages an opt-out stops: a brand's, one topic's
// of a brand, or everybody's. scopes.yaml is append-only: links that were sent years
// ago carry a scope's number (package deployed guards it). The package refuses a registry that it
// cannot read in full, naming every mistake, and it never guesses: a scope
// outside the registry is unknown.
package scope

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrInvalid is returned for text that cannot be a scope.
var ErrInvalid = errors.New(`not a scope like "brand", "brand/topic" or "*"`)

// Scope is "brand", "brand/topic" or Everywhere.
type Scope string

// Everywhere covers every brand and topic, also those that come later.
const Everywhere Scope = "*"

// longest bounds the whole name: scopes are map keys in items.
const longest = 64

var form = regexp.MustCompile(`^[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)?$`)

// Parse reads a scope, or returns an error that wraps ErrInvalid. Whether the
// scope exists is for Registry.Lookup to say.
func Parse(s string) (Scope, error) {
	if s == string(Everywhere) {
		return Everywhere, nil
	}
	if len(s) > longest || !form.MatchString(s) {
		return "", fmt.Errorf("scope: %w", ErrInvalid)
	}
	return Scope(s), nil
}

// Brand is the scope of the whole brand: of itself for a brand and Everywhere.
func (s Scope) Brand() Scope {
	brand, _, _ := strings.Cut(string(s), "/")
	return Scope(brand)
}

// Topic is the part after the slash, "" where there is none.
func (s Scope) Topic() string {
	_, topic, _ := strings.Cut(string(s), "/")
	return topic
}

// Covers reports whether s includes other: Everywhere includes all scopes,
// a brand includes itself and its topics, a topic only itself.
func (s Scope) Covers(other Scope) bool {
	return s == Everywhere || s == other || s == other.Brand()
}
