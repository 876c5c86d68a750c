// Package scopetest holds the scopes that tests use: the brand acme with the
// topic acme/newsletter, and the brand globex. Tests never read the scopes of a
// deployment. Only tests import this package.
package scopetest

import (
	"bytes"
	_ "embed"
	"slices"
	"testing"

	"stille/shared/scope"
)

//go:embed scopes.yaml
var file []byte

// File returns the scopes as a scopes.yaml.
func File() []byte { return slices.Clone(file) }

// RequiringBasis returns the scopes, of which globex requires a basis.
func RequiringBasis(t testing.TB) *scope.Registry {
	t.Helper()
	return load(t, bytes.Replace(file, []byte("scope: globex\n"), []byte("scope: globex\n    require: basis\n"), 1))
}

// Registry returns the scopes.
func Registry(t testing.TB) *scope.Registry {
	t.Helper()
	return load(t, file)
}

func load(t testing.TB, file []byte) *scope.Registry {
	t.Helper()
	registry, err := scope.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return registry
}
