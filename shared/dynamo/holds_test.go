//go:build store

package dynamo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/dynamo"
	"stille/shared/dynamo/dynamotest"
	"stille/shared/retention"
)

func TestHolds(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	holds := dynamo.NewHolds(db, stack)
	subject, record := retention.SubjectTarget(key(1)), retention.RecordTarget(class, "sub-1")
	set := []retention.Hold{
		{Case: "a", Reason: "claim", Kind: retention.Legal, Target: subject, SetAt: now},
		{Case: "a", Reason: "claim", Kind: retention.Legal, Target: record, SetAt: now},
		{Case: "b", Reason: "asked", Kind: retention.Restriction, Target: subject, SetAt: now},
	}
	for _, h := range set {
		if _, err := holds.Set(t.Context(), nil, []retention.Hold{h}); err != nil {
			t.Fatal(err)
		}
	}
	held := func() map[retention.Target]bool {
		got, err := holds.Held(t.Context(), []retention.Target{subject, record, subject, "record#messaging#other"})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(map[retention.Target]bool{subject: true, record: true}, held()); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	for n := range retention.Shards {
		if epoch, err := holds.Fence(t.Context(), retention.ShardName(n)); err != nil || epoch != 3 {
			t.Errorf("fence %d: epoch %d, error %v", n, epoch, err)
		}
	}
	if n, err := holds.Lift(t.Context(), "a", now.Add(time.Hour)); err != nil || n != 2 {
		t.Errorf("lifted %d, error %v", n, err)
	}
	if n, err := holds.Lift(t.Context(), "a", now.Add(2*time.Hour)); err != nil || n != 0 {
		t.Errorf("lifted again %d, error %v", n, err)
	}
	if diff := cmp.Diff(map[retention.Target]bool{subject: true}, held()); diff != "" {
		t.Errorf("held after case a was lifted (-want +got):\n%s", diff)
	}
	set[0].LiftedAt, set[1].LiftedAt = now.Add(time.Hour), now.Add(time.Hour)
	want := []retention.Hold{set[1], set[0], set[2]}
	got, err := holds.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("holds (-want +got):\n%s", diff)
	}
	if _, err := holds.Set(t.Context(), nil, nil); err == nil {
		t.Error("no holds were placed without an error")
	}
}

func TestAHoldThatCannotBeReadHolds(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	holds := dynamo.NewHolds(db, stack)
	target := retention.SubjectTarget(key(1))
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(stack.Holds()), Item: map[string]types.AttributeValue{
		"target": &types.AttributeValueMemberS{Value: string(target)}, "cases": &types.AttributeValueMemberS{Value: "?"},
	}}); err != nil {
		t.Fatal(err)
	}
	if got, err := holds.Held(t.Context(), []retention.Target{target}); err != nil || !got[target] {
		t.Errorf("held %v, error %v", got, err)
	}
}

func TestAHoldWhoseFencesCannotBeRaisedIsNotAcknowledged(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	down := errors.New("down")
	updates := 0
	failing := dynamotest.Intercept(db, func(operation string) error {
		if operation == "UpdateItem" {
			if updates++; updates > 1 { // the first makes room for the case
				return down
			}
		}
		return nil
	})
	hold := retention.Hold{Case: "a", Reason: "claim", Kind: retention.Legal, Target: retention.RecordTarget(class, "x"), SetAt: now}
	if _, err := dynamo.NewHolds(failing, stack).Set(context.Background(), nil, []retention.Hold{hold}); !errors.Is(err, down) {
		t.Errorf("error %v, want %v", err, down)
	}
}
