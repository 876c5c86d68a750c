//go:build store

package purge_test

import (
	"context"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// As many shards as a run works on at the same time, with enough pages that
// their beginning and end weigh little.
const (
	benchShards = 16
	benchPages  = 24
)

// The benchmark compares the deletion of due records, from the index to the
// page's last manifest entry, with the bare transactions under the same
// conditions. The two sides take turns, one page of every shard each, because a
// machine's speed varies.
func BenchmarkPurgeDelete(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		db, stack := dynamotest.Tables(b, retention.Messaging)
		h := houseOver(b, dynamotest.Stores(db, stack))
		class, worker := h.class, h.worker(h.Stores, h.manifest)
		for shard := range 2 * benchShards {
			for page := range benchPages {
				dynamotest.PutAll(b, db, stack.Records(class.Name), dueItems(shard, page))
			}
		}
		bare := dynamotest.Bare(db)
		ours := inTurns(b, func(ctx context.Context, shard int, turn func() bool) error {
			work := purge.Work{Class: class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.ShardName(shard)}
			_, err := worker.Shard(ctx, class, work, turn)
			return err
		})
		raw := inTurns(b, func(ctx context.Context, shard int, turn func() bool) error {
			for page := 0; page < benchPages && turn(); page++ {
				if err := deletePage(ctx, bare, stack, benchShards+shard, page); err != nil {
					return err
				}
			}
			return nil
		})
		var times [2]time.Duration
		for going := true; going; {
			going = false
			for side, turn := range []func() (time.Duration, bool){ours, raw} {
				took, more := turn()
				times[side] += took
				going = going || more
			}
		}
		left, err := db.Scan(b.Context(), &dynamodb.ScanInput{TableName: aws.String(stack.Records(class.Name)), Limit: aws.Int32(1)})
		if err != nil || len(left.Items) > 0 {
			b.Fatalf("%d records are left, error %v", len(left.Items), err)
		}
		for side, name := range []string{"ours", "raw"} {
			b.ReportMetric(times[side].Seconds()*1e3/benchShards/benchPages, "PurgeDelete-"+name) // milliseconds a page
		}
	})
}

