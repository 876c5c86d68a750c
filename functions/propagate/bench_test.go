//go:build store

package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/eventbus"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/suppression"
	"stille/shared/webhook"
)

// slowCall is the time that a call takes more.
const slowCall = 10 * time.Millisecond

// Opt-outs of contacts with a record each, while each call of the store, the bus and
// the queue takes ten milliseconds more.
func BenchmarkPropagateLane(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		house, w := apitest.New(b), newWorld()
		db, stack := dynamotest.Tables(b, retention.Messaging)
		list, records := dynamo.NewSuppressions(db, stack), dynamo.NewRecords(db, stack)
		const people = 5 * apitest.LaneBatch
		var entries []ledger.Entry
		for n := range people {
			key := house.Key(b, contact.Email, fmt.Sprintf("p%d@example.no", n))
			record := retention.Record{ID: fmt.Sprintf("sub-%d", n), Subject: key, Scope: "acme", Basis: retention.Consent, OccurredAt: consented, Start: consented}
			if _, err := records.Put(b.Context(), retention.Messaging, record, func(retention.Record) error { return nil }); err != nil {
				b.Fatal(err)
			}
			outcome, err := list.Apply(b.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, suppress("acme", suppression.Unsubscribed, optedOut), sunday)
			if err != nil || outcome.Entry == nil {
				b.Fatalf("effect %q, error %v", outcome.Effect, err)
			}
			entries = append(entries, *outcome.Entry)
		}
		slow := dynamotest.Intercept(db, func(string) error { time.Sleep(slowCall); return nil })
		h := w.handler()
		h.withdrawer = purge.Withdrawer{Policy: messagingOnly(), List: dynamo.NewSuppressions(slow, stack), Records: dynamo.NewRecords(slow, stack)}
		announce, tell := h.announce, h.tell
		h.announce = func(ctx context.Context, all ...eventbus.Event) error {
			time.Sleep(slowCall)
			return announce(ctx, all...)
		}
		h.tell = func(ctx context.Context, pause time.Duration, all ...webhook.Delivery) error {
			time.Sleep(slowCall)
			return tell(ctx, pause, all...)
		}
		apitest.Lane(b, "propagate", h.handle, batch(entries...))
		if stored, err := records.Get(b.Context(), retention.Messaging, "sub-99"); err != nil || stored.WithdrawnAt.IsZero() || len(w.sent) != people {
			b.Fatalf("%d events, withdrawn at %s, error %v", len(w.sent), stored.WithdrawnAt, err)
		}
	})
}
