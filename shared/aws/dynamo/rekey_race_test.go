//go:build store

package dynamo_test

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

func TestMergesFromAllSidesAtOnceLoseNothing(t *testing.T) {
	s, _, _ := newContactStore(t)
	orders := [][]contact.Key{onlyOldest, before, after, {k2}, allThree, {k1, k3, k2}, {k2, k3, k1}, onlyNewest}
	var done sync.WaitGroup
	reasons := suppression.Reasons()
	for n, r := range reasons {
		done.Go(func() {
			change := optOut(now.Add(-time.Duration(n) * time.Minute))
			change.Reason = r
			for { // after ErrContended a queue or a person tries again
				_, err := s.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: orders[n%len(orders)]}, change, now)
				if errors.Is(err, dynamo.ErrContended) {
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", r, err)
				}
				return
			}
		})
	}
	done.Wait()
	item, err := s.Get(t.Context(), allThree)
	if err != nil || len(item.Marks["acme"]) != len(reasons) {
		t.Errorf("of %d reasons %d are found, error %v", len(reasons), len(item.Marks["acme"]), err)
	}
	last := s.apply(allThree, suppression.Stop, now).Item
	if len(last.Marks["acme"]) != len(reasons) {
		t.Errorf("of %d reasons %d are in the last item", len(reasons), len(last.Marks["acme"]))
	}
	merged := 0
	for _, key := range allThree {
		if s.under(key).MergedInto != "" {
			merged++
		}
	}
	if merged != 2 {
		t.Errorf("%d of three rows are merged, want all but one", merged)
	}
	s.verify()
}

func TestReadersDuringAMergeNeverSend(t *testing.T) {
	s, _, _ := newContactStore(t)
	const contacts = 30
	var all [][]contact.Key
	for n := range contacts {
		newer, older := key(1000+n), key(2000+n)
		s.apply([]contact.Key{older}, suppression.Stop, now)
		all = append(all, []contact.Key{newer, older})
	}
	merged := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for over := false; !over; {
				select {
				case <-merged:
					over = true // one more reading
				default:
				}
				found, err := s.Lookup(t.Context(), all)
				if err != nil {
					t.Error(err)
					return
				}
				for n, f := range found {
					if f.Err != nil || suppression.Decide(f.Item, suppression.Marketing, "acme").Send {
						t.Errorf("contact %d: it sends, or error %v", n, f.Err)
					}
				}
			}
		})
	}
	for _, keys := range all {
		s.apply(keys, suppression.Stop, now)
	}
	close(merged)
	readers.Wait()
}

// At the moment of a write, another writer merges the row that is written.
func TestAWriteNeverChangesAMergedItem(t *testing.T) {
	s, intercepted, _ := newContactStore(t)
	s.apply(onlyOldest, suppression.Stop, now.Add(-time.Hour))
	writes := 0
	racing := intercepted(func(operation string) error {
		if operation != "TransactWriteItems" {
			return nil
		}
		if writes++; writes == 2 { // the first finds the row
			s.apply(after, suppression.Stop, now.Add(-time.Hour))
		}
		return nil
	})
	if outcome := racing.apply(onlyOldest, suppression.Objection, now); outcome.Item.Key != k2 || writes != 3 {
		t.Errorf("after %d writes the change is on %s", writes, outcome.Item.Key)
	}
	if s.under(k1).Version != 1 || len(s.under(k2).Marks["acme"]) != 2 {
		t.Error("the merged row was written, or the change is not where it went")
	}
	s.verify()
}

// At the moment of a merge, another writer changes one of the two rows.
func TestMergeOfChangedItemsIsRepeated(t *testing.T) {
	for name, changed := range map[string][]contact.Key{"the older": onlyOldest, "the newer": {k2}, "both, by another merge": after} {
		t.Run(name, func(t *testing.T) {
			s, intercepted, _ := newContactStore(t)
			s.apply(onlyOldest, suppression.Stop, now.Add(-time.Hour))
			raced := false
			racing := intercepted(func(operation string) error {
				if operation == "TransactWriteItems" && !raced {
					raced = true
					s.apply(changed, suppression.Objection, now)
				}
				return nil
			})
			outcome := racing.apply(after, suppression.Unsubscribed, now)
			if len(outcome.Item.Marks["acme"]) != 3 || outcome.Item.Key != k2 {
				t.Errorf("%d marks on %s", len(outcome.Item.Marks["acme"]), outcome.Item.Key)
			}
			s.verify()
		})
	}
}

func TestAContendedMergeIsTriedAgain(t *testing.T) {
	cancelledBy := func(codes ...string) error {
		var reasons []types.CancellationReason
		for _, code := range codes {
			reasons = append(reasons, types.CancellationReason{Code: aws.String(code)})
		}
		return &types.TransactionCanceledException{CancellationReasons: reasons}
	}
	down := errors.New("the table is down")
	for _, test := range []struct {
		name   string
		fails  error
		times  int
		want   error
		writes int
	}{
		{"a conflict over the newer", cancelledBy("TransactionConflict", "None", "None"), 2, nil, 4},
		{"a conflict over the older", cancelledBy("None", "None", "TransactionConflict"), 2, nil, 4},
		{"throttled", cancelledBy("ThrottlingError", "None", "None"), 1, nil, 3},
		{"a conflict that does not end", cancelledBy("None", "None", "TransactionConflict"), 100, dynamo.ErrContended, 8},
		{"a table that is down", down, 100, down, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, intercepted, _ := newContactStore(t)
			s.apply(onlyOldest, suppression.Stop, now)
			writes := 0
			failing := intercepted(func(operation string) error {
				if operation != "TransactWriteItems" {
					return nil
				}
				if writes++; writes <= test.times {
					return test.fails
				}
				return nil
			})
			_, err := failing.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: after}, optOut(now), now)
			if !errors.Is(err, test.want) || writes != test.writes {
				t.Errorf("after %d writes error %v, want %v after %d", writes, err, test.want, test.writes)
			}
			if s.sends(after...) {
				t.Error("it sends")
			}
			s.verify()
		})
	}
}

