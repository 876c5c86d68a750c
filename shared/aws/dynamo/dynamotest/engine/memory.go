//go:build !store

// Package engine gives a test the stores of a purge: in memory, and with the
// build tag store in DynamoDB Local. The same test runs on both.
package engine

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/purge/purgetest"
)

// Slow says that every call takes milliseconds.
const Slow = false

// New returns empty stores with these classes.
func New(t testing.TB, classes ...string) purgetest.Stores {
	t.Helper()
	store := purgetest.NewStore(classes...)
	store.Foreign = func(revision any) map[string]any {
		read, _ := revision.(map[string]types.AttributeValue)
		plain := map[string]any{}
		for name, value := range read {
			var into any = new(string)
			if _, isList := value.(*types.AttributeValueMemberL); isList {
				into = new([]string)
			}
			if err := attributevalue.Unmarshal(value, into); err != nil {
				t.Fatal(err)
			}
			plain[name] = reflect.ValueOf(into).Elem().Interface()
		}
		return plain
	}
	return store.Stores()
}
