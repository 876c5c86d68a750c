//go:build !store

package vectors_test

// rounds are few in the quick tests.
const rounds = 10_000