func TestAListRestoredBeforeAMergeMergesAgain(t *testing.T) {
	s, _, byHand := newContactStore(t)
	s.apply(onlyOldest, suppression.Stop, now.Add(-time.Hour))
	s.apply(after, suppression.Unsubscribed, now.Add(-time.Minute))
	byHand(k1, func(row map[string]types.AttributeValue) { delete(row, "mergedInto") })
	byHand(k2, func(row map[string]types.AttributeValue) {
		maps.DeleteFunc(row, func(string, types.AttributeValue) bool { return true })
	})
	outcome := s.apply(after, suppression.Objection, now)
	if len(outcome.Item.Marks["acme"]) != 2 || outcome.Item.Version != 4 {
		t.Errorf("%d marks, version %d", len(outcome.Item.Marks["acme"]), outcome.Item.Version)
	}
	want := []ledger.Action{ledger.Rekeyed, ledger.Suppressed, ledger.Rekeyed, ledger.Suppressed}
	if diff := cmp.Diff(want, s.verify()[k2]); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestRowsThatPointInACircleAreUnreadable(t *testing.T) {
	s, _, byHand := newContactStore(t)
	for _, way := range [][]contact.Key{{k1, k2}, {k2, k1}} {
		s.apply(way[:1], suppression.Stop, now)
		byHand(way[0], func(row map[string]types.AttributeValue) {
			row["mergedInto"] = &types.AttributeValueMemberS{Value: string(way[1])}
		})
	}
	if _, err := s.Get(t.Context(), onlyOldest); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("read: error %v, want ErrUnreadable", err)
	}
	if found, err := s.Lookup(t.Context(), [][]contact.Key{onlyOldest, onlyNewest}); err != nil || !errors.Is(found[0].Err, dynamo.ErrUnreadable) || found[1].Err != nil {
		t.Errorf("among others: error %v, found %v", err, found)
	}
	if _, err := s.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: onlyOldest}, optOut(now), now); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("changed: error %v, want ErrUnreadable", err)
	}
}

func TestReadsAndChangesKeepTheirCost(t *testing.T) {
	s, intercepted, _ := newContactStore(t)
	var calls []string
	counted := intercepted(func(operation string) error {
		calls = append(calls, operation)
		return nil
	})
	get := func(keys ...contact.Key) func() error {
		return func() error { _, err := counted.Get(t.Context(), keys); return err }
	}
	lookup := func(contacts ...[]contact.Key) func() error {
		return func() error { _, err := counted.Lookup(t.Context(), contacts); return err }
	}
	apply := func(keys []contact.Key, r suppression.Reason) func() error {
		return func() error { counted.apply(keys, r, now); return nil }
	}
	elsewhere := func(keys []contact.Key, r suppression.Reason) func() error {
		return func() error {
			intercepted(func(operation string) error {
				calls = append(calls, operation)
				return nil
			}).apply(keys, r, now)
			return nil
		}
	}
	for _, step := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"a first opt-out under one key", apply(onlyOldest, suppression.Stop), []string{"TransactWriteItems"}},
		{"a second", apply(onlyOldest, suppression.Objection), []string{"GetItem", "TransactWriteItems"}},
		{"a repetition", apply(onlyOldest, suppression.Objection), []string{"GetItem"}},
		{"a repetition in another process", elsewhere(onlyOldest, suppression.Objection), []string{"TransactWriteItems"}},
		{"a second in another process", elsewhere(onlyOldest, suppression.Complaint), []string{"TransactWriteItems", "TransactWriteItems"}},
		{"a read", get(k1), []string{"GetItem"}},
		{"a check of one", lookup(onlyOldest), []string{"GetItem"}},
		{"a check of two", lookup(onlyOldest, onlyNewest), []string{"BatchGetItem"}},
		{"a change that takes over", apply(after, suppression.Manual), []string{"GetItem", "GetItem", "TransactWriteItems", "TransactWriteItems"}},
		{"a change after that", apply(after, suppression.Imported), []string{"GetItem", "GetItem", "TransactWriteItems"}},
		{"a read with both keys", get(k2, k1), []string{"GetItem", "GetItem"}},
		{"a check with both keys", lookup(after), []string{"BatchGetItem"}},
		{"a read with the older alone", get(k1), []string{"GetItem", "GetItem"}},
	} {
		calls = nil
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if !slices.Equal(step.want, calls) {
			t.Errorf("%s makes %v, want %v", step.name, calls, step.want)
		}
	}
	s.verify()
}
