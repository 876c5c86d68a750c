//go:build store

package main

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

func TestQueuedOptOutIsStoredAfterTheOutage(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	key := h.Key(t, contact.Email, apitest.Address)
	batch := []events.SQSMessage{waits(t, "second", key, 10*time.Minute), waits(t, "first", key, 0)}

	down := dynamotest.Intercept(db, func(string) error { return errDown })
	if diff := cmp.Diff([]string{"first", "second"}, drained(t, newHandler(h, dynamo.NewSuppressions(down, stack)), batch...)); diff != "" {
		t.Errorf("while the store is down: %s", diff)
	}
	// Meanwhile the person gave a new consent, between the two.
	over := newHandler(h, list)
	if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, suppression.Change{
		Action: suppression.Release, Scope: "acme", Reason: suppression.Unsubscribed, At: sunday.Add(5 * time.Minute), Source: suppression.SourceTool,
	}, h.Now); err != nil {
		t.Fatal(err)
	}
	for range 2 { // every queue repeats itself
		if again := drained(t, over, batch...); len(again) > 0 {
			t.Errorf("%v come again", again)
		}
	}
	item, err := list.Get(t.Context(), []contact.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	want := suppression.Decision{Reason: suppression.Unsubscribed, Scope: "acme", Since: sunday.Add(10 * time.Minute)}
	if diff := cmp.Diff(want, suppression.Decide(item, suppression.Marketing, "acme")); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
	history, err := list.History(t.Context(), key)
	if err != nil || ledger.Verify(history, item.Head) != nil {
		t.Fatalf("error %v, or a broken chain", err)
	}
	type line struct {
		Action     ledger.Action
		Source     string
		At, Stored time.Time
	}
	var got []line
	for _, e := range history {
		got = append(got, line{e.Action, e.Source, e.At, e.RecordedAt})
	}
	oneClick, tool, now := string(suppression.SourceOneClick), string(suppression.SourceTool), h.Now
	if diff := cmp.Diff([]line{
		{ledger.Noted, tool, sunday.Add(5 * time.Minute), now},
		{ledger.Noted, oneClick, sunday, now},
		{ledger.Suppressed, oneClick, sunday.Add(10 * time.Minute), now},
	}, got); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	h.NoLeak(t, []string{string(key)})
	h.NoLeak(t, nil, dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger)))
}
