//go:build store

package main

import (
	"fmt"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
)

// New records, while each call of the store takes ten milliseconds more.
func BenchmarkStampLane(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		w := newWorld(b)
		for n := range 5 * apitest.LaneBatch {
			w.record(retention.Messaging, map[string]string{
				"id": fmt.Sprintf("sub-%d", n), "subject": string(w.Key(b, contact.Email, fmt.Sprintf("p%d@example.no", n))), "scope": "acme", "basis": "consent",
				"occurredAt": "2026-11-20T08:00:00Z", "retentionStart": "2026-11-20T08:00:00Z",
			})
		}
		slow := w.stores.Intercept(func(string) error { time.Sleep(10 * time.Millisecond); return nil })
		h := w.handler()
		h.stamper = purge.Stamper{Records: slow.Records, List: slow.List, Holds: slow.Holds, Now: time.Now}
		apitest.Lane(b, "stamp", h.handle, w.batch(retention.Messaging))
		if stored, err := w.records.Get(b.Context(), retention.Messaging, "sub-99"); err != nil || stored.Sort == "" {
			b.Fatalf("place %q, error %v", stored.Sort, err)
		}
	})
}
