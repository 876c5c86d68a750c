package main

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/retention"
)

func TestSecondRecordOfContactIsReportedOnce(t *testing.T) {
	w := newWorld(t)
	w.record(retention.Messaging, w.consent(nil))
	w.record(retention.Messaging, w.consent(map[string]string{"id": "sub-2"}))
	w.record(retention.Messaging, w.consent(map[string]string{"id": "sub-3", "scope": "globex"}))
	w.record("communication", w.consent(map[string]string{"id": "conv-1"}))
	w.record("communication", w.consent(map[string]string{"id": "conv-2"}))
	for range 2 {
		for _, class := range []string{retention.Messaging, "communication"} {
			if err := w.seen(class); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The items of a batch are taken at the same time: either of the two was first.
	second := len(w.parked) == 1 && slices.Contains([]string{"sub-1", "sub-2"}, w.parked[0].Keys["id"])
	if !second || w.parked[0].Reason != (retention.DuplicateError{}).Error() {
		t.Errorf("parked %+v", w.parked)
	}
	for _, id := range []string{"sub-1", "sub-2"} {
		w.expect(retention.Messaging, id, index{Sort: "2024-11-20T08:00:00Z", Shard: retention.Shard(string(w.key))})
	}
}

func TestSlotOfDeletedRecordIsFreed(t *testing.T) {
	w := newWorld(t)
	w.record(retention.Messaging, w.consent(nil))
	if err := w.seen(retention.Messaging); err != nil {
		t.Fatal(err)
	}
	gone := w.batch(retention.Messaging)
	gone.Records[0].EventName = string(events.DynamoDBOperationTypeRemove)
	put := func(id string) (taken bool) {
		t.Helper()
		at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
		r := retention.Record{ID: id, Subject: w.key, Scope: "acme", Basis: retention.Customer, OccurredAt: at}
		_, err := w.records.Put(t.Context(), retention.Messaging, r, func(retention.Record) error { return nil }, w.key)
		var duplicate retention.DuplicateError
		if taken = errors.As(err, &duplicate); err != nil && !taken {
			t.Fatal(err)
		}
		return taken
	}
	// The record is still stored, or stored again: it keeps its slot.
	if err := apitest.Deliver(t, w.handler().handle, gone); err != nil || !put("sub-2") {
		t.Errorf("error %v, or the slot is free", err)
	}
	w.stores.Remove(t, retention.Messaging, "sub-1")
	if err := apitest.Deliver(t, w.handler().handle, gone); err != nil {
		t.Fatal(err)
	}
	if slot, err := w.records.Slot(t.Context(), retention.Messaging, w.key, "acme"); slot != "" || err != nil {
		t.Errorf("%q has the slot, error %v", slot, err)
	}
	if put("sub-2") {
		t.Error("the slot is taken")
	}
}

func TestRunningRecordIsIndexedByLastActivity(t *testing.T) {
	w := newWorld(t)
	got := map[string]string{}
	for _, r := range []map[string]string{
		{"id": "spoken", "occurredAt": "2026-11-20T09:00:00+01:00"},
		{"id": "active", "occurredAt": "2026-11-20T08:00:00Z", "lastActivityAt": "2026-11-21T08:00:00.5Z"},
		{"id": "again", "occurredAt": "2026-11-20T08:00:00Z", "startAsOf": "2026-11-22T08:00:00Z"},
		{"id": "nobody-knows"},
		{"id": "absurd", "occurredAt": "2026-11-20T08:00:00Z", "retentionStart": "1970-01-01T00:00:00Z"},
		{"id": "ended", "occurredAt": "2026-11-20T08:00:00Z", "retentionStart": "2026-11-20T08:00:00Z", "activeSort": "2026-11-20T08:00:00Z"},
	} {
		w.record("communication", r)
	}
	for range 2 {
		if err := w.seen("communication"); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"spoken", "active", "again", "nobody-knows", "absurd", "ended"} {
		stored, err := w.records.Get(t.Context(), "communication", id)
		if err != nil {
			t.Fatal(err)
		}
		got[id] = stored.ActiveSort
	}
	want := map[string]string{
		"spoken": "2026-11-20T08:00:00Z", "active": "2026-11-21T08:00:00Z", "again": "2026-11-22T08:00:00Z",
		"nobody-knows": "0001-01-01T00:00:00Z", "absurd": "2026-11-20T08:00:00Z", "ended": "",
	}
	if diff := cmp.Diff(want, got); diff != "" || w.writes != len(want) {
		t.Errorf("%d writes, places (-want +got):\n%s", w.writes, diff)
	}
}
