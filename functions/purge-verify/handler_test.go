package main

import (
	"testing"

	"stille/shared/certificate"
	"stille/shared/toolapi/toolapitest"
)

func TestOnlyACompletedRunIsAnnouncedAsCompleted(t *testing.T) {
	for outcome, want := range map[certificate.Outcome]string{certificate.Completed: "PurgeCompleted", certificate.Failed: "PurgeFailed"} {
		if got := detailType(outcome); got != want {
			t.Errorf("%s is announced as %s", outcome, got)
		}
	}
}

func TestEventsOfPurgeVerifyAreRead(t *testing.T) {
	want := map[string]string{"purge-verify.deleted.json": "", "purge-verify.failed.json": "States.Timeout"}
	for _, name := range toolapitest.Events(t, "purge-verify") {
		var req request
		toolapitest.New(t).Event(t, name, &req)
		named, known := want[name]
		if !known || req.Class != "messaging" || req.Run == "" || req.StartedAt.IsZero() || req.Error != named || req.Failed != (named != "") {
			t.Errorf("%s: %+v", name, req)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}
