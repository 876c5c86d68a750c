//go:build store

package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

// badness is the share of requests that fail on a bad network.
const badness = 0.25

// Whatever fails, and however often: an acknowledged change stays, a failed
// change is made once or never, and a read is right or an error.
func TestABadNetworkKeepsCallsLinearizable(t *testing.T) {
	good, stack := dynamotest.Tables(t)
	first := seed()
	network, bad := dynamotest.NewNetwork(t, good, first, badness, dynamotest.Faults()...)
	list, calm := dynamo.NewSuppressions(bad, stack), dynamo.NewSuppressions(good, stack)
	atOnce(histories/2, func(n int) {
		h, seed := newHistory(t), first+uint64(n)
		h.unsure = true
		keys := []contact.Key{key(10 * n), key(10*n + 1), key(10*n + 2)}
		if n%2 == 0 {
			h.whileKeysAreRotated(h.clients(list, seed), keys)
		} else {
			each(h.clients(list, seed), func(c *client) { c.work(2*steps, keys[:1]) })
		}
		for way := range 3 {
			if err := h.check(calm, clients, way, []contact.Key{keys[2], keys[1], keys[0]}); err != nil {
				t.Error(err)
			}
		}
		h.verify(seed)
	})
	for _, f := range dynamotest.Faults() {
		if f != dynamotest.Partial && network.Happened()[f] == 0 { // Partial has a separate test
			t.Errorf("nothing was ever %s: this shows nothing", f)
		}
	}
}

func TestBadNetworkLeavesHistoriesWhole(t *testing.T) {
	good, stack := dynamotest.Tables(t)
	first := seed()
	network, bad := dynamotest.NewNetwork(t, good, first, badness, dynamotest.Faults()...)
	list, calm := dynamo.NewSuppressions(bad, stack), contactStore{dynamo.NewSuppressions(good, stack), t}
	h := newHistory(t)
	h.unsure = true
	h.whileKeysAreRotated(h.clients(list, first), []contact.Key{k1, k2, k3})
	network.Settle()
	entries := 0
	for _, told := range calm.verify() {
		entries += len(told)
	}
	if entries < steps {
		t.Errorf("seed %d: there are %d entries to look at", first, entries)
	}
}

func TestLastingFaultIsAnErrorNeverAnAnswer(t *testing.T) {
	for _, test := range []struct {
		fault         dynamotest.Fault
		reads, writes bool // fail
		stored        bool // the failed write is stored nevertheless
	}{
		{dynamotest.Throttled, true, true, false},
		{dynamotest.Broken, true, true, false},
		{dynamotest.Unsent, true, true, false},
		{dynamotest.Unheard, true, true, true},
		{dynamotest.Late, true, true, true},
		{dynamotest.Contended, false, true, false},
		{dynamotest.Partial, true, false, true},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			good, stack := dynamotest.Tables(t)
			calm := contactStore{dynamo.NewSuppressions(good, stack), t}
			calm.apply(onlyOldest, suppression.Stop, now)
			network, bad := dynamotest.NewNetwork(t, good, 1, 1, test.fault)
			list := dynamo.NewSuppressions(bad, stack)
			for name, contacts := range map[string][][]contact.Key{
				"several": {onlyOldest, onlyNewest, {k2}}, "several keys": {allThree}, "one": {onlyOldest},
			} {
				found, err := list.Lookup(t.Context(), contacts)
				fails := test.reads && !(test.fault == dynamotest.Partial && name == "one")
				if (err != nil) != fails || (found == nil) != fails {
					t.Errorf("a check of %s: %d answers, error %v", name, len(found), err)
				}
				if !fails && suppression.Decide(found[0].Item, suppression.Marketing, "acme").Send {
					t.Errorf("a check of %s sends", name)
				}
			}
			if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: onlyNewest}, optOut(now), now); (err != nil) != test.writes {
				t.Errorf("a change: error %v", err)
			}
			network.Settle()
			if calm.sends(onlyNewest...) == test.stored {
				t.Errorf("stored is not %v", test.stored)
			}
			if entries, err := calm.History(t.Context(), k3); err != nil || (len(entries) == 1) != test.stored || ledger.Verify(entries, calm.under(k3).Head) != nil {
				t.Errorf("%d ledger entries, error %v", len(entries), err)
			}
		})
	}
}

func TestPartlyReadBatchIsReadToItsEnd(t *testing.T) {
	good, stack := dynamotest.Tables(t)
	first := seed()
	network, bad := dynamotest.NewNetwork(t, good, first, 0.7, dynamotest.Partial)
	const contacts = 250
	var rows []map[string]any
	var all [][]contact.Key
	for n := range contacts {
		all = append(all, []contact.Key{key(n)})
		if n%2 == 0 {
			mark := map[string]any{"first": now.Format(time.RFC3339), "last": now.Format(time.RFC3339)}
			rows = append(rows, map[string]any{
				"key": string(key(n)), "channel": "email", "version": 1, "head": "head",
				"marks": map[string]any{"acme": map[string]any{"stop": mark}},
			})
		}
	}
	dynamotest.PutAll(t, good, stack.Table(names.TableSuppressions), rows)
	for range 10 {
		found, err := dynamo.NewSuppressions(bad, stack).Lookup(t.Context(), all)
		if errors.Is(err, dynamo.ErrUnanswered) && found == nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for n, f := range found {
			if d := suppression.Decide(f.Item, suppression.Marketing, "acme"); f.Err != nil || d.Send == (n%2 == 0) {
				t.Fatalf("seed %d: contact %d: send %v, error %v", first, n, d.Send, f.Err)
			}
		}
	}
	if network.Happened()[dynamotest.Partial] == 0 {
		t.Error("nothing was ever left out: this shows nothing")
	}
}
