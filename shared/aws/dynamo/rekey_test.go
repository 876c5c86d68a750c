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
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// Keys of one contact, as containers with different key sets have them.
var (
	k1, k2, k3 = key(1), key(2), key(3)

	onlyOldest = []contact.Key{k1}
	onlyNewest = []contact.Key{k3}
	before     = []contact.Key{k1, k2} // the newer key is live, and not the newest yet
	after      = []contact.Key{k2, k1}
	allThree   = []contact.Key{k3, k2, k1}
)

// contactStore is a list, and what a test asks of it.
type contactStore struct {
	*dynamo.Suppressions
	t *testing.T
}

func (s contactStore) apply(keys []contact.Key, r suppression.Reason, at time.Time) suppression.Outcome {
	s.t.Helper()
	return s.change(keys, suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: at, Source: suppression.SourceTool})
}

func (s contactStore) release(keys []contact.Key, r suppression.Reason, at time.Time) suppression.Outcome {
	s.t.Helper()
	return s.change(keys, suppression.Change{Action: suppression.Release, Scope: "acme", Reason: r, At: at, Source: suppression.SourceTool})
}

func (s contactStore) change(keys []contact.Key, c suppression.Change) suppression.Outcome {
	s.t.Helper()
	outcome, err := s.Apply(s.t.Context(), keys, contact.Email, c, now)
	if err != nil {
		s.t.Fatal(err)
	}
	return outcome
}

func (s contactStore) under(key contact.Key) suppression.Item {
	s.t.Helper()
	item, err := s.Under(s.t.Context(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	return item
}

// sends tells whether whoever has these keys may send, asked in both ways.
func (s contactStore) sends(keys ...contact.Key) bool {
	s.t.Helper()
	item, err := s.Get(s.t.Context(), keys)
	if err != nil {
		s.t.Fatal(err)
	}
	found, err := s.Lookup(s.t.Context(), [][]contact.Key{keys, {key(99)}})
	if err != nil || found[0].Err != nil {
		s.t.Fatal(err, found[0].Err)
	}
	one, other := suppression.Decide(item, suppression.Marketing, "acme"), suppression.Decide(found[0].Item, suppression.Marketing, "acme")
	if diff := cmp.Diff(one, other); diff != "" {
		s.t.Errorf("asked alone and among others (-alone +others):\n%s", diff)
	}
	return one.Send
}

// verify checks the chain of every key and the tie of every taking-over.
func (s contactStore) verify() map[contact.Key][]ledger.Action {
	s.t.Helper()
	chains, told := map[contact.Key][]ledger.Entry{}, map[contact.Key][]ledger.Action{}
	for _, key := range allThree {
		entries, err := s.History(s.t.Context(), key)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := ledger.Verify(entries, s.under(key).Head); err != nil {
			s.t.Errorf("key %s: %v", key, err)
		}
		for _, e := range entries {
			told[key] = append(told[key], e.Action)
		}
		chains[key] = entries
	}
	for key, entries := range chains {
		for _, e := range entries {
			if e.Action != ledger.Rekeyed {
				continue
			}
			if err := e.VerifyTie(chains[e.Former]); err != nil || s.under(e.Former).MergedInto != key {
				s.t.Errorf("key %s took over %s, which went to %s: %v", key, e.Former, s.under(e.Former).MergedInto, err)
			}
		}
	}
	return told
}

func newContactStore(t *testing.T) (contactStore, func(func(operation string) error) contactStore, func(contact.Key, func(map[string]types.AttributeValue))) {
	t.Helper()
	db, stack := dynamotest.Tables(t)
	intercepted := func(before func(string) error) contactStore {
		return contactStore{dynamo.NewSuppressions(dynamotest.Intercept(db, before), stack), t}
	}
	// byHand changes a row as nobody should; an empty one is deleted.
	byHand := func(key contact.Key, change func(map[string]types.AttributeValue)) {
		t.Helper()
		of := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: string(key)}}
		row, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(stack.Suppressions()), Key: of})
		if err != nil {
			t.Fatal(err)
		}
		change(row.Item)
		if len(row.Item) == 0 {
			_, err = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(stack.Suppressions()), Key: of})
		} else {
			_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(stack.Suppressions()), Item: row.Item})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return contactStore{dynamo.NewSuppressions(db, stack), t}, intercepted, byHand
}

func TestAChangeWithSeveralKeysTakesOverWhatTheOlderOnesKnow(t *testing.T) {
	s, _, _ := newContactStore(t)
	s.apply(onlyOldest, suppression.Stop, now.Add(-time.Hour))
	s.apply([]contact.Key{k2}, suppression.Objection, now.Add(-time.Minute))
	marks := s.under(k1).Marks
	outcome := s.apply(allThree, suppression.Unsubscribed, now)
	if outcome.Effect != suppression.Added || outcome.Item.Key != k3 {
		t.Errorf("effect %q on %s", outcome.Effect, outcome.Item.Key)
	}
	if diff := cmp.Diff(outcome.Item, s.under(k3)); diff != "" {
		t.Errorf("item (-returned +stored):\n%s", diff)
	}
	if got := s.under(k3); len(got.Marks["acme"]) != 3 || !slices.Equal(got.Former, []contact.Key{k2, k1}) {
		t.Errorf("%d marks, former keys %v", len(got.Marks["acme"]), got.Former)
	}
	if old := s.under(k1); old.MergedInto != k3 || old.Version != 1 || cmp.Diff(marks, old.Marks) != "" {
		t.Errorf("the older row is %+v", old)
	}
	want := map[contact.Key][]ledger.Action{
		k1: {ledger.Suppressed}, k2: {ledger.Suppressed}, k3: {ledger.Rekeyed, ledger.Rekeyed, ledger.Suppressed},
	}
	if diff := cmp.Diff(want, s.verify()); diff != "" {
		t.Errorf("histories (-want +got):\n%s", diff)
	}
}

