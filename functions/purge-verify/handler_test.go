package main

import (
	"slices"
	"testing"

	"stille/shared/api/apitest"
	"stille/shared/certificate"
	"stille/shared/purge"
)

func TestOnlyACompletedRunIsAnnouncedAsCompleted(t *testing.T) {
	for outcome, want := range map[certificate.Outcome]string{
		certificate.Completed: "PurgeCompleted", certificate.Halted: "PurgeHalted", certificate.Stopped: "PurgeStopped", certificate.Failed: "PurgeFailed",
	} {
		if got := detailType(purge.Run{Outcome: outcome}); got != want {
			t.Errorf("%s is announced as %s", outcome, got)
		}
	}
}

func TestEventsOfPurgeVerifyAreRead(t *testing.T) {
	want := map[string]string{"purge-verify.audited.json": "", "purge-verify.deleted.json": "", "purge-verify.failed.json": "States.Timeout"}
	for _, name := range apitest.Events(t, "purge-verify") {
		var req request
		apitest.New(t).Event(t, name, &req)
		named, known := want[name]
		if !known || req.Class != "messaging" || req.Run == "" || req.StartedAt.IsZero() || req.Error != named || req.Failed != (named != "") || req.Audit != (name == "purge-verify.audited.json") {
			t.Errorf("%s: %+v", name, req)
		}
		if shards := []purge.ShardEnd{{}, {Late: true}, {Stopped: true}, {Failed: true}}; name == "purge-verify.deleted.json" && !slices.Equal(req.Shards, shards) {
			t.Errorf("%s: the shards ended as %+v", name, req.Shards)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}
