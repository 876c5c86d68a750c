//go:build store

package purge_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// lostEvery says that each 201st record has lost its place in the indexes and its
// contact's slot.
const lostEvery = 201

// A plan's cost follows the number of due records, not the size of the table.
// The benchmark compares the read units of the same plan in a large and a small
// table, and the time per record of a large and a small plan. It then compares the
// repair of the large table with a bare scan, and its memory with that of the small
// table's repair. It is measured once.
func BenchmarkPlanAndMend(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		_, class := onlyClass(b)
		db, stack := fill(b, smallTable)
		small, _ := plan(b, db, stack, class, cutoff, fewDue)
		_, memoryOfSmall := mend(b, db, stack, smallTable)
		db, stack = fill(b, largeTable)
		large, few := plan(b, db, stack, class, cutoff, fewDue)
		_, many := plan(b, db, stack, class, cutoff.AddDate(0, 2, 0), manyDue)
		scanned := scan(b, db, stack)
		mended, memory := mend(b, db, stack, largeTable)

		b.ReportMetric(large.read, "PlanUnits-ours")
		b.ReportMetric(small.read, "PlanUnits-raw")
		b.ReportMetric(many.Seconds()*1e6/manyDue, "PlanMicros-ours")
		b.ReportMetric(few.Seconds()*1e6/fewDue, "PlanMicros-raw")
		b.ReportMetric(mended.Seconds()*1e6/largeTable, "MendMicros-ours")
		b.ReportMetric(scanned.Seconds()*1e6/largeTable, "MendMicros-raw")
		b.ReportMetric(memory, "Memory/mend/1M-ours-MB")
		b.ReportMetric(memoryOfSmall, "Memory/mend/1M-raw-MB")
	})
}

// mend repairs a table, with a kill at half of the work, and returns the duration
// and the peak of the heap in megabytes. A second repair must find nothing to do.
func mend(b *testing.B, db *dynamodb.Client, stack names.Stack, size int) (time.Duration, float64) {
	h := houseOver(b, dynamotest.Stores(db, stack))
	peak := heapPeak(b)
	began := time.Now()
	saved := purge.NewMendWork(retention.Messaging)
	_, err := h.mender().Mend(b.Context(), saved, func(w purge.MendWork) error {
		if w.Did.Scanned > size/2 {
			return errKilled
		}
		saved = purge.MendWork{Class: w.Class, Segments: slices.Clone(w.Segments), Did: w.Did}
		return nil
	})
	if !errors.Is(err, errKilled) {
		b.Fatalf("after half of the records: error %v", err)
	}
	work, err := h.mender().Mend(b.Context(), saved, saveNothing)
	took, megabytes := time.Since(began), peak()
	lost := (size + lostEvery - 1) / lostEvery
	if err != nil || work.Did.Scanned != size || work.Did.Claimed > lost || work.Did.Faults > 0 {
		b.Fatalf("the repair of %d records, %d of them lost: %+v, error %v", size, lost, work.Did, err)
	}
	work, err = h.mender().Mend(b.Context(), purge.NewMendWork(retention.Messaging), saveNothing)
	if want := (purge.Mended{Scanned: size}); err != nil || work.Did != want {
		b.Fatalf("the second repair: %+v, error %v", work.Did, err)
	}
	counted, err := purge.Count(b.Context(), h.Records, h.Holds, h.class, cutoff)
	if all := (min(size, fewThrough) + lostEvery - 1) / lostEvery; err != nil || counted.Due != fewDue+all {
		b.Fatalf("%d are due after the repair, want %d; error %v", counted.Due, fewDue+all, err)
	}
	return took, megabytes
}

// heapPeak observes the heap. The returned function ends that, and returns the peak
// in megabytes.
func heapPeak(b *testing.B) func() float64 {
	runtime.GC()
	ctx, stop := context.WithCancel(b.Context())
	peak := make(chan float64)
	go func() {
		most := uint64(0)
		heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for ctx.Err() == nil {
			metrics.Read(heap)
			most = max(most, heap[0].Value.Uint64())
			time.Sleep(10 * time.Millisecond)
		}
		peak <- float64(most) / 1e6
	}()
	return func() float64 {
		stop()
		return <-peak
	}
}

// scan reads a table strongly in eight segments and returns the duration.
func scan(b *testing.B, db *dynamodb.Client, stack names.Stack) time.Duration {
	const segments = 8
	began := time.Now()
	group, ctx := errgroup.WithContext(b.Context())
	for n := range segments {
		group.Go(func() error {
			pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{
				TableName: aws.String(stack.Records(retention.Messaging)), ConsistentRead: aws.Bool(true), Segment: aws.Int32(int32(n)), TotalSegments: aws.Int32(segments),
			})
			for pages.HasMorePages() {
				if _, err := pages.NextPage(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
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

// fill writes records into the class table of a new stack, with the two indexes
// that a plan reads. DynamoDB Local builds an index of a full table much faster than
// it maintains one.
func fill(b *testing.B, size int) (*dynamodb.Client, names.Stack) {
	db, stack := dynamotest.Tables(b)
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
	return db, stack
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

// The first records are due: fewDue of them, and manyDue two months later, have their
// place.
const (
	fewThrough  = fewDue * lostEvery / (lostEvery - 1)
	manyThrough = manyDue * lostEvery / (lostEvery - 1)
)

// indexed is the nth record. The records behind manyThrough are due in a year or more.
func indexed(n int) map[string]types.AttributeValue {
	start := due.AddDate(1, 0, 0)
	if n < fewThrough {
		start = due.AddDate(0, -1, 0)
	} else if n < manyThrough {
		start = due.AddDate(0, 1, 0)
	}
	sort := &types.AttributeValueMemberS{Value: retention.Sort(start.Add(time.Duration(n) * time.Second))}
	item := map[string]types.AttributeValue{
		names.AttrID:         &types.AttributeValueMemberS{Value: fmt.Sprintf("sub-%07d", n)},
		names.AttrOccurredAt: sort, names.AttrRetentionStart: sort,
	}
	if n%lostEvery == 0 {
		item[names.AttrSubject] = &types.AttributeValueMemberS{Value: string(subject(n))}
		item[names.AttrScope] = &types.AttributeValueMemberS{Value: "acme"}
		return item
	}
	item[names.AttrRetentionShard] = &types.AttributeValueMemberS{Value: retention.ShardName(n % retention.Shards)}
	item[names.AttrRetentionSort] = sort
	return item
}
