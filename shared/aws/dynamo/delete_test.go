//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/purge"
	"stille/shared/retention"
)

// page is the conditions of a page of subject 1's shard, at an epoch of its
// fence.
func page(epoch int64) purge.Conditions {
	return purge.Conditions{Class: class, Run: "run-1", Shard: retention.Shard(string(key(1))), Epoch: epoch}
}

// pageOf is the conditions of a run's page before the first hold.
func pageOf(run string) purge.Conditions {
	under := page(0)
	under.Run = run
	return under
}

func TestDeleteUnderFence(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter, holds := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack), dynamo.NewHolds(db, stack)
	var all []retention.Stored
	for n := range 120 { // more than one transaction takes
		all = append(all, stamp(t, records, store(t, records, consent(fmt.Sprintf("sub-%03d", n), 1, now))))
	}
	// One record is renewed after it was read, one is withdrawn, one moves to
	// another subject, one is deleted, and one gets an object.
	withObject := consent("sub-004", 1, now)
	withObject.Objects = []string{"s3://bucket/key"}
	store(t, records, withObject)
	store(t, records, consent("sub-000", 1, now.Add(time.Hour)))
	if _, err := records.Withdraw(t.Context(), class, all[1], now); err != nil {
		t.Fatal(err)
	}
	store(t, records, consent("sub-002", 2, now))
	if _, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(stack.Records(class)), Key: map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "sub-003"},
	}}); err != nil {
		t.Fatal(err)
	}

	done, err := deleter.DeleteUnderFence(t.Context(), page(0), all)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(done.Changed)
	if diff := cmp.Diff([]string{"sub-000", "sub-001", "sub-002", "sub-004"}, done.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"sub-003"}, done.Gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	if len(done.Deleted) != 115 {
		t.Errorf("%d deleted, want 115", len(done.Deleted))
	}
	for _, s := range all {
		_, err := records.Get(t.Context(), class, s.ID)
		if deleted, gone := slices.Contains(done.Deleted, s.ID), errors.Is(err, retention.ErrNoRecord); gone != (deleted || s.ID == "sub-003") {
			t.Errorf("%s: said to be deleted %v, is gone %v", s.ID, deleted, gone)
		}
	}

	if _, err := holds.Set(t.Context(), nil, []retention.Hold{{Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: retention.RecordTarget(class, "other"), SetAt: now}}); err != nil {
		t.Fatal(err)
	}
	kept, err := records.Get(t.Context(), class, "sub-001")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deleter.DeleteUnderFence(t.Context(), page(0), []retention.Stored{kept}); !errors.Is(err, purge.ErrFenceMoved) {
		t.Errorf("error %v, want ErrFenceMoved", err)
	}
	if _, err := records.Get(t.Context(), class, "sub-001"); err != nil {
		t.Errorf("deleted behind a fence that had moved: %v", err)
	}
	if _, err := deleter.DeleteUnderFence(t.Context(), page(1), []retention.Stored{kept}); err != nil {
		t.Errorf("at the fence's new epoch: %v", err)
	}
}

func TestTooLargeTransactionIsHalved(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	large := fmt.Sprintf("%q", make([]byte, 50_000)) // 200 KB as JSON
	var all []retention.Stored
	for n := range 40 {
		r := consent(fmt.Sprintf("sub-%02d", n), 1, now)
		r.Data = []byte(large)
		all = append(all, store(t, records, r))
	}
	done, err := deleter.DeleteUnderFence(t.Context(), page(0), all)
	if err != nil || len(done.Deleted) != len(all) {
		t.Errorf("%d of %d deleted, error %v", len(done.Deleted), len(all), err)
	}
}

func TestTransactionWithInvalidItemIsHalved(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	var all []retention.Stored
	for n := range 4 {
		all = append(all, store(t, records, consent(fmt.Sprintf("sub-%d", n), 1, now)))
	}
	refusals := 0
	refusing := dynamotest.Intercept(db, func(operation string) error {
		if refusals++; operation != "TransactWriteItems" || refusals > 2 {
			return nil
		}
		return &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
			{Code: aws.String("None")}, {Code: aws.String("ValidationError")},
		}}
	})
	done, err := dynamo.NewDeleter(refusing, stack).DeleteUnderFence(t.Context(), page(0), all)
	if err != nil || len(done.Deleted) != len(all) || refusals != 2+4 {
		t.Errorf("%d deleted in %d requests, error %v", len(done.Deleted), refusals, err)
	}
}

func TestRecordInEndlessConflictLeavesItsPage(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	var all []retention.Stored
	for n := range 3 {
		all = append(all, store(t, records, letter(fmt.Sprintf("sub-%d", n), 1)))
	}
	for n := range 2 {
		all = append(all, store(t, records, consent(fmt.Sprintf("sub-%d", 3+n), 1+n, now)))
	}
	busy := 0
	deleter := dynamo.NewDeleter(dynamotest.Intercept(db, func(string) error {
		if busy++; busy > 8 {
			return nil
		}
		reasons := make([]types.CancellationReason, 1+len(all))
		for i := range reasons {
			reasons[i].Code = aws.String("None")
		}
		reasons[1+0].Code, reasons[1+3].Code = aws.String("TransactionConflict"), aws.String("TransactionConflict")
		return &types.TransactionCanceledException{CancellationReasons: reasons}
	}), stack)
	done, err := deleter.DeleteUnderFence(t.Context(), page(0), all)
	want := purge.Deletion{Deleted: []string{"sub-4"}, Marked: []string{"sub-1", "sub-2"}, Kept: []string{"sub-0", "sub-3"}}
	if diff := cmp.Diff(want, done); diff != "" || err != nil {
		t.Errorf("error %v, deletion (-want +got):\n%s", err, diff)
	}
	for _, id := range want.Kept {
		if get(t, records, id).PurgingBy != "" {
			t.Errorf("%s is marked", id)
		}
	}
}
