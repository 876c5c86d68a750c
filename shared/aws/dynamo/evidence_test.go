//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"testing"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/scope"
)

func TestEvidenceOfManyContactsIsReadInBatches(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	const many = 250
	contacts := make([][]contact.Key, many)
	for i := range contacts {
		contacts[i] = []contact.Key{key(i)}
	}
	plain := dynamo.NewRecords(db, stack)
	for _, n := range []int{0, 120, many - 1} {
		if _, err := plain.Put(t.Context(), class, consent(fmt.Sprintf("sub-%d", n), n, now), anyone, key(n)); err != nil {
			t.Fatal(err)
		}
	}
	var fails error
	records := dynamo.NewRecords(dynamotest.Intercept(db, func(operation string) error {
		if operation != "BatchGetItem" {
			t.Errorf("a call of %s", operation)
		}
		return fails
	}), stack)
	said, err := records.Evidence(t.Context(), class, contacts, []scope.Scope{"acme"})
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range said {
		if want := i == 0 || i == 120 || i == many-1; (len(one.Records) == 1) != want {
			t.Errorf("contact %d has %d records", i, len(one.Records))
		}
	}
	fails = errors.New("down")
	if said, err := records.Evidence(t.Context(), class, contacts, []scope.Scope{"acme"}); err == nil || said != nil {
		t.Errorf("a store that fails answers %d contacts, error %v", len(said), err)
	}
}
