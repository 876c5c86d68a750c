//go:build store

package vectors_test

// rounds make 1.6 calls each.
const rounds = 65_000
