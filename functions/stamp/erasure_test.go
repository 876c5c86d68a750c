package main

import (
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/suppression"
)

func TestLateRecordMeetsEarlierErasure(t *testing.T) {
	out := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, class string
		reason      suppression.Reason
		released    bool // by consent a day later, before the record comes in
		replaced    map[string]string
		want        time.Time
	}{
		{"a conversation", "communication", suppression.Erasure, false, nil, out},
		{"a subscription", retention.Messaging, suppression.Erasure, false, nil, out},
		{"a conversation, after newer consent", "communication", suppression.Erasure, true, nil, out},
		{"a subscription, after newer consent", retention.Messaging, suppression.Erasure, true, nil, out},
		{"the newer consent itself", retention.Messaging, suppression.Erasure, true, map[string]string{"occurredAt": "2026-11-21T08:00:00Z"}, time.Time{}},
		{"a conversation of another brand", "communication", suppression.Erasure, false, map[string]string{"scope": "globex"}, time.Time{}},
		{"a conversation, and nothing but an opt-out", "communication", suppression.Unsubscribed, false, nil, time.Time{}},
		{"a subscription, opted out and released", retention.Messaging, suppression.Unsubscribed, true, nil, time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.suppress(test.reason, out)
			if test.released {
				change := suppression.Change{Action: suppression.Release, Scope: "acme", Reason: test.reason, At: out.Add(24 * time.Hour), Source: suppression.SourceTool}
				if _, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{w.key}}, change, w.Now); err != nil {
					t.Fatal(err)
				}
			}
			w.record(test.class, w.consent(test.replaced))
			if err := w.seen(test.class); err != nil {
				t.Fatal(err)
			}
			w.expect(test.class, "sub-1", index{Sort: "2024-11-20T08:00:00Z", Shard: retention.Shard(string(w.key)), Withdrawn: test.want})
		})
	}
}
