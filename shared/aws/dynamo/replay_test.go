//go:build store

package dynamo_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

var (
	monday  = now.Add(-72 * time.Hour)
	tuesday = now.Add(-48 * time.Hour)
	friday  = now.Add(-time.Hour)

	// attributes compares stored attributes.
	attributes = cmpopts.IgnoreUnexported(
		types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberM{}, types.AttributeValueMemberL{})
)

// rows are the list's items under the keys of one contact: a backup.
type rows map[contact.Key]map[string]types.AttributeValue

func backup(byHand func(contact.Key, func(map[string]types.AttributeValue))) rows {
	all := rows{}
	for _, key := range allThree {
		byHand(key, func(row map[string]types.AttributeValue) { all[key] = maps.Clone(row) })
	}
	return all
}

func (r rows) restore(byHand func(contact.Key, func(map[string]types.AttributeValue))) {
	for key, row := range r {
		byHand(key, func(now map[string]types.AttributeValue) {
			clear(now)
			maps.Copy(now, row)
		})
	}
}

// replay rebuilds the whole list, or only checks it, and returns the keys of
// incomplete items.
func (s contactStore) replay(repair bool) []contact.Key {
	s.t.Helper()
	var lacked []contact.Key
	note := func(key contact.Key, lacking bool, err error) error {
		if lacking {
			lacked = append(lacked, key)
		}
		return err
	}
	err := errors.Join(
		s.EachHistory(s.t.Context(), func(key contact.Key) error {
			lacking, err := s.Replay(s.t.Context(), key, repair)
			return note(key, lacking, err)
		}),
		s.EachTakingOver(s.t.Context(), func(e ledger.Entry) error {
			lacking, err := s.ReplayTakingOver(s.t.Context(), e, repair)
			return note(e.Former, lacking, err)
		}))
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(lacked)
	return lacked
}

func TestARestoredListIsRebuiltFromItsLedger(t *testing.T) {
	s, _, byHand := newContactStore(t)
	s.apply(onlyOldest, suppression.Complaint, monday)
	before := backup(byHand)
	s.apply(onlyOldest, suppression.Unsubscribed, tuesday)
	s.apply(after, suppression.Objection, friday) // under a newer key, whose item replaces the older one
	want := backup(byHand)

	if lacked := s.replay(true); lacked != nil {
		t.Errorf("of a whole list %v lacked something", lacked)
	}
	before.restore(byHand)
	if diff := cmp.Diff([]contact.Key{k1, k2}, s.replay(false)); diff != "" {
		t.Errorf("only looking (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, backup(byHand), attributes); diff != "" {
		t.Errorf("looking changed something (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]contact.Key{k1, k1, k2}, s.replay(true)); diff != "" {
		t.Errorf("what was brought back, the oldest key's marks and its signpost (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, backup(byHand), attributes); diff != "" {
		t.Errorf("the list (-as it was +brought back):\n%s", diff)
	}
	if lacked := s.replay(true); lacked != nil {
		t.Errorf("the second time %v lacked something", lacked)
	}
	s.verify()
}

func TestARebuildKeepsChangesToARestoredList(t *testing.T) {
	s, _, byHand := newContactStore(t)
	s.apply(onlyOldest, suppression.Complaint, monday)
	before := backup(byHand)
	s.apply(onlyOldest, suppression.Unsubscribed, tuesday)
	before.restore(byHand)
	s.apply(onlyOldest, suppression.Objection, friday)

	if diff := cmp.Diff([]contact.Key{k1}, s.replay(true)); diff != "" {
		t.Errorf("what was brought back (-want +got):\n%s", diff)
	}
	reasons := slices.Sorted(maps.Keys(s.under(k1).Marks["acme"]))
	if diff := cmp.Diff([]suppression.Reason{suppression.Complaint, suppression.Objection, suppression.Unsubscribed}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	s.verify()
}

func TestBrokenHistoryRebuildsNothing(t *testing.T) {
	s, _, byHand := newContactStore(t)
	s.apply(onlyOldest, suppression.Complaint, monday)
	s.apply(onlyOldest, suppression.Unsubscribed, tuesday)
	byHand(k1, func(row map[string]types.AttributeValue) {
		row["head"] = &types.AttributeValueMemberS{Value: "elsewhere"}
	})
	want := backup(byHand)
	if lacking, err := s.Replay(t.Context(), k1, true); lacking || !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("lacking %v, error %v: want a broken chain", lacking, err)
	}
	if diff := cmp.Diff(want, backup(byHand), attributes); diff != "" {
		t.Errorf("the list (-before +after):\n%s", diff)
	}
}

func TestAnOptOutDuringARebuildStays(t *testing.T) {
	s, intercepted, byHand := newContactStore(t)
	s.apply(onlyOldest, suppression.Complaint, monday)
	s.apply(onlyOldest, suppression.Unsubscribed, tuesday)
	byHand(k1, func(row map[string]types.AttributeValue) { clear(row) })
	raced := false
	slow := intercepted(func(operation string) error {
		if operation == "TransactWriteItems" && !raced {
			raced = true
			s.apply(onlyOldest, suppression.Objection, friday)
		}
		return nil
	})
	if lacking, err := slow.Replay(t.Context(), k1, true); err != nil || !lacking || !raced {
		t.Fatalf("lacking %v, raced %v, error %v", lacking, raced, err)
	}
	if got := s.under(k1); len(got.Marks["acme"]) != 3 || got.Version != 3 {
		t.Errorf("version %d with %d marks, want all three", got.Version, len(got.Marks["acme"]))
	}
	s.verify()
}

func TestEntriesSinceAMomentAreRead(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	since := time.Date(2026, 11, 22, 3, 0, 0, 500, time.UTC)
	for n, recorded := range []time.Time{since.Add(-time.Second), since.Add(-1), since, since.Add(1), since.Add(time.Hour)} {
		change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: recorded, Source: suppression.SourceLink}
		if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(n)}}, change, recorded); err != nil {
			t.Fatal(err)
		}
	}
	dynamotest.Put(t, db, stack.Table(names.TableLedger), map[string]any{"key": "x", "version": 0, "recordedAt": since.Add(time.Hour).Format(time.RFC3339Nano)})
	page, err := list.EntriesSince(t.Context(), since, "")
	if err != nil || page.Last != "" || page.Unreadable != 1 || len(page.Entries) != 3 {
		t.Fatalf("%d entries, %d unreadable, last %q, error %v", len(page.Entries), page.Unreadable, page.Last, err)
	}
	rest, err := list.EntriesSince(t.Context(), since, string(page.Entries[0].Key)+" 1")
	if err != nil || len(rest.Entries) != 2 || rest.Entries[0].Key != page.Entries[1].Key {
		t.Errorf("after the first: %d entries, error %v", len(rest.Entries), err)
	}
}
