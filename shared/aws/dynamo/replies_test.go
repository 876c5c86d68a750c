//go:build store

package dynamo_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
)

func TestAClaimLastsUntilItsEndOrRelease(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	replies := dynamo.NewReplies(db, stack)
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	claim := func(id string, minute int, want bool) {
		t.Helper()
		now := at.Add(time.Duration(minute) * time.Minute)
		if got, err := replies.Claim(t.Context(), id, now.Add(time.Hour), now); err != nil || got != want {
			t.Errorf("claimed %v, %v; want %v", got, err, want)
		}
	}
	claim("a", 0, true)
	claim("a", 59, false)
	claim("b", 59, true)
	claim("a", 60, true) // DynamoDB has not deleted the first claim yet
	for range 2 {        // to give back a missing claim changes nothing
		if err := replies.Release(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	claim("a", 61, true)
	claim("b", 61, false)
}

func TestTheTimeOfTheFirstDeliveryIsRemembered(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	replies := dynamo.NewReplies(db, stack)
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	first := now.Add(-time.Minute + time.Nanosecond)
	for _, at := range []time.Time{first, now, first.Add(-time.Hour)} {
		if got, err := replies.First(t.Context(), "a", at, now.Add(time.Hour), now); err != nil || !got.Equal(first) {
			t.Errorf("first %v, %v; want %v", got, err, first)
		}
	}
}

func TestOneOfManyClaimsAReply(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	replies := dynamo.NewReplies(db, stack)
	var all sync.WaitGroup
	var claimed atomic.Int32
	for range 16 {
		all.Go(func() {
			first, err := replies.Claim(t.Context(), "a", time.Now().Add(time.Hour), time.Now())
			if err != nil {
				t.Error(err)
			}
			if first {
				claimed.Add(1)
			}
		})
	}
	all.Wait()
	if n := claimed.Load(); n != 1 {
		t.Errorf("%d claimed it", n)
	}
}

func TestAClaimHoldsOnlyItsIDAndExpiry(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	if _, err := dynamo.NewReplies(db, stack).Claim(t.Context(), "a", time.Date(2026, 12, 6, 3, 0, 0, 999, time.UTC), time.Now()); err != nil {
		t.Fatal(err)
	}
	// 6 December 2026, 03:00 UTC.
	if diff := cmp.Diff(`[{"expires":1796526000,"id":"a"}]`, dynamotest.Dump(t, db, stack.Table(names.TableReplies))); diff != "" {
		t.Errorf("stored (-want +got)\n%s", diff)
	}
}

func TestAReplyWithoutAnIDCannotBeClaimed(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	if claimed, err := dynamo.NewReplies(db, stack).Claim(t.Context(), "", time.Now().Add(time.Hour), time.Now()); claimed || err == nil {
		t.Errorf("claimed %v, %v", claimed, err)
	}
}