// inTurns runs work on all shards at the same time; each shard pauses until its
// next turn. The returned function gives every shard one turn. It returns the
// duration, and whether any shard needs another turn.
func inTurns(b *testing.B, deleteShard func(ctx context.Context, shard int, turn func() bool) error) func() (time.Duration, bool) {
	shards := make([]func() (error, bool), benchShards)
	for n := range shards {
		next, stop := iter.Pull(func(yield func(error) bool) {
			if err := deleteShard(b.Context(), n, func() bool { return yield(nil) }); err != nil {
				yield(err)
			}
		})
		shards[n] = next
		b.Cleanup(stop)
	}
	return func() (time.Duration, bool) {
		var asked atomic.Bool
		began := time.Now()
		var group errgroup.Group
		for _, next := range shards {
			group.Go(func() error {
				err, again := next()
				if again {
					asked.Store(true)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
		return time.Since(began), asked.Load()
	}
}

// The benchmark compares a purge's consumption for a record with the estimate, and its
// writes with the minimum: two units for each item of a transaction, and one for each
// entry of an index. These records are in two indexes, and every second one is
// withdrawn and in a third. A record that owns an object is marked first, then deleted
// together with its claim, which is in an index. It is measured once.
func BenchmarkPurge(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		const entries = 2.5
		used, estimated := consumption(b, 3, false)
		b.ReportMetric(used.write+entries, "DeleteUnits-ours")
		b.ReportMetric(2+entries, "DeleteUnits-raw")
		b.ReportMetric(used.write+entries, "PurgeWrites-ours")
		b.ReportMetric(estimated.write, "PurgeWrites-raw")
		b.ReportMetric(used.read, "PurgeReads-ours")
		b.ReportMetric(estimated.read, "PurgeReads-raw")
		used, _ = consumption(b, 1, true)
		b.ReportMetric(used.write+entries+1, "DeleteUnits/claims-ours")
		b.ReportMetric(2+2+2+entries+1, "DeleteUnits/claims-raw")
	})
}

// consumption purges some pages of every shard, and returns what a record consumed,
// without the writes of indexes, and its estimate. If claiming is set, each record
// owns an object.
func consumption(b *testing.B, pages int, claiming bool) (consumed, estimated units) {
	db, stack := dynamotest.Tables(b, retention.Messaging)
	used, metered := newMeter(db)
	h := houseOver(b, dynamotest.Stores(metered, stack))
	class, worker := h.class, h.worker(h.Stores, h.manifest)
	records := benchShards * pages * purge.MaxDeletes
	for shard := range benchShards {
		for page := range pages {
			items := dueItems(shard, page)
			for n := 0; n < len(items); n += 2 {
				items[n][names.AttrWithdrawnAt] = retention.Sort(cutoff)
			}
			if claiming {
				for _, item := range items {
					item[names.AttrObjects] = []string{"s3://letters/" + item[names.AttrID].(string)}
				}
			}
			dynamotest.PutAll(b, db, stack.Records(class.Name), items)
		}
	}
	if claiming {
		houseOver(b, dynamotest.Stores(db, stack)).own(h.left()...)
	}
	made, err := purge.Make(b.Context(), worker.Records, class, "policy", cutoff)
	if err != nil || made.Due() != records {
		b.Fatalf("%d are due, error %v", made.Due(), err)
	}
	for n := range benchShards {
		work := purge.Work{Class: class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.ShardName(n)}
		if _, err := worker.Shard(b.Context(), class, work, func() bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
	verifier := purge.Verifier{Records: worker.Records, Manifest: worker.Manifest, HMAC: func(_, id string) string { return id }, Missed: purge.Failed,
		Keep: func(context.Context, string, []byte) error { return nil }}
	account, err := verifier.Account(b.Context(), class, "run-1", cutoff)
	if err != nil || account.Counts.Deleted != records {
		b.Fatalf("%d were deleted, error %v", account.Counts.Deleted, err)
	}
	consumed, cost := used.taken(), purge.Estimate("without slots", made.Shards, 0)
	each := func(write, read float64) units {
		return units{write: write / float64(records), read: read / float64(records)}
	}
	return each(consumed.write, consumed.read), each(float64(cost.WriteUnits), float64(cost.ReadUnits))
}

// deletePage makes only the transaction that deletes a page, with the
// conditions of package dynamo written out.
func deletePage(ctx context.Context, db *dynamodb.Client, stack names.Stack, shard, page int) error {
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	operations := []types.TransactWriteItem{{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String(stack.Table(names.TableHolds)), Key: map[string]types.AttributeValue{names.AttrTarget: str("fence#" + retention.ShardName(shard))},
		ConditionExpression:      aws.String("attribute_not_exists(#turn) AND attribute_not_exists(epoch)"),
		ExpressionAttributeNames: map[string]string{"#turn": "turn#messaging"},
	}}}
	for _, record := range dueItems(shard, page) {
		operations = append(operations, types.TransactWriteItem{Delete: &types.Delete{
			TableName: aws.String(stack.Records(retention.Messaging)), Key: map[string]types.AttributeValue{names.AttrID: str(record[names.AttrID].(string))},
			ConditionExpression: aws.String("attribute_exists(id) AND retentionStart = :start AND attribute_not_exists(startAsOf)" +
				" AND attribute_not_exists(withdrawnAt) AND subject = :subject AND attribute_not_exists(formerSubjects) AND #scope = :scope" +
				" AND basis = :basis AND occurredAt = :start AND attribute_not_exists(firstOccurredAt) AND attribute_not_exists(objects)" +
				" AND attribute_not_exists(claimed) AND attribute_not_exists(purgingBy)"),
			ExpressionAttributeNames: map[string]string{"#scope": names.AttrScope},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":start": str(retention.Sort(due)), ":scope": str("acme"), ":basis": str(string(retention.Consent)), ":subject": str(record[names.AttrSubject].(string)),
			},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}})
	}
	_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
	return err
}
