package main

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// handOver passes work on as JSON, as the state machine does.
func handOver(t *testing.T, work purge.AuditWork) purge.AuditWork {
	t.Helper()
	text, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	var next purge.AuditWork
	if err := json.Unmarshal(text, &next); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestCallHandsOverBeforeItsTimeIsUp(t *testing.T) {
	house, kept := apitest.New(t), purgetest.NewEvidence(t)
	stores := engine.New(t, retention.Messaging)
	subject := string(house.Key(t, contact.Email, apitest.Address))
	const records = 2100 // three pages
	items := make([]map[string]any, records)
	for n := range items {
		items[n] = map[string]any{
			"id": fmt.Sprintf("sub-%04d", n), "subject": subject, "scope": "acme", "data": apitest.Address,
			"occurredAt": "2026-11-20T08:00:00Z", "activeSort": "2026-11-20T08:00:00Z", "retentionShard": "07",
		}
	}
	items[3]["retentionStart"] = apitest.Address
	stores.Plant(t, retention.Messaging, items...)

	start := time.Now()
	ctx, cancel := context.WithDeadline(t.Context(), start.Add(15*time.Minute))
	defer cancel()
	// By this clock a call has time for one page.
	now := start
	h := handler{policy: house.Policy, auditor: purge.Auditor{
		Records: stores.Records, List: stores.List, Holds: stores.Holds, Parts: kept,
		Now: func() time.Time {
			defer func() { now = now.Add(15*time.Minute - reserve) }()
			return now
		},
	}}
	var work purge.AuditWork
	house.Event(t, "purge-audit.first-call.json", &work, `"segment": 17`, `"segment": 0`, `"of": 64`, `"of": 1`)
	var pages []int
	for !work.Done {
		now = start
		var err error
		if work, err = h.audit(ctx, handOver(t, work)); err != nil {
			t.Fatal(err)
		}
		parts, err := kept.Parts(t.Context(), work.Class, work.Run)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if part.Call == len(pages) {
				pages = append(pages, part.Records)
				break
			}
		}
		if len(pages) > 5 {
			t.Fatal("the segment is not done after five calls")
		}
	}
	if diff := cmp.Diff([]int{1000, 1000, 100}, pages); diff != "" {
		t.Errorf("records a call (-want +got):\n%s", diff)
	}
	parts, err := kept.Parts(t.Context(), work.Class, work.Run)
	if err != nil {
		t.Fatal(err)
	}
	report, err := purge.MakeReport(work.Class, work.Run, house.Now, house.Class(retention.Messaging).Hash(), parts)
	if err != nil || report.Findings[purge.Unreadable].Count != 1 {
		t.Errorf("%+v, error %v", report.Findings[purge.Unreadable], err)
	}
	text, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	house.NoLeak(t, []string{subject}, string(text), stores.Dump(t))
}
