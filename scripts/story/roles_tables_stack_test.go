//go:build stack

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/retention"
)

type item = map[string]types.AttributeValue

// A row is a row of a table, made up for the test.
type row struct {
	table     string
	key       item
	partition string // name of the table's partition key
}

func newRow(table, partition string, rest ...string) row {
	r := row{table: table, partition: partition, key: item{partition: text("trial")}}
	for _, attribute := range rest {
		r.key[attribute] = text("trial")
	}
	return r
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// rows are one row of every kind of table.
func rows() map[string]row {
	stack := names.DefaultStack
	ledger := newRow(stack.Table(names.TableLedger), names.AttrKey)
	ledger.key[names.AttrVersion] = &types.AttributeValueMemberN{Value: "1"}
	return map[string]row{
		"suppressions": newRow(stack.Table(names.TableSuppressions), names.AttrKey),
		"ledger":       ledger,
		"holds":        newRow(stack.Table(names.TableHolds), names.AttrTarget),
		"holdHistory":  newRow(stack.Table(names.TableHoldHistory), names.AttrCase, names.AttrEntry),
		"runs":         newRow(stack.Table(names.TableRuns), names.AttrClass, names.AttrRun),
		"tools":        newRow(stack.Table(names.TableTools), names.AttrHash),
		"replies":      newRow(stack.Table(names.TableReplies), names.AttrID),
		"slots":        newRow(stack.Table(names.TableSlots), names.AttrSlot),
		"records":      newRow(stack.Records(retention.Messaging), names.AttrID),
	}
}

// rights are the rights of each role of the purge on each table. It has no
// other right on any table.
func rights() map[string]map[string][]string {
	return map[string]map[string][]string{
		names.PurgePlan: {
			"records": {"BatchGetItem"},
			"runs":    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"},
			"slots":   {"BatchGetItem"},               // whether objects keep a record
			"holds":   {"BatchGetItem", "UpdateItem"}, // on AWS, UpdateItem of fences only: the stack does not look at the condition
		},
		names.PurgeDelete: {
			"records": {"BatchGetItem", "DeleteItem", "UpdateItem"},
			"holds":   {"GetItem", "Scan", "ConditionCheckItem"},
			"runs":    {"GetItem"},
			"slots":   {"BatchGetItem", "DeleteItem"}, // the claims of the objects
		},
		names.PurgeVerify: {
			"records": {"BatchGetItem", "Scan"},
			"holds":   {"BatchGetItem", "UpdateItem"}, // as purge-plan
			"runs":    {"GetItem", "PutItem", "UpdateItem", "Query"},
			"slots":   {"BatchGetItem"},
		},
		names.PurgeAudit: {
			"records":      {"BatchGetItem", "Scan"},
			"holds":        {"BatchGetItem"},
			"suppressions": {"GetItem", "BatchGetItem"},
		},
	}
}

// who are the roles with a right on a table.
func who(table, action string) []string {
	var may []string
	for _, function := range purgeFunctions() {
		if slices.Contains(rights()[function][table], action) {
			may = append(may, function)
		}
	}
	return may
}

func TestPurgeRolesInTables(t *testing.T) {
	for table, r := range rows() {
		t.Run(table, func(t *testing.T) {
			var deeds []deed
			for _, action := range slices.Sorted(maps.Keys(singleCalls(r))) {
				deeds = append(deeds, deed{action, onTables(singleCalls(r)[action]), who(table, action)})
			}
			for _, action := range slices.Sorted(maps.Keys(transactionParts(r))) {
				deeds = append(deeds, deed{action + " in a transaction", transact(transactionParts(r)[action]), who(table, action)})
			}
			deeds = append(deeds, deed{"a statement that reads", statement("SELECT * FROM %q", r), nil})
			judge(t, deeds)
			if err := singleCalls(r)["DeleteItem"](t.Context(), dynamodb.NewFromConfig(deployed.stack.Config())); err != nil {
				t.Error(err)
			}
		})
	}
}

func onTables(do func(context.Context, *dynamodb.Client) error) func(context.Context, aws.Config) error {
	return func(ctx context.Context, cfg aws.Config) error { return do(ctx, dynamodb.NewFromConfig(cfg)) }
}

// singleCalls are the calls on one row, by the action that each needs.
func singleCalls(r row) map[string]func(context.Context, *dynamodb.Client) error {
	return map[string]func(context.Context, *dynamodb.Client) error{
		"GetItem": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: r.key})
			return err
		},
		"BatchGetItem": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{r.table: {Keys: []item{r.key}}},
			})
			return err
		},
		"Query": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.Query(ctx, &dynamodb.QueryInput{
				TableName: &r.table, KeyConditionExpression: aws.String("#p = :p"),
				ExpressionAttributeNames: map[string]string{"#p": r.partition}, ExpressionAttributeValues: item{":p": text("trial")},
			})
			return err
		},
		"Scan": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.Scan(ctx, &dynamodb.ScanInput{TableName: &r.table})
			return err
		},
		"PutItem": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: r.key})
			return err
		},
		"UpdateItem": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &r.table, Key: r.key, UpdateExpression: aws.String("SET tried = :t"), ExpressionAttributeValues: item{":t": text("yes")},
			})
			return err
		},
		"DeleteItem": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &r.table, Key: r.key})
			return err
		},
		"BatchWriteItem": func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{r.table: {{PutRequest: &types.PutRequest{Item: r.key}}}},
			})
			return err
		},
	}
}

