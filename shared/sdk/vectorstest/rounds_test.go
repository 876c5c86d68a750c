//go:build !store

package vectorstest_test

// rounds are few in the quick tests.
const rounds = 10_000
