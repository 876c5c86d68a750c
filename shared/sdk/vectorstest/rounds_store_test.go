//go:build store

package vectorstest_test

// rounds make 1.6 calls each.
const rounds = 65_000
