package purge_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// certifier is one over the house, whose certificates are in memory.
func (h *house) certifier() (purge.Certifier, *purgetest.Evidence) {
	kept := purgetest.NewEvidence(h.t)
	return purge.Certifier{
		Records: h.Records, Manifest: h.manifest, Runs: h.Runs, Chain: h.Runs, Parts: kept, Signer: kept, Evidence: kept,
		HMAC: func(context.Context) (func(class, id string) string, error) {
			return func(class, id string) string { return class + "/" + id }, nil
		},
		PolicyHash: h.policy.Hash(), CodeVersion: "v1", Now: func() time.Time { return cutoff.Add(time.Minute) },
	}, kept
}

func TestRunsEndInOneChainOfCertificates(t *testing.T) {
	h := newHouse(t)
	c, kept := h.certifier()
	previous := ""
	for _, id := range []string{"run-1", "run-2"} {
		h.put(retention.Record{ID: id, Subject: subject(1), Start: due})
		if err := h.run(h.Stores, id); err != nil {
			t.Fatal(err)
		}
		planned := purge.Run{Class: h.class.Name, ID: id, StartedAt: cutoff, Cutoff: cutoff, PolicyHash: h.policy.Hash(), PlanHash: "p", Planned: 1}
		if _, err := h.Runs.Start(t.Context(), planned); err != nil {
			t.Fatal(err)
		}
		run, err := c.Purge(t.Context(), h.class, purge.Ended{Run: id})
		if err != nil {
			t.Fatal(err)
		}
		got := kept.Verify(t, h.class.Name, id)
		want := certificate.Certificate{
			Run: id, Class: "messaging", Outcome: certificate.Completed, PlanHash: "p", PolicyHash: h.policy.Hash(),
			Cutoff: cutoff, StartedAt: cutoff, EndedAt: cutoff.Add(time.Minute), Counts: certificate.Counts{Due: 1, Deleted: 1},
			Proof: "index", KeysHead: certificate.Head([]string{"messaging/" + id}), Previous: previous,
			BackupGoneOn: "2026-11-30", CodeVersion: "v1", TZData: retention.Fingerprint(h.class.Location()),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("certificate (-want +got):\n%s", diff)
		}
		previous = run.Certificate
		again, err := c.Purge(t.Context(), h.class, purge.Ended{Run: id, Failed: true})
		if err != nil || again.Outcome != certificate.Completed {
			t.Errorf("certified again: outcome %s, error %v", again.Outcome, err)
		}
	}
}

func TestTheWorstShardTellsHowARunEnded(t *testing.T) {
	stopped, broken := purge.ShardEnd{Stopped: true}, purge.ShardEnd{Failed: true}
	for _, c := range []struct {
		name  string
		ended purge.Ended
		run   purge.Run
		want  certificate.Outcome
	}{
		{"every shard is done", purge.Ended{Shards: []purge.ShardEnd{{}, {}}}, purge.Run{Next: purge.NextDelete}, certificate.Completed},
		{"stopped too late to matter", purge.Ended{Shards: []purge.ShardEnd{{}, {}}}, purge.Run{StopBy: "operator"}, certificate.Completed},
		{"a shard stopped", purge.Ended{Shards: []purge.ShardEnd{{}, stopped}}, purge.Run{}, certificate.Stopped},
		{"a shard stopped and one failed", purge.Ended{Shards: []purge.ShardEnd{broken, stopped}}, purge.Run{}, certificate.Failed},
		{"the brake held it", purge.Ended{}, purge.Run{Next: purge.NextHalt}, certificate.Halted},
		{"another run was on", purge.Ended{}, purge.Run{Next: purge.NextYield}, certificate.Stopped},
		{"certifying the halted plan failed", purge.Ended{Failed: true}, purge.Run{Next: purge.NextHalt}, certificate.Failed},
		{"it was killed", purge.Ended{Failed: true}, purge.Run{Next: purge.NextDelete}, certificate.Failed},
	} {
		if got := c.ended.Outcome(c.run); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
