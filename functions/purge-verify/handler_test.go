package main

import (
	"testing"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/certificate"
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
		run  dynamo.Run
		want certificate.Outcome
	}{
		{"every shard is done", request{Worked: []worked{{}, {}}}, dynamo.Run{Next: dynamo.NextDelete}, certificate.Completed},
		{"stopped too late to matter", request{Worked: []worked{{}, {}}}, dynamo.Run{StopBy: "operator"}, certificate.Completed},
		{"a shard stopped", request{Worked: []worked{{}, stopped}}, dynamo.Run{}, certificate.Stopped},
		{"a shard stopped and one failed", request{Worked: []worked{broken, stopped}}, dynamo.Run{}, certificate.Failed},
		{"the brake held it", request{}, dynamo.Run{Next: dynamo.NextHalt}, certificate.Halted},
		{"another run was on", request{}, dynamo.Run{Next: dynamo.NextYield}, certificate.Stopped},
		{"certifying the halted plan failed", request{Failed: true}, dynamo.Run{Next: dynamo.NextHalt}, certificate.Failed},
		{"it was killed", request{Failed: true}, dynamo.Run{Next: dynamo.NextDelete}, certificate.Failed},
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
