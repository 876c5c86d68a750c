//go:build store

package dynamotest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

func TestClassTableHasItsKeyAndItsIndexes(t *testing.T) {
	client, stack := Tables(t, "messaging")
	answer, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{
		TableName: new(stack.Records("messaging")),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{"table": keyNames(answer.Table.KeySchema)}
	for _, index := range answer.Table.GlobalSecondaryIndexes {
		got[*index.IndexName] = keyNames(index.KeySchema)
	}
	want := map[string][]string{
		"table":              {names.AttrID},
		names.IndexDue:       {names.AttrRetentionShard, names.AttrRetentionSort},
		names.IndexWithdrawn: {names.AttrRetentionShard, names.AttrWithdrawnAt},
		names.IndexRunning:   {names.AttrRetentionShard, names.AttrActiveSort},
		names.IndexSubject:   {names.AttrSubject},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestTwoTestsNeverShareATable(t *testing.T) {
	client, mine := Tables(t)
	_, theirs := Tables(t)
	if mine == theirs {
		t.Fatalf("both got the stack %s", mine)
	}
	answer, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.TableNames) < 10 {
		t.Errorf("there are %d tables, want five of each stack", len(answer.TableNames))
	}
}

func keyNames(elements []types.KeySchemaElement) []string {
	names := make([]string, len(elements))
	for i, element := range elements {
		names[i] = *element.AttributeName
	}
	return names
}
