//go:build store

// Package engine gives a test the stores of a purge: in memory, and with the
// build tag store in DynamoDB Local. The same test runs on both.
package engine

import (
	"testing"

	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/purge/purgetest"
)

// Slow says that every call takes milliseconds.
const Slow = true

// New returns empty stores with these classes.
func New(t testing.TB, classes ...string) purgetest.Stores {
	t.Helper()
	return dynamotest.Stores(dynamotest.Tables(t, classes...))
}
