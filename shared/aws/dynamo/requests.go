package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// terms are what an update sets, and the condition of a write, as DynamoDB reads
// both. A placeholder #name that names lacks stands for the attribute of that name.
type terms struct {
	set, where string
	names      map[string]string
	values     item
}

// absent is the condition that the stored item lacks an attribute: its key, where
// none must be stored.
func absent(attribute string) terms { return terms{where: "attribute_not_exists(#" + attribute + ")"} }

// setting are the terms of an update that sets attributes, and removes those whose
// value is empty. An attribute among kept is set only where the item lacks it.
func setting(values item, kept ...string) terms {
	var set, remove []string
	t := terms{values: item{}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case isEmpty(values[name]):
			remove = append(remove, "#"+name)
			continue
		case slices.Contains(kept, name):
			set = append(set, "#"+name+" = if_not_exists(#"+name+", :new"+name+")")
		default:
			set = append(set, "#"+name+" = :new"+name)
		}
		t.values[":new"+name] = values[name]
	}
	if len(set) > 0 {
		t.set = "SET " + strings.Join(set, ", ")
	}
	if len(remove) > 0 {
		t.set += " REMOVE " + strings.Join(remove, ", ")
	}
	return t
}

func isEmpty(value types.AttributeValue) bool {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value == ""
	case *types.AttributeValueMemberL:
		return len(v.Value) == 0
	}
	return false
}

// under are the terms with the condition of others.
func (t terms) under(other terms) terms {
	t.where, t.values = other.where, maps.Clone(t.values)
	maps.Copy(t.values, other.values)
	return t
}

// attributes are the names of the placeholders; nil for none: DynamoDB refuses an
// empty map.
func (t terms) attributes() map[string]string {
	var all map[string]string
	for _, text := range []string{t.set, t.where} {
		for {
			_, rest, more := strings.Cut(text, "#")
			if !more {
				break
			}
			end := strings.IndexAny(rest, " ().,=")
			if end < 0 {
				end = len(rest)
			}
			if all == nil {
				all = map[string]string{}
			}
			all["#"+rest[:end]] = cmp.Or(t.names["#"+rest[:end]], rest[:end])
			text = rest[end:]
		}
	}
	return all
}

func (t terms) used() item {
	if len(t.values) == 0 {
		return nil
	}
	return t.values
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func put(table string, i item, t terms) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &table, Item: i,
		ConditionExpression: given(t.where), ExpressionAttributeNames: t.attributes(), ExpressionAttributeValues: t.used(),
	}}
}

func update(table string, key item, t terms) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &table, Key: key, UpdateExpression: &t.set,
		ConditionExpression: given(t.where), ExpressionAttributeNames: t.attributes(), ExpressionAttributeValues: t.used(),
	}}
}

func remove(table string, key item, t terms) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: &table, Key: key,
		ConditionExpression: given(t.where), ExpressionAttributeNames: t.attributes(), ExpressionAttributeValues: t.used(),
	}}
}

// check is a condition on an item that the transaction does not write.
func check(table string, key item, t terms) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &table, Key: key,
		ConditionExpression: &t.where, ExpressionAttributeNames: t.attributes(), ExpressionAttributeValues: t.used(),
	}}
}

// send makes one operation, or several in one transaction.
func send(ctx context.Context, db *dynamodb.Client, operations ...types.TransactWriteItem) error {
	var err error
	switch only := operations[0]; {
	case len(operations) > 1:
		_, err = db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
	case only.Put != nil:
		_, err = db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: only.Put.TableName, Item: only.Put.Item, ConditionExpression: only.Put.ConditionExpression,
			ExpressionAttributeNames: only.Put.ExpressionAttributeNames, ExpressionAttributeValues: only.Put.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: only.Put.ReturnValuesOnConditionCheckFailure,
		})
	case only.Update != nil:
		_, err = db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: only.Update.TableName, Key: only.Update.Key,
			UpdateExpression: only.Update.UpdateExpression, ConditionExpression: only.Update.ConditionExpression,
			ExpressionAttributeNames: only.Update.ExpressionAttributeNames, ExpressionAttributeValues: only.Update.ExpressionAttributeValues,
		})
	default:
		_, err = db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: only.Delete.TableName, Key: only.Delete.Key, ConditionExpression: only.Delete.ConditionExpression,
			ExpressionAttributeNames: only.Delete.ExpressionAttributeNames, ExpressionAttributeValues: only.Delete.ExpressionAttributeValues,
		})
	}
	return err
}

// write sends operations and reports whether their conditions held. It waits for a
// transaction with one of the items, a page of a purge for example, which may be
// cancelled and then leaves the item as it was. The error wraps ErrUnwritable if
// DynamoDB can never take an item.
func write(ctx context.Context, db *dynamodb.Client, doing string, operations ...types.TransactWriteItem) (bool, error) {
	err := retry(ctx, doing, func() error { return send(ctx, db, operations...) })
	reasons, _ := cancelled(err)
	switch {
	case tooLarge(err, reasons):
		return false, fmt.Errorf("%s: %w", doing, ErrUnwritable)
	case conditionNotMet(err):
		return false, nil
	}
	return err == nil, err
}

// conditionNotMet reports whether a write was refused for a condition.
func conditionNotMet(err error) bool {
	var refused *types.ConditionalCheckFailedException
	reasons, _ := cancelled(err)
	return errors.As(err, &refused) || slices.ContainsFunc(reasons, func(r types.CancellationReason) bool { return failed(r, conditionFailed) })
}

// get reads one item strongly; nil if there is none.
func get(ctx context.Context, db *dynamodb.Client, table string, key item, doing string) (item, error) {
	out, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return out.Item, nil
}

// scan reads the items of all pages, strongly. After an error there are no more.
func scan(ctx context.Context, db *dynamodb.Client, input *dynamodb.ScanInput, doing string) iter.Seq2[item, error] {
	input.ConsistentRead = aws.Bool(true)
	pages := dynamodb.NewScanPaginator(db, input)
	return paged(doing, pages.HasMorePages, func() ([]item, error) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		return page.Items, nil
	})
}

// query reads the items of all pages. After an error there are no more.
func query(ctx context.Context, db *dynamodb.Client, input *dynamodb.QueryInput, doing string) iter.Seq2[item, error] {
	pages := dynamodb.NewQueryPaginator(db, input)
	return paged(doing, pages.HasMorePages, func() ([]item, error) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		return page.Items, nil
	})
}

func paged(doing string, more func() bool, next func() ([]item, error)) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for more() {
			page, err := next()
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", doing, err))
				return
			}
			for _, found := range page {
				if !yield(found, nil) {
					return
				}
			}
		}
	}
}
