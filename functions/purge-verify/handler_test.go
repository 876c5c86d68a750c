package main

import (
	"testing"

	"stille/shared/api/apitest"
	"stille/shared/certificate"
	"stille/shared/purge"
)

func TestOnlyACompletedRunIsAnnouncedAsCompleted(t *testing.T) {
	for outcome, want := range map[certificate.Outcome]string{
		certificate.Completed: "PurgeCompleted", certificate.Halted: "PurgeHalted", certificate.Stopped: "PurgeStopped", certificate.Failed: "PurgeFailed",
	} {
		if got := detailType(outcome); got != want {
			t.Errorf("%s is announced as %s", outcome, got)
		}
	}
}

func TestHowARunEndedIsWhatTheWorstOfItsShardsSays(t *testing.T) {
	stopped, broken := worked{Stopped: true}, worked{Failed: true}
	for _, c := range []struct {
		name string
		req  request
		run  purge.Run
		want certificate.Outcome
	}{
		{"every shard is done", request{Worked: []worked{{}, {}}}, purge.Run{Next: purge.NextDelete}, certificate.Completed},
		{"stopped too late to matter", request{Worked: []worked{{}, {}}}, purge.Run{StopBy: "operator"}, certificate.Completed},
		{"a shard stopped", request{Worked: []worked{{}, stopped}}, purge.Run{}, certificate.Stopped},
		{"a shard stopped and one failed", request{Worked: []worked{broken, stopped}}, purge.Run{}, certificate.Failed},
		{"the brake held it", request{}, purge.Run{Next: purge.NextHalt}, certificate.Halted},
		{"another run was on", request{}, purge.Run{Next: purge.NextYield}, certificate.Stopped},
		{"certifying the halted plan failed", request{Failed: true}, purge.Run{Next: purge.NextHalt}, certificate.Failed},
		{"it was killed", request{Failed: true}, purge.Run{Next: purge.NextDelete}, certificate.Failed},
	} {
		if got := c.req.how(c.run); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
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
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}
