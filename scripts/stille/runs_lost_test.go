package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
)

// nights are purges that are started by hand, each carried out whole.
type nights struct {
	*testing.T
	stores   purgetest.Stores
	evidence *purgetest.Evidence
	manifest purgetest.Memory
	started  int
}

func (n *nights) Start(ctx context.Context, name, startedBy, approved string) (string, error) {
	n.started++
	id := fmt.Sprint("run-", n.started)
	class, _ := retentiontest.Policy(n).Class(name)
	clock := func() time.Time { return at }
	planner := purge.Planner{
		Records: n.stores.Records, Holds: n.stores.Holds, Runs: n.stores.Runs, Halted: n.stores.Runs, Turns: n.stores.Holds, Manifest: &n.manifest,
		PolicyHash: class.Hash(), Now: clock, StoreClock: func(context.Context) (time.Time, error) { return at, nil },
	}
	run, _, err := planner.Plan(ctx, class, purge.Execution{Class: name, Run: id, StartedAt: at, StartedBy: startedBy, Approved: approved})
	if err != nil {
		return id, err
	}
	worker := purge.Worker{
		Records: n.stores.Records, Deleter: n.stores.Deleter, Holds: n.stores.Holds, Manifest: &n.manifest, Stopped: n.stores.Runs.Stopped, Log: slog.New(slog.DiscardHandler),
	}
	for _, work := range run.Work() {
		if _, err := worker.Shard(ctx, class, work, func() bool { return true }); err != nil {
			return id, err
		}
	}
	certifier := purge.Certifier{
		Records: n.stores.Records, Manifest: &n.manifest, Runs: n.stores.Runs, Turns: n.stores.Holds, Signer: n.evidence, Evidence: n.evidence,
		HMAC: func(context.Context) (func(class, id string) string, error) { return operatortest.HMAC, nil }, PolicyHash: class.Hash(), Now: clock,
	}
	_, err = certifier.Purge(ctx, class, purge.Ended{Run: id})
	return id, err
}

func (n *nights) State(context.Context, string, string) (operator.Execution, error) {
	return operator.Execution{Status: "SUCCEEDED"}, nil
}

// The runbook's chapter of the table of runs, typed after the table was lost.
func TestPurgesGoOnWithoutTheTableOfRuns(t *testing.T) {
	m := inMemory(t)
	n := &nights{T: t, stores: m.Stores, evidence: purgetest.NewEvidence(t)}
	run := func(args ...string) call {
		t.Helper()
		s := m.stack()
		s.Executions, s.Runs = n, n.stores.Runs
		s.Certificates = func(context.Context) (operator.Certificates, error) { return n.evidence, nil }
		return call{stack: s}.run(t, args...)
	}
	purged := func(id string) {
		t.Helper()
		record := retention.Record{ID: id, Scope: "acme", Basis: retention.Consent, OccurredAt: day(2024, 11, 20), Start: day(2024, 11, 20)}
		_, err := m.Records.Put(t.Context(), "messaging", record, func(retention.Record) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		stored, err := m.Records.Get(t.Context(), "messaging", id)
		if err == nil {
			err = m.Records.Stamp(t.Context(), "messaging", stored, retention.Sort(record.Start))
		}
		if err != nil {
			t.Fatal(err)
		}
		got := run("purge", "run", "messaging").ended(t, exitDone).out
		if !strings.Contains(got, "outcome  COMPLETED\n") || !strings.Contains(got, "deleted  1\n") {
			t.Errorf("it says %q", got)
		}
	}
	purged("sub-1")
	purged("sub-2")
	n.stores.Runs = purgetest.NewStores("messaging").Runs
	purged("sub-3")
	purged("sub-4")
	for number, certified := range []string{"run-1", "run-2", "run-3", "run-4"} {
		dir := filepath.Join(t.TempDir(), "proof")
		run("certificate", "get", certified, "--out", dir).ended(t, exitDone)
		got := run("certificate", "verify", dir).ended(t, exitDone).out
		if !strings.Contains(got, fmt.Sprintf("it is number %d of the 4 certificates of messaging", number+1)) {
			t.Errorf("%s: it says %q", certified, got)
		}
		got = run("proof", "messaging", fmt.Sprint("sub-", number+1)).ended(t, exitDone).out
		if !strings.Contains(got, "in the run "+certified+"\n") {
			t.Errorf("%s: it says %q", certified, got)
		}
	}
}