// transactionParts are the operations of a transaction on one row, by the action that
// each needs.
func transactionParts(r row) map[string]types.TransactWriteItem {
	anyway := aws.String(fmt.Sprintf("attribute_exists(%s) OR attribute_not_exists(%[1]s)", "tried"))
	return map[string]types.TransactWriteItem{
		"PutItem":    {Put: &types.Put{TableName: &r.table, Item: r.key}},
		"DeleteItem": {Delete: &types.Delete{TableName: &r.table, Key: r.key}},
		"UpdateItem": {Update: &types.Update{
			TableName: &r.table, Key: r.key, UpdateExpression: aws.String("SET tried = :t"), ExpressionAttributeValues: item{":t": text("yes")},
		}},
		"ConditionCheckItem": {ConditionCheck: &types.ConditionCheck{TableName: &r.table, Key: r.key, ConditionExpression: anyway}},
	}
}

// transact makes these writes in one transaction.
func transact(writes ...types.TransactWriteItem) func(context.Context, aws.Config) error {
	return onTables(func(ctx context.Context, db *dynamodb.Client) error {
		_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
}

// statement is a PartiQL statement on a row's table.
func statement(form string, r row) func(context.Context, aws.Config) error {
	return onTables(func(ctx context.Context, db *dynamodb.Client) error {
		_, err := db.ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: aws.String(fmt.Sprintf(form, r.table))})
		return err
	})
}

// A permitted write in a transaction must not carry a forbidden one with it.
func TestTransactionCarriesNoForbiddenWrite(t *testing.T) {
	rows := rows()
	own := map[string]types.TransactWriteItem{
		names.PurgePlan:   transactionParts(rows["runs"])["PutItem"],
		names.PurgeDelete: transactionParts(rows["records"])["DeleteItem"],
		names.PurgeVerify: transactionParts(rows["runs"])["PutItem"],
	}
	var deeds []deed
	for function, may := range own {
		allowed := []string{function}
		if function != names.PurgeDelete {
			allowed = []string{names.PurgePlan, names.PurgeVerify}
		}
		deeds = append(deeds, deed{"what " + function + " may", transact(may), allowed})
		for _, table := range []string{"suppressions", "ledger"} {
			for action, write := range transactionParts(rows[table]) {
				deeds = append(deeds, deed{fmt.Sprintf("what %s may, and with it %s in %s", function, action, table), transact(may, write), nil})
			}
		}
	}
	fenced := transact(transactionParts(rows["holds"])["ConditionCheckItem"], transactionParts(rows["records"])["DeleteItem"])
	judge(t, append(deeds, deed{"a deletion under its fence", fenced, []string{names.PurgeDelete}}))
	for _, table := range []string{"suppressions", "ledger", "runs", "records"} {
		if err := singleCalls(rows[table])["DeleteItem"](t.Context(), dynamodb.NewFromConfig(deployed.stack.Config())); err != nil {
			t.Error(err)
		}
	}
}

func TestPurgeRolesInIndexes(t *testing.T) {
	query := func(index, partition string) func(context.Context, aws.Config) error {
		return onTables(func(ctx context.Context, db *dynamodb.Client) error {
			_, err := db.Query(ctx, &dynamodb.QueryInput{
				TableName: aws.String(names.DefaultStack.Records(retention.Messaging)), IndexName: &index,
				KeyConditionExpression:    aws.String("#p = :p"),
				ExpressionAttributeNames:  map[string]string{"#p": partition},
				ExpressionAttributeValues: item{":p": text("trial")},
			})
			return err
		})
	}
	finders := []string{names.PurgePlan, names.PurgeDelete, names.PurgeVerify}
	judge(t, []deed{
		{"due records", query(names.IndexDue, names.AttrRetentionShard), finders},
		{"withdrawn records", query(names.IndexWithdrawn, names.AttrRetentionShard), finders},
		{"running records", query(names.IndexRunning, names.AttrRetentionShard), []string{names.PurgeVerify}},
		{"whose it is", query(names.IndexSubject, names.AttrSubject), nil},
	})
}
