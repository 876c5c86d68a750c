package streambatch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/streambatch"
)

// batch makes one record of each item named, with its position as the number.
func batch(items ...string) []events.DynamoDBEventRecord {
	var all []events.DynamoDBEventRecord
	for i, item := range items {
		r := events.DynamoDBEventRecord{Change: events.DynamoDBStreamRecord{SequenceNumber: fmt.Sprint(i)}}
		if item != "" {
			r.Change.Keys = map[string]events.DynamoDBAttributeValue{"key": events.NewStringAttribute(item)}
		}
		all = append(all, r)
	}
	return all
}

func failed(of events.DynamoDBEventResponse) []string {
	ids := []string{}
	for _, f := range of.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func TestFailureKeepsTheOrderOfItsItemOnly(t *testing.T) {
	for _, test := range []struct {
		name, failing string
		want          []string
	}{
		{"none", "", []string{}},
		{"the first of an item", "0", []string{"0", "2", "5"}},
		{"a later one", "2", []string{"2", "5"}},
		{"without a key", "3", []string{"3"}},
		{"a panic", "panic", []string{"1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mu sync.Mutex
			var logs bytes.Buffer
			taken := map[string]int{}
			got := streambatch.Take(t.Context(), slog.New(slog.NewTextHandler(&logs, nil)), batch("kari", "ola", "kari", "", "", "kari"), "key", func(_ context.Context, r events.DynamoDBEventRecord) error {
				mu.Lock()
				defer mu.Unlock()
				n := r.Change.SequenceNumber
				taken[n]++
				if test.failing == "panic" && n == "1" {
					panic("kari@example.no")
				}
				if n == test.failing {
					return errors.New("it is down")
				}
				return nil
			})
			if diff := cmp.Diff(test.want, failed(got)); diff != "" {
				t.Errorf("failed (-want +got)\n%s", diff)
			}
			if got.BatchItemFailures == nil || strings.Contains(logs.String(), "kari@") {
				t.Error("an answer without a list, or a log with content")
			}
			if last := taken["5"]; (last == 0) != (test.failing == "0" || test.failing == "2") || taken["4"] != 1 {
				t.Errorf("taken %v", taken)
			}
		})
	}
}

func TestTenLanesTakeAThousandRecordsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		items := make([]string, 100)
		for i := range items {
			items[i] = fmt.Sprint("item-", i)
		}
		began := time.Now()
		streambatch.Take(t.Context(), slog.New(slog.DiscardHandler), batch(items...), "key", func(context.Context, events.DynamoDBEventRecord) error {
			time.Sleep(4 * 10 * time.Millisecond) // four calls of the store
			return nil
		})
		if took := time.Since(began); took > time.Second {
			t.Errorf("a lane takes %s for a hundred records", took)
		}
	})
}
