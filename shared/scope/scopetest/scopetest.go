// Package scopetest holds the scopes that tests use: the brand acme with the
// topic acme/newsletter, and the brand globex. Tests never read the scopes of a
// deployment. Only tests import this package.
package scopetest

import (
	_ "embed"
	"slices"
	"testing"

	"stille/shared/scope"
)

//go:embed scopes.yaml
var file []byte

// File returns the scopes as a scopes.yaml.
func File() []byte { return slices.Clone(file) }

// Registry returns the scopes.
func Registry(t testing.TB) *scope.Registry {
	t.Helper()
	registry, err := scope.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return registry
}
