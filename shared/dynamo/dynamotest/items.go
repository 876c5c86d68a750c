package dynamotest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Put writes an item as somebody else would who does not know our rules.
func Put(t testing.TB, client *dynamodb.Client, table string, item map[string]any) {
	t.Helper()
	written, err := attributevalue.MarshalMap(item)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: written}); err != nil {
		t.Fatal(err)
	}
}

// Dump returns everything in the tables as text, for tests that look for what
// must not be in there.
func Dump(t testing.TB, client *dynamodb.Client, tables ...string) string {
	t.Helper()
	var everything strings.Builder
	for _, table := range tables {
		pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var items []map[string]any
			if err := attributevalue.UnmarshalListOfMaps(page.Items, &items); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(items)
			if err != nil {
				t.Fatal(err)
			}
			everything.Write(text)
		}
	}
	return everything.String()
}
