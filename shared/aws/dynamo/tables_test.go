//go:build store

package dynamo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
)

func TestMissingTableIsNamed(t *testing.T) {
	db, stack := dynamotest.Tables(t, "messaging")
	dynamotest.Put(t, db, stack.Records("messaging"), map[string]any{"id": "sub-1"})
	got, err := dynamo.NewTables(db, stack).All(t.Context(), []string{"messaging", "letters"})
	if err != nil {
		t.Fatal(err)
	}
	want := []dynamo.Table{
		{Name: stack.Suppressions(), State: "ACTIVE"}, {Name: stack.Ledger(), State: "ACTIVE"}, {Name: stack.Holds(), State: "ACTIVE"},
		{Name: stack.HoldHistory(), State: "ACTIVE"}, {Name: stack.Runs(), State: "ACTIVE"}, {Name: stack.Tools(), State: "ACTIVE"}, {Name: stack.Replies(), State: "ACTIVE"},
		{Name: stack.Slots(), State: "ACTIVE"},
		{Name: stack.Records("messaging"), State: "ACTIVE", Items: 1}, {Name: stack.Records("letters"), State: dynamo.Missing},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, table := range got {
		if table.OK() != (table.State != dynamo.Missing) {
			t.Errorf("%+v is OK: %v", table, table.OK())
		}
	}
}
