//go:build store

package dynamo_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

// imported asks for an opt-out of the contacts from first on, at a time before now.
func imported(first, contacts int, before time.Duration) []suppression.Request {
	requests := make([]suppression.Request, contacts)
	for n := range requests {
		c := optOut(now.Add(-before))
		c.Source = suppression.SourceImport
		requests[n] = suppression.Request{Who: contact.Known{Channel: contact.Email, Keys: []contact.Key{key(first + n)}}, Change: c}
	}
	return requests
}

func TestFiftyOptOutsAreOneTransaction(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	var calls, others atomic.Int32
	list := dynamo.NewSuppressions(dynamotest.Intercept(db, func(operation string) error {
		if operation == "TransactWriteItems" {
			calls.Add(1)
		} else {
			others.Add(1)
		}
		return nil
	}), stack)
	const contacts = 150
	for _, step := range []struct {
		name   string
		before time.Duration
		calls  int32
		effect suppression.Effect
	}{
		{"first", 4 * time.Hour, 3, suppression.Added},
		{"again", 4 * time.Hour, 3, suppression.NoEffect},
		{"newer", 0, 6, suppression.Renewed},
	} {
		calls.Store(0)
		results, err := list.ApplyAll(t.Context(), imported(0, contacts, step.before), now)
		if err != nil || calls.Load() != step.calls || others.Load() != 0 {
			t.Errorf("%s: %d transactions, %d other calls, error %v", step.name, calls.Load(), others.Load(), err)
		}
		for n, r := range results {
			if r.Err != nil || r.Outcome.Effect != step.effect {
				t.Fatalf("%s: contact %d: %q, error %v", step.name, n, r.Outcome.Effect, r.Err)
			}
		}
	}
}

// A repetition from another minute is kept without an entry, contact by contact.
func TestManyRepetitionsAreKept(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	for _, before := range []time.Duration{40 * time.Minute, 10 * time.Minute} {
		if _, err := list.ApplyAll(t.Context(), imported(0, 3, before), now); err != nil {
			t.Fatal(err)
		}
	}
	item, err := list.Get(t.Context(), []contact.Key{key(1)})
	if mark := item.Marks["acme"][suppression.Unsubscribed]; err != nil || item.Version != 1 || !mark.Last.Equal(now.Add(-10*time.Minute)) {
		t.Errorf("version %d, mark %+v, error %v", item.Version, mark, err)
	}
}

// In a restored table one item is missing that the ledger has.
func TestAContactThatRefusesIsChangedAlone(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	requests := imported(0, 60, 0)
	if _, err := list.Apply(t.Context(), requests[7].Who, requests[7].Change, now); err != nil {
		t.Fatal(err)
	}
	lost := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: string(key(7))}}
	if _, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(stack.Table(names.TableSuppressions)), Key: lost}); err != nil {
		t.Fatal(err)
	}
	results, err := list.ApplyAll(t.Context(), requests, now)
	if err != nil {
		t.Fatal(err)
	}
	for n, r := range results {
		history, err := list.History(t.Context(), key(n))
		if err != nil || r.Err != nil || r.Outcome.Effect != suppression.Added || ledger.Verify(history, r.Outcome.Item.Head) != nil {
			t.Errorf("contact %d: %q, errors %v and %v, or a broken chain", n, r.Outcome.Effect, r.Err, err)
		}
		if want := map[bool]int{true: 2, false: 1}[n == 7]; len(history) != want {
			t.Errorf("contact %d has %d entries, want %d", n, len(history), want)
		}
	}
}

// Whatever fails, and whenever the command is killed: asked for again, each
// opt-out is stored, with one entry.
func TestBadNetworkStoresManyOptOutsOnce(t *testing.T) {
	good, stack := dynamotest.Tables(t)
	from := seed()
	network, bad := dynamotest.NewNetwork(t, good, from, badness, dynamotest.Faults()...)
	list, calm := dynamo.NewSuppressions(bad, stack), dynamo.NewSuppressions(good, stack)
	const contacts = 230
	for first := 0; network.Happened()[dynamotest.Contended] == 0; first += contacts {
		requests := imported(first, contacts, time.Hour)
		for tries := 0; ; tries++ {
			if _, err := list.ApplyAll(t.Context(), requests, now); err == nil {
				break
			}
			if tries == 200 {
				t.Fatalf("seed %d: it never ends", from)
			}
		}
		network.Settle()
		for n := first; n < first+contacts; n++ {
			item, err := calm.Get(t.Context(), []contact.Key{key(n)})
			if err != nil {
				t.Fatal(err)
			}
			history, err := calm.History(t.Context(), key(n))
			if err != nil || len(history) != 1 || ledger.Verify(history, item.Head) != nil || suppression.Decide(item, suppression.Marketing, "acme").Send {
				t.Errorf("seed %d: contact %d: %d entries, error %v", from, n, len(history), err)
			}
		}
	}
}

func TestStoreThatIsDownEndsManyOptOuts(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	down := errors.New("the network is down")
	list := dynamo.NewSuppressions(dynamotest.Intercept(db, func(string) error { return down }), stack)
	if results, err := list.ApplyAll(t.Context(), imported(0, 120, 0), now); !errors.Is(err, down) || results != nil {
		t.Errorf("%d results, error %v", len(results), err)
	}
}
