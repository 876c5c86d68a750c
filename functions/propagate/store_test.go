//go:build store

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// messagingOnly is the policy of a stack with one class table.
func messagingOnly() *retention.Policy {
	return &retention.Policy{Classes: []retention.Class{{Name: retention.Messaging}}}
}

func TestOptOutReachesEveryRecordInTheTables(t *testing.T) {
	house, w := apitest.New(t), newWorld()
	db, stack := dynamotest.Tables(t, retention.Messaging)
	list, records := dynamo.NewSuppressions(db, stack), dynamo.NewRecords(db, stack)
	over := handler{withdrawer: purge.Withdrawer{Policy: messagingOnly(), List: list, Records: records}, tell: told{w}.Put, announce: w.Put, park: w.Park, log: house.Log, now: func() time.Time { return sunday }}
	key := house.Key(t, contact.Email, apitest.Address)
	record := retention.Record{
		ID: "sub-1", Subject: key, Scope: "acme/newsletter", Basis: retention.Consent, OccurredAt: consented, Start: consented,
		Data: []byte(`{"typed":"` + apitest.Address + `","phone":"` + apitest.Number + `"}`),
	}
	if _, err := records.Put(t.Context(), retention.Messaging, record, func(retention.Record) error { return nil }); err != nil {
		t.Fatal(err)
	}
	// Another service wrote an unreadable record.
	dynamotest.Put(t, db, stack.Records(retention.Messaging), map[string]any{"id": "sub-2", "subject": string(key), "occurredAt": apitest.Address})
	apply := func(c suppression.Change) ledger.Entry {
		outcome, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, c, sunday)
		if err != nil || outcome.Entry == nil {
			t.Fatalf("effect %q, error %v", outcome.Effect, err)
		}
		return *outcome.Entry
	}
	for _, step := range []struct {
		change suppression.Change
		want   time.Time
	}{
		{suppress("acme", suppression.Unsubscribed, optedOut), optedOut.Truncate(time.Second)},
		{suppression.Change{Action: suppression.Undo, Scope: "acme", Reason: suppression.Unsubscribed, At: optedOut.Add(time.Hour), Source: suppression.SourceLink}, time.Time{}},
	} {
		if err := apitest.Deliver(t, over.handle, batch(apply(step.change))); err != nil {
			t.Fatal(err)
		}
		stored, err := records.Get(t.Context(), retention.Messaging, "sub-1")
		if err != nil || !stored.WithdrawnAt.Equal(step.want) {
			t.Errorf("after %s: withdrawn at %v, want %v, error %v", step.change.Action, stored.WithdrawnAt, step.want, err)
		}
	}
	// One entry is unreadable, and the item of another entry's contact is.
	broken := batch(apply(suppress("*", suppression.Stop, sunday)))
	broken.Records[0].Change.NewImage["at"] = broken.Records[0].Change.NewImage["scope"]
	dynamotest.Put(t, db, stack.Table(names.TableSuppressions), map[string]any{"key": string(key), "marks": "none"})
	broken.Records = append(broken.Records, batch(ledger.Entry{ID: "last", Key: key, Version: 9, Action: ledger.Suppressed}).Records...)
	if err := apitest.Deliver(t, over.handle, broken); err != nil {
		t.Fatal(err)
	}
	sent, err := json.Marshal(w.sent)
	if err != nil || len(w.sent) != 2 || len(w.parked) != 2 {
		t.Fatalf("%d events, %d parked, error %v", len(w.sent), len(w.parked), err)
	}
	dump := dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns))
	if !strings.Contains(dump, string(key)) || house.Logs.Len() == 0 {
		t.Error("there was nothing to look through")
	}
	house.NoLeak(t, nil, dump, string(sent), fmt.Sprint(w.parked))
}

func TestATakingOverReachesTheTables(t *testing.T) {
	house, w := apitest.New(t), newWorld()
	db, stack := dynamotest.Tables(t, retention.Messaging)
	list, records := dynamo.NewSuppressions(db, stack), dynamo.NewRecords(db, stack)
	over := handler{withdrawer: purge.Withdrawer{Policy: messagingOnly(), List: list, Records: records}, tell: told{w}.Put, announce: w.Put, park: w.Park, log: house.Log, now: func() time.Time { return sunday }}
	older, newer := contact.Key(strings.Repeat("A", 48)), contact.Key(strings.Repeat("B", 48))
	for id, subject := range map[string]contact.Key{"sub-1": older, "sub-2": newer} {
		dynamotest.Put(t, db, stack.Records(retention.Messaging), map[string]any{
			"id": id, "subject": string(subject), "scope": "acme", "basis": "consent", "occurredAt": consented.Format(time.RFC3339),
		})
	}
	// carry delivers the ledger entries of both keys.
	carry := func(keys []contact.Key, c suppression.Change) {
		t.Helper()
		if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: keys}, c, sunday); err != nil {
			t.Fatal(err)
		}
		for _, key := range []contact.Key{older, newer} {
			entries, err := list.History(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if err := apitest.Deliver(t, over.handle, batch(entries...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(want time.Time, ids ...string) {
		t.Helper()
		for _, id := range ids {
			stored, err := records.Get(t.Context(), retention.Messaging, id)
			if err != nil || !stored.WithdrawnAt.Equal(want) {
				t.Errorf("%s is withdrawn at %v, want %v, error %v", id, stored.WithdrawnAt, want, err)
			}
		}
	}
	out := suppress("acme", suppression.Unsubscribed, optedOut)
	carry([]contact.Key{older}, out)
	expect(optedOut.Truncate(time.Second), "sub-1")
	carry([]contact.Key{newer, older}, out)
	expect(optedOut.Truncate(time.Second), "sub-1", "sub-2")
	out.Action, out.At = suppression.Undo, optedOut.Add(time.Hour)
	carry([]contact.Key{newer, older}, out)
	expect(time.Time{}, "sub-1", "sub-2")
}
