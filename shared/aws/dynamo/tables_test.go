//go:build store

package dynamo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
)

func TestMissingTableIsNamed(t *testing.T) {
	db, stack := dynamotest.Tables(t, "messaging")
	dynamotest.Put(t, db, stack.Records("messaging"), map[string]any{"id": "sub-1"})
	got, err := dynamo.NewTables(db, stack).All(t.Context(), []string{"messaging", "letters"})
	if err != nil {
		t.Fatal(err)
	}
	want := []dynamo.Table{
		{Name: stack.Table(names.TableSuppressions), State: "ACTIVE"}, {Name: stack.Table(names.TableLedger), State: "ACTIVE"}, {Name: stack.Table(names.TableHolds), State: "ACTIVE"},
		{Name: stack.Table(names.TableHoldHistory), State: "ACTIVE"}, {Name: stack.Table(names.TableRuns), State: "ACTIVE"}, {Name: stack.Table(names.TableTools), State: "ACTIVE"}, {Name: stack.Table(names.TableReplies), State: "ACTIVE"},
		{Name: stack.Table(names.TableSlots), State: "ACTIVE"},
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
