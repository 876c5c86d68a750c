package main

import (
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// The audit has next to no overdue records and an end in the future. If the
// brake took it for a purge, either would halt the run.
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
