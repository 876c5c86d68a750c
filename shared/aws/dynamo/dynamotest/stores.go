package dynamotest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge/purgetest"
)

// Stores returns the stores of a purge over the tables of a stack.
func Stores(db *dynamodb.Client, stack names.Stack) purgetest.Stores {
	return purgetest.Stores{
		Records: dynamo.NewRecords(db, stack), Deleter: dynamo.NewDeleter(db, stack), Holds: dynamo.NewHolds(db, stack),
		Runs: dynamo.NewRuns(db, stack), List: dynamo.NewSuppressions(db, stack), Tables: rawTables{db, stack},
	}
}

// rawTables gives a test ways around the rules of the stores.
type rawTables struct {
	db    *dynamodb.Client
	stack names.Stack
}

func (a rawTables) Plant(t testing.TB, class string, items ...map[string]any) {
	t.Helper()
	PutAll(t, a.db, a.stack.Records(class), items)
}

func (a rawTables) Remove(t testing.TB, class, id string) {
	t.Helper()
	Remove(t, a.db, a.stack.Records(class), id)
}

func (a rawTables) Items(t testing.TB, class string) map[string]map[string]any {
	t.Helper()
	table := a.stack.Records(class)
	all := map[string]map[string]any{}
	for pages := dynamodb.NewScanPaginator(a.db, &dynamodb.ScanInput{TableName: &table}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var items []map[string]any
		if err := attributevalue.UnmarshalListOfMaps(page.Items, &items); err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			all[item[names.AttrID].(string)] = item
		}
	}
	return all
}

func (a rawTables) SpoilSuppression(t testing.TB, key contact.Key) {
	t.Helper()
	Put(t, a.db, a.stack.Table(names.TableSuppressions), map[string]any{"key": string(key), "marks": "none"})
}

func (a rawTables) Dump(t testing.TB) string {
	t.Helper()
	return Dump(t, a.db, a.stack.Table(names.TableSuppressions), a.stack.Table(names.TableLedger), a.stack.Table(names.TableHolds), a.stack.Table(names.TableHoldHistory), a.stack.Table(names.TableRuns), a.stack.Table(names.TableSlots))
}

func (a rawTables) Intercept(before func(operation string) error) purgetest.Stores {
	return Stores(Intercept(a.db, before), a.stack)
}
