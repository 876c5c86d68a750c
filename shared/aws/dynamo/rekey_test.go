//go:build store

package dynamo_test

import (
	"fmt"
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
	"stille/shared/names"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

// Keys of one contact, as known to containers with different key sets.
var (
	k1, k2, k3 = key(1), key(2), key(3)

	onlyOldest = []contact.Key{k1}
	onlyNewest = []contact.Key{k3}
	before     = []contact.Key{k1, k2} // the newer key is live, and not the newest yet
	after      = []contact.Key{k2, k1}
	allThree   = []contact.Key{k3, k2, k1}
)

// contactStore is a list with a test's helpers.
type contactStore struct {
	*dynamo.Suppressions
	t *testing.T
}

func (s contactStore) apply(keys []contact.Key, r suppression.Reason, at time.Time) suppression.Outcome {
	s.t.Helper()
	return s.change(keys, suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: at, Source: suppression.SourceTool})
}

func (s contactStore) change(keys []contact.Key, c suppression.Change) suppression.Outcome {
	s.t.Helper()
	outcome, err := s.Apply(s.t.Context(), contact.Known{Channel: contact.Email, Keys: keys}, c, now)
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

// sends reports, by both ways of reading, whether a caller with these keys may
// send.
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

// verify checks the chain of every key and the entries of every merge.
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
	// byHand changes a row directly; an empty row is deleted.
	byHand := func(key contact.Key, change func(map[string]types.AttributeValue)) {
		t.Helper()
		of := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: string(key)}}
		row, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(stack.Table(names.TableSuppressions)), Key: of})
		if err != nil {
			t.Fatal(err)
		}
		change(row.Item)
		if len(row.Item) == 0 {
			_, err = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(stack.Table(names.TableSuppressions)), Key: of})
		} else {
			_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(stack.Table(names.TableSuppressions)), Item: row.Item})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return contactStore{dynamo.NewSuppressions(db, stack), t}, intercepted, byHand
}

func TestListInDynamoDBPassesTheSuite(t *testing.T) {
	suppressiontest.Suite(t, func(t *testing.T) suppressiontest.Opened {
		s, _, byHand := newContactStore(t)
		return suppressiontest.Opened{Store: s, Spoil: func(key contact.Key) {
			byHand(key, func(row map[string]types.AttributeValue) { delete(row, "marks") })
		}}
	})
}

func TestAReadDuringAMergeNeverSends(t *testing.T) {
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