func TestAChangeThatIsKnownAlreadyStillTakesOver(t *testing.T) {
	s, _, _ := newContactStore(t)
	s.apply(onlyOldest, suppression.Stop, now)
	for range 2 {
		if outcome := s.apply(after, suppression.Stop, now); outcome.Effect != suppression.NoEffect || outcome.Item.Version != 1 {
			t.Errorf("effect %q, version %d", outcome.Effect, outcome.Item.Version)
		}
	}
	if diff := cmp.Diff([]ledger.Action{ledger.Rekeyed}, s.verify()[k2]); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestAnItemNamesTheContactsOtherLiveKeys(t *testing.T) {
	s, _, _ := newContactStore(t)
	s.apply(allThree, suppression.Stop, now)
	if got := s.under(k3).Former; !slices.Equal(got, []contact.Key{k2, k1}) {
		t.Errorf("former keys %v", got)
	}
	if diff := cmp.Diff([]ledger.Action{ledger.Suppressed}, s.verify()[k3]); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestAReleaseLiftsWhatAnOlderKeyKnew(t *testing.T) {
	s, _, _ := newContactStore(t)
	s.apply(onlyOldest, suppression.Stop, now.Add(-time.Hour))
	if outcome := s.release(after, suppression.Stop, now); outcome.Effect != suppression.Lifted {
		t.Errorf("effect %q", outcome.Effect)
	}
	for _, keys := range [][]contact.Key{onlyOldest, {k2}, before, after, allThree} {
		if !s.sends(keys...) {
			t.Errorf("with keys %v it is still suppressed", keys)
		}
	}
}

func TestWhoeverHasOnlyAnOlderKeyFindsAndChangesTheNewestItem(t *testing.T) {
	s, _, _ := newContactStore(t)
	s.apply(onlyOldest, suppression.Stop, now.Add(-time.Hour))
	s.release(after, suppression.Stop, now.Add(-time.Minute))
	s.release(allThree, suppression.Stop, now.Add(-time.Second)) // two steps away by now
	for n, keys := range [][]contact.Key{onlyOldest, before, after} {
		outcome := s.apply(keys, suppression.Objection, now.Add(time.Duration(n-5)*time.Millisecond))
		if outcome.Item.Key != k3 {
			t.Errorf("with keys %v the change went to %s", keys, outcome.Item.Key)
		}
		if s.sends(keys...) {
			t.Errorf("with keys %v it is not found", keys)
		}
	}
	if outcome := s.release(onlyOldest, suppression.Objection, now); outcome.Effect != suppression.Lifted || !s.sends(onlyNewest...) {
		t.Errorf("a release through the oldest key: effect %q", outcome.Effect)
	}
	if outcome := s.release(onlyOldest, suppression.Objection, now.Add(-time.Hour)); outcome.Effect != suppression.NoEffect || outcome.Item.Key != k3 {
		t.Errorf("a release without effect: %q on %s", outcome.Effect, outcome.Item.Key)
	}
	s.verify()
}

// While the newest key changes, containers differ in which one that is.
func TestAnItemThatWentTheOtherWayStaysThereUntilAYetNewerKey(t *testing.T) {
	s, _, _ := newContactStore(t)
	s.apply(after, suppression.Stop, now)
	if got := s.apply(before, suppression.Objection, now).Item.Key; got != k1 {
		t.Fatalf("the change went to %s", got)
	}
	for _, step := range []struct {
		keys []contact.Key
		want contact.Key
	}{{after, k1}, {allThree, k3}, {after, k3}, {before, k3}} {
		if got := s.apply(step.keys, suppression.Objection, now).Item; got.Key != step.want || len(got.Marks["acme"]) != 2 {
			t.Errorf("with keys %v the change went to %s, with %d marks", step.keys, got.Key, len(got.Marks["acme"]))
		}
		if s.sends(step.keys...) {
			t.Errorf("with keys %v it sends", step.keys)
		}
	}
	s.verify()
}

func TestAReaderBetweenTheTwoReadsOfAMergeNeverSends(t *testing.T) {
	for _, keys := range [][]contact.Key{before, after} {
		for read := 1; read <= 3; read++ {
			t.Run(fmt.Sprintf("keys %v, merged before read %d", keys[0][47:], read), func(t *testing.T) {
				s, intercepted, _ := newContactStore(t)
				s.apply(onlyOldest, suppression.Stop, now)
				reads := 0
				racing := intercepted(func(string) error {
					if reads++; reads == read {
						s.apply(after, suppression.Stop, now)
					}
					return nil
				})
				item, err := racing.Get(t.Context(), keys)
				if err != nil || suppression.Decide(item, suppression.Marketing, "acme").Send {
					t.Errorf("it sends, or error %v", err)
				}
			})
		}
	}
}

func TestAnUnreadableOlderItemRefusesNoOptOutAndSuppresses(t *testing.T) {
	s, _, byHand := newContactStore(t)
	s.apply(onlyOldest, suppression.Stop, now)
	byHand(k1, func(row map[string]types.AttributeValue) { delete(row, "marks") })
	if outcome := s.apply(after, suppression.Unsubscribed, now); outcome.Effect != suppression.Added {
		t.Errorf("effect %q", outcome.Effect)
	}
	if s.sends(k2) {
		t.Error("the opt-out was not stored")
	}
	s.release(after, suppression.Unsubscribed, now)
	found, err := s.Lookup(t.Context(), [][]contact.Key{after, {k3}})
	if err != nil || !errors.Is(found[0].Err, dynamo.ErrUnreadable) {
		t.Errorf("error %v, found %v, want ErrUnreadable", err, found[0].Err)
	}
}
