//go:build store

package purge_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// The sizes of the tables and the numbers of due records: few at the tests'
// cutoff, many two months later.
const (
	smallTable, largeTable = 10_000, 1_000_000
	fewDue, manyDue        = 1_000, 100_000
	writersAtOnce          = 16
	perBatch               = 25 // the number of items that DynamoDB takes in one batch
)

// A plan's cost follows the number of due records, not the size of the table.
// The benchmark compares the read units of the same plan in a large and a small
// table, and the time per record of a large and a small plan. It is measured
// once.
func BenchmarkPlan(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		_, class := onlyClass(b)
		db := dynamotest.Client(b)
		stack := fill(b, db, "small", smallTable)
		small, _ := plan(b, db, stack, class, cutoff, fewDue)
		stack = fill(b, db, "large", largeTable)
		large, few := plan(b, db, stack, class, cutoff, fewDue)
		_, many := plan(b, db, stack, class, cutoff.AddDate(0, 2, 0), manyDue)

		b.ReportMetric(large.read, "PlanUnits-ours")
		b.ReportMetric(small.read, "PlanUnits-raw")
		b.ReportMetric(many.Seconds()*1e6/manyDue, "PlanMicros-ours")
		b.ReportMetric(few.Seconds()*1e6/fewDue, "PlanMicros-raw")
	})
}

// plan returns the consumption of a plan, and the median duration of several.
func plan(b *testing.B, db *dynamodb.Client, stack names.Stack, class retention.Class, at time.Time, due int) (units, time.Duration) {
	used, metered := newMeter(db)
	records := dynamo.NewRecords(metered, stack)
	var once units
	var took []time.Duration
	for range 7 {
		began := time.Now()
		made, err := purge.Make(b.Context(), records, class, "policy", at)
		took = append(took, time.Since(began))
		if err != nil || made.Due() != due {
			b.Fatalf("%d are due, want %d; error %v", made.Due(), due, err)
		}
		once = used.taken()
	}
	slices.Sort(took)
	return once, took[len(took)/2]
}

// fill writes n records into the table of a new stack, with the attributes and
// the two indexes that a plan reads. DynamoDB Local builds an index of a full
// table much faster than it maintains one.
func fill(b *testing.B, db *dynamodb.Client, stack names.Stack, size int) names.Stack {
	table := stack.Records(retention.Messaging)
	key := func(name string, as types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: as}
	}
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	if _, err := db.CreateTable(b.Context(), &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{key(names.AttrID, types.KeyTypeHash)},
		AttributeDefinitions: []types.AttributeDefinition{attribute(names.AttrID)},
	}); err != nil {
		b.Fatal(err)
	}
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(writersAtOnce)
	for first := 0; first < size; first += perBatch {
		group.Go(func() error {
			var requests []types.WriteRequest
			for n := first; n < first+perBatch; n++ {
				requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: indexed(n)}})
			}
			return write(ctx, db, table, requests)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	for name, sort := range map[string]string{names.IndexDue: names.AttrRetentionSort, names.IndexWithdrawn: names.AttrWithdrawnAt} {
		if _, err := db.UpdateTable(b.Context(), &dynamodb.UpdateTableInput{
			TableName: &table, AttributeDefinitions: []types.AttributeDefinition{attribute(names.AttrRetentionShard), attribute(sort)},
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName: &name, Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
				KeySchema: []types.KeySchemaElement{key(names.AttrRetentionShard, types.KeyTypeHash), key(sort, types.KeyTypeRange)},
			}}},
		}); err != nil {
			b.Fatal(err)
		}
		for !active(b, db, table, name) {
			time.Sleep(100 * time.Millisecond)
		}
	}
	return stack
}

func active(b *testing.B, db *dynamodb.Client, table, index string) bool {
	out, err := db.DescribeTable(b.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		b.Fatal(err)
	}
	return slices.ContainsFunc(out.Table.GlobalSecondaryIndexes, func(i types.GlobalSecondaryIndexDescription) bool {
		return *i.IndexName == index && i.IndexStatus == types.IndexStatusActive
	})
}

func write(ctx context.Context, db *dynamodb.Client, table string, requests []types.WriteRequest) error {
	out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
	if err == nil && len(out.UnprocessedItems) > 0 {
		return fmt.Errorf("the store left %d items unwritten", len(out.UnprocessedItems[table]))
	}
	return err
}

// indexed is the nth record: among the first, fewDue are due at the cutoff, and
// manyDue two months later; the others in a year or more.
func indexed(n int) map[string]types.AttributeValue {
	start := due.AddDate(1, 0, 0)
	if n < fewDue {
		start = due.AddDate(0, -1, 0)
	} else if n < manyDue {
		start = due.AddDate(0, 1, 0)
	}
	return map[string]types.AttributeValue{
		names.AttrID:             &types.AttributeValueMemberS{Value: fmt.Sprintf("sub-%07d", n)},
		names.AttrRetentionShard: &types.AttributeValueMemberS{Value: retention.ShardName(n % retention.Shards)},
		names.AttrRetentionSort:  &types.AttributeValueMemberS{Value: retention.Sort(start.Add(time.Duration(n) * time.Second))},
	}
}
