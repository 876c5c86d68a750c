package main

import (
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// An audit found next to nothing overdue and ended in the future: were it taken
// for a purge, the brake would hold the run for both.
func TestAnAuditIsNoPurgeToTheBrake(t *testing.T) {
	c := newCrowd(t, 10)
	for _, run := range []purge.Run{
		{ID: "audit-1", Audit: true, EndedAt: c.house.Now.Add(time.Hour), Certificate: "two"},
		{ID: "run-1", EndedAt: c.house.Now.Add(-time.Hour), Certificate: "one"},
	} {
		run.Class, run.Outcome, run.Counts = retention.Messaging, certificate.Completed, certificate.Counts{Due: 1}
		if _, err := c.stores.Runs.Start(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	c.planned(t, "run-2", "{}", purge.NextDelete)
}
