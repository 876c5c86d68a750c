//go:build store

package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	fake "stille/shared/sms/phone"
	"stille/shared/suppression"
)

// on makes the world write to another list.
func (w *world) on(list *dynamo.Suppressions) {
	w.store, w.handler.get = w.Store(list), list.Get
	w.store.Patience = time.Minute // the engine is slower than DynamoDB
}

func TestRepliesAreStoredWithEntriesAndWithoutNumbers(t *testing.T) {
	w := newWorld(t)
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	w.on(list)
	w.replies = dynamo.NewReplies(db, stack)
	for n, text := range []string{"STOP", "START", "please don't stop", "HELP", "Ja"} {
		m := w.reply("id-"+string(rune('a'+n)), text)
		m.from, m.at = apitest.Number, w.Now.Add(time.Duration(n-10)*time.Minute)
		w.hear(t, m, m)
	}
	key := w.Key(t, contact.SMS, apitest.Number)
	item, err := list.Get(t.Context(), []contact.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	history, err := list.History(t.Context(), key)
	if err != nil || ledger.Verify(history, item.Head) != nil {
		t.Fatalf("%d entries, error %v", len(history), err)
	}
	var got []string
	for _, e := range history {
		got = append(got, string(e.Action)+" "+e.Reason+" "+e.Source)
	}
	want := []string{"suppressed stop sms", "released stop sms", "noted unsubscribed sms", "suppressed stop sms-review"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
	if d := suppression.Decide(item, suppression.Marketing, "acme"); d.Send || d.Reason != suppression.Stop {
		t.Errorf("decided %+v", d)
	}
	if n := len(w.phone.Sent()); n != 3 {
		t.Errorf("%d texts, want one for STOP, START and HELP", n)
	}
	replies := dynamotest.Dump(t, db, stack.Table(names.TableReplies))
	if strings.Count(replies, `"id":"id-`) != 5 {
		t.Errorf("answered replies: %s", replies)
	}
	w.NoLeak(t, nil, replies, dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger)))
}

func TestOneOfManyDeliveriesAtOnceIsAnswered(t *testing.T) {
	w := newWorld(t)
	db, stack := dynamotest.Tables(t)
	w.on(dynamo.NewSuppressions(db, stack))
	w.replies = dynamo.NewReplies(db, stack)
	m := w.reply("1", "STOP").inbox(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := w.take(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff([]string{stopped}, w.said()); diff != "" {
		t.Errorf("said (-want +got)\n%s", diff)
	}
}

func TestARefusedTextIsSentAfterRedelivery(t *testing.T) {
	w := newWorld(t)
	db, stack := dynamotest.Tables(t)
	w.on(dynamo.NewSuppressions(db, stack))
	w.replies = dynamo.NewReplies(db, stack)
	w.phone.Refuse(fake.Refusal{Type: "InternalServerException"})
	m := w.reply("1", "STOP")
	if err := w.take(t.Context(), m.inbox(t)); err == nil {
		t.Error("it did not fail")
	}
	w.phone.Refuse(fake.Refusal{})
	w.hear(t, m, m)
	if diff := cmp.Diff([]string{stopped}, w.said()); diff != "" {
		t.Errorf("said (-want +got)\n%s", diff)
	}
}
