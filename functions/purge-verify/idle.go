package main

import (
	"context"
	"time"

	"stille/shared/aws/eventbus"
	"stille/shared/names"
	"stille/shared/retention"
)

// recordsIdle is the detail of an event.
type recordsIdle struct {
	Class  string    `json:"class"`
	Owner  string    `json:"owner"` // who is to say whether they ended
	Count  int       `json:"count"`
	Oldest time.Time `json:"oldest,omitzero"` // when something last happened with the first of them
	IDs    []string  `json:"ids"`             // of some
}

// reportIdle tells the class's owner, after each of its runs, what is running
// without activity for too long. It is a report: where it fails, the run is
// none the worse for it, and there is one more tomorrow.
func (h handler) reportIdle(ctx context.Context, class retention.Class) {
	now := h.now()
	idle, err := h.idle(ctx, class, now)
	if err == nil && idle.Count > 0 {
		h.log.WarnContext(ctx, "records are idle", "class", class.Name, "owner", class.Owner, "count", idle.Count, "oldest", idle.Oldest)
		err = h.bus.Put(ctx, eventbus.Event{Type: names.RecordsIdle, At: now, Detail: recordsIdle{
			Class: class.Name, Owner: class.Owner, Count: idle.Count, Oldest: idle.Oldest, IDs: idle.IDs,
		}})
	}
	if err != nil {
		h.log.ErrorContext(ctx, "what is idle was not reported", "class", class.Name, "error", err)
	}
}
