package dynamotest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
)

// Put writes an item as another service would that does not know our rules.
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

// Remove deletes the item of this id as its owner would.
func Remove(t testing.TB, client *dynamodb.Client, table, id string) {
	t.Helper()
	key := map[string]types.AttributeValue{names.AttrID: &types.AttributeValueMemberS{Value: id}}
	if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
		t.Fatal(err)
	}
}

// Items are the items of a table.
func Items(t testing.TB, client *dynamodb.Client, table string) (all []map[string]types.AttributeValue) {
	t.Helper()
	for pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
	}
	return all
}

// Restore makes a table with these key attributes hold the items of its backup, and
// nothing else.
func Restore(t testing.TB, client *dynamodb.Client, table string, backup []map[string]types.AttributeValue, key ...string) {
	t.Helper()
	for _, item := range Items(t, client, table) {
		maps.DeleteFunc(item, func(name string, _ types.AttributeValue) bool { return !slices.Contains(key, name) })
		if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: item}); err != nil {
			t.Fatal(err)
		}
	}
	for _, item := range backup {
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
}

// batch is the number of items that DynamoDB takes in one batch.
const batch = 25

// PutAll writes many items, like Put.
func PutAll(t testing.TB, client *dynamodb.Client, table string, items []map[string]any) {
	t.Helper()
	for chunk := range slices.Chunk(items, batch) {
		requests := make([]types.WriteRequest, len(chunk))
		for i, item := range chunk {
			written, err := attributevalue.MarshalMap(item)
			if err != nil {
				t.Fatal(err)
			}
			requests[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: written}}
		}
		out, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.UnprocessedItems) > 0 {
			t.Fatal("the store left items unwritten")
		}
	}
}

// Dump returns everything in the tables as text, for tests that search it for
// personal data.
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
