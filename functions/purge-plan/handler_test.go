package main

import (
	"encoding/json"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/purge"
)

func TestUnreadableScheduledTimeCountsAsAbsent(t *testing.T) {
	at := time.Date(2026, 11, 22, 2, 40, 0, 0, time.UTC)
	for input, want := range map[string]time.Time{
		`{"scheduledTime":"2026-11-22T02:40:00Z"}`:      at,
		`{"scheduledTime":"2026-11-22T03:40:00+01:00"}`: at,
		`{}`:                      {},
		`{"scheduledTime":""}`:    {},
		`{"scheduledTime":"now"}`: {},
		`{"scheduledTime":7}`:     {},
		`{"scheduledTime":null}`:  {},
		`[]`:                      {},
		`"now"`:                   {},
		`null`:                    {},
		``:                        {},
	} {
		if got := (request{Input: json.RawMessage(input)}).execution().ScheduledFor; !got.Equal(want) {
			t.Errorf("input %s: %v, want %v", input, got, want)
		}
	}
}

func TestExecutionInputIsReadFieldByField(t *testing.T) {
	for text, want := range map[string]purge.Execution{
		`{"startedBy":"arn:somebody"}`:               {StartedBy: "arn:somebody"},
		`{"startedBy":7,"approved":"abc"}`:           {Approved: "abc"},
		`{"approved":["abc"],"startedBy":"a","x":1}`: {StartedBy: "a"},
		`{"startedBy":"a"`:                           {},
	} {
		if got := (request{Input: json.RawMessage(text)}).execution(); got != want {
			t.Errorf("input %s: %+v, want %+v", text, got, want)
		}
	}
}

func TestEventsOfPurgePlanAreRead(t *testing.T) {
	want := map[string]bool{"purge-plan.scheduled.json": true, "purge-plan.by-hand.json": false}
	for _, name := range apitest.Events(t, "purge-plan") {
		var req request
		apitest.New(t).Event(t, name, &req)
		if scheduled, known := want[name]; !known || req.Class != "messaging" || req.Run == "" || req.StartedAt.IsZero() || req.execution().ScheduledFor.IsZero() == scheduled {
			t.Errorf("%s: %+v", name, req)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}
