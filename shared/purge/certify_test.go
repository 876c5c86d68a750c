package purge_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// certifier is a certifier of the house, with certificates in memory.
func (h *house) certifier() (purge.Certifier, *purgetest.Evidence) {
	kept := purgetest.NewEvidence(h.t)
	return purge.Certifier{
		Records: h.Records, Manifest: h.manifest, Runs: h.Runs, Turns: h.Holds, Parts: kept, Signer: kept, Evidence: kept,
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
		h.letter(id, "a-"+id)
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
		list := certificate.NewList([]byte("messaging/" + id + "\n"))
		want := certificate.Certificate{
			Run: id, Class: "messaging", Outcome: certificate.Completed, PlanHash: "p", PolicyHash: h.policy.Hash(),
			Cutoff: cutoff, StartedAt: cutoff, EndedAt: cutoff.Add(time.Minute), Counts: certificate.Counts{Due: 1, Deleted: 1},
			Objects: certificate.Objects{Count: 1, Versions: 2}, Proof: "index", KeysHead: certificate.Head([]string{list.SHA256}), Previous: previous,
			BackupGoneOn: "2026-11-30", CodeVersion: "v1", TZData: retention.Fingerprint(h.class.Location()),
			Lists: map[string]certificate.List{retention.Shard(string(subject(1))): list},
		}
		keys, err := kept.PublicKeys(t.Context())
		if err != nil || len(keys) != 1 {
			t.Fatalf("%d keys, error %v", len(keys), err)
		}
		if want.Fingerprint, err = certificate.Fingerprint(keys[0]); err != nil {
			t.Fatal(err)
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

func TestCertificateNamesApproverByRoleAndHash(t *testing.T) {
	h := newHouse(t)
	c, kept := h.certifier()
	for arn, role := range map[string]string{
		approver: "user", session("admin", "kari"): "admin", session(sso, "kari@example.no"): sso, "arn:aws:iam::111122223333:root": "root",
	} {
		run := purge.Run{Class: h.class.Name, ID: "run-" + role, Cutoff: cutoff, Next: purge.NextDelete, ApprovedBy: arn}
		_, err := h.Runs.Start(t.Context(), run)
		if err := errors.Join(err, h.manifest.Open(t.Context(), h.class.Name, run.ID)); err != nil {
			t.Fatal(err)
		}
		certified, err := c.Purge(t.Context(), h.class, purge.Ended{Run: run.ID})
		if err != nil {
			t.Fatal(err)
		}
		got := kept.Verify(t, h.class.Name, run.ID)
		if diff := cmp.Diff(&certificate.Approver{Role: role, Hash: "#approver/" + arn}, got.ApprovedBy); diff != "" || certified.ApprovedBy != arn {
			t.Errorf("the run names %q (-want +got):\n%s", certified.ApprovedBy, diff)
		}
	}
}

func TestWorstShardDecidesTheOutcome(t *testing.T) {
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
		{"the brake held all but the withdrawn", purge.Ended{Shards: []purge.ShardEnd{{}}}, purge.Run{Next: purge.NextDelete, Withdrawn: true}, certificate.Halted},
		{"that run was stopped", purge.Ended{Shards: []purge.ShardEnd{stopped}}, purge.Run{Next: purge.NextDelete, Withdrawn: true}, certificate.Stopped},
		{"another run was on", purge.Ended{}, purge.Run{Next: purge.NextYield}, certificate.Stopped},
		{"certifying the halted plan failed", purge.Ended{Failed: true}, purge.Run{Next: purge.NextHalt}, certificate.Failed},
		{"it was killed", purge.Ended{Failed: true}, purge.Run{Next: purge.NextDelete}, certificate.Failed},
	} {
		if got := c.ended.Outcome(c.run); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAuditIsCertifiedByItsReport(t *testing.T) {
	h := newHouse(t)
	h.planted("overdue", map[string]any{"retentionStart": "2024-01-01T00:00:00Z", "retentionSort": "2024-01-01T00:00:00Z"})
	c, kept := h.certifier()
	c.PolicyHash = "p"
	auditor := purge.Auditor{Records: h.Records, List: h.List, Holds: h.Holds, Parts: kept, PolicyHash: "p", Now: func() time.Time { return cutoff }}
	for name, test := range map[string]struct {
		run     string
		ended   purge.Ended
		outcome certificate.Outcome
		proof   string
		due     int
	}{
		"an audit that read everything": {"audit-1", purge.Ended{}, certificate.Completed, certificate.ProofScan, 1},
		"an audit that failed":          {"audit-2", purge.Ended{Failed: true}, certificate.Failed, "", 0},
	} {
		work := purge.AuditWork{Class: h.class.Name, Run: test.run, Of: 1}
		if _, err := auditor.Segment(t.Context(), h.class, work, func() bool { return true }); err != nil {
			t.Fatal(err)
		}
		test.ended.Run, test.ended.StartedAt = test.run, cutoff
		run, err := c.Audit(t.Context(), h.class, test.ended)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := kept.Verify(t, h.class.Name, test.run)
		if got.Outcome != test.outcome || got.Proof != test.proof || got.Counts.Due != test.due {
			t.Errorf("%s: %s, proof %q, counts %+v", name, got.Outcome, got.Proof, got.Counts)
		}
		if report, err := kept.Report(t.Context(), h.class.Name, test.run); (err == nil) != (test.outcome == certificate.Completed) || err == nil && got.PlanHash != certificate.Hash(report) {
			t.Errorf("%s: a report of %d bytes, named %q, error %v", name, len(report), got.PlanHash, err)
		}
		if again, err := c.Audit(t.Context(), h.class, test.ended); err != nil || again.Certificate != run.Certificate {
			t.Errorf("%s, certified again: error %v", name, err)
		}
	}
}

// brokenParts are the parts of an audit that cannot be read.
type brokenParts struct{ purge.AuditParts }

func (brokenParts) Parts(context.Context, string, string) ([]purge.AuditPart, error) {
	return nil, errDown
}

func TestAuditThatCannotBeReadIsNotCertified(t *testing.T) {
	h := newHouse(t)
	if _, err := h.Runs.Start(t.Context(), purge.Run{Class: h.class.Name, ID: "run-1"}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		run    string
		change func(*purge.Certifier)
		err    error
	}{
		"the run is a purge":       {"run-1", func(*purge.Certifier) {}, purge.ErrNoAudit},
		"nothing was scanned":      {"audit-1", func(*purge.Certifier) {}, purge.ErrUnscanned},
		"its parts cannot be read": {"audit-1", func(c *purge.Certifier) { c.Parts = brokenParts{} }, errDown},
		"its run cannot be read": {"audit-1", func(c *purge.Certifier) {
			c.Runs = before(h.Stores, "GetItem", 1, func() error { return errDown }).Runs
		}, errDown},
	} {
		c, _ := h.certifier()
		test.change(&c)
		if _, err := c.Audit(t.Context(), h.class, purge.Ended{Run: test.run}); !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, want %v", name, err, test.err)
		}
	}
}

// A run that stopped or failed is not verified: the index may show what is left.
func TestOnlyCompletedRunIsVerified(t *testing.T) {
	for name, test := range map[string]struct {
		shard purge.ShardEnd
		want  certificate.Counts
	}{
		"a completed run": {purge.ShardEnd{}, certificate.Counts{Due: 1, Failed: 1}},
		"a stopped run":   {purge.ShardEnd{Stopped: true}, certificate.Counts{}},
	} {
		h := newHouse(t)
		h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: due})
		c, _ := h.certifier()
		if _, err := h.Runs.Start(t.Context(), purge.Run{Class: h.class.Name, ID: "run-1", Cutoff: cutoff}); err != nil {
			t.Fatal(err)
		}
		run, err := c.Purge(t.Context(), h.class, purge.Ended{Run: "run-1", Shards: []purge.ShardEnd{test.shard}})
		if err != nil || run.Counts != test.want {
			t.Errorf("%s: counts %+v, error %v", name, run.Counts, err)
		}
	}
}

// certifyRun certifies an empty purge.
func certifyRun(t *testing.T, h *house, c purge.Certifier, id string) (purge.Run, error) {
	t.Helper()
	run := purge.Run{Class: h.class.Name, ID: id, Cutoff: cutoff, Next: purge.NextDelete}
	_, err := c.Runs.Start(t.Context(), run)
	if err := errors.Join(err, h.manifest.Open(t.Context(), h.class.Name, id)); err != nil {
		t.Fatal(err)
	}
	return c.Purge(t.Context(), h.class, purge.Ended{Run: id})
}

func TestRotatedSigningKeyLeavesEveryCertificateValid(t *testing.T) {
	h := newHouse(t)
	c, kept := h.certifier()
	other := purgetest.NewSigningKey(t)
	for _, id := range []string{"run-1", "run-2", "run-3"} {
		if _, err := certifyRun(t, h, c, id); err != nil {
			t.Fatal(err)
		}
		other = kept.Use(t, other)
		for _, before := range []string{"run-1", "run-2", "run-3"} {
			if before <= id {
				kept.Verify(t, h.class.Name, before)
			}
		}
	}
}

// The table of runs is set back to the first of three runs.
func TestChainGoesOnAtTheBucketsEnd(t *testing.T) {
	h := newHouse(t)
	c, kept := h.certifier()
	var runs []purge.Run
	for _, id := range []string{"run-1", "run-2", "run-3"} {
		run, err := certifyRun(t, h, c, id)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	for name, restored := range map[string][]purge.Run{"to the first run": runs[:1], "to nothing": nil} {
		stores := purgetest.NewStores(h.class.Name)
		for _, run := range restored {
			if err := stores.Runs.Certify(t.Context(), run, ""); err != nil {
				t.Fatal(err)
			}
		}
		c.Runs, c.Turns = stores.Runs, stores.Holds
		id := "run-4 " + name
		last, err := certifyRun(t, h, c, id)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := kept.Verify(t, h.class.Name, id); got.Previous != runs[len(runs)-1].Certificate {
			t.Errorf("%s: the certificate follows %s", name, got.Previous)
		}
		runs = append(runs, last)
		if head, err := stores.Runs.Head(t.Context(), h.class.Name); err != nil || head != last.Certificate {
			t.Errorf("%s: the head is %s, error %v", name, head, err)
		}
	}
	stores := purgetest.NewStores(h.class.Name)
	stray := purge.Run{Class: h.class.Name, ID: "stray", Certificate: "of no file"}
	if err := stores.Runs.Certify(t.Context(), stray, ""); err != nil {
		t.Fatal(err)
	}
	c.Runs, c.Turns = stores.Runs, stores.Holds
	if _, err := certifyRun(t, h, c, "run-5"); !errors.Is(err, purge.ErrChainForked) && !errors.Is(err, certificate.ErrNone) {
		t.Errorf("under a head that is not in the bucket: error %v", err)
	}
}

// certifiedMeanwhile are runs that another call certifies after the first look.
type certifiedMeanwhile struct {
	purgetest.Runs
	looks atomic.Int64
}

func (c *certifiedMeanwhile) Get(ctx context.Context, class, id string) (purge.Run, error) {
	run, err := c.Runs.Get(ctx, class, id)
	if c.looks.Add(1) > 1 {
		run.Certificate = "of another call"
	}
	return run, err
}

func TestListsOfCertifiedRunStay(t *testing.T) {
	h := newHouse(t)
	h.letter("sub-1", "a")
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Runs.Start(t.Context(), purge.Run{Class: h.class.Name, ID: "run-1", Cutoff: cutoff, Planned: 1}); err != nil {
		t.Fatal(err)
	}
	c, _ := h.certifier()
	c.Runs = &certifiedMeanwhile{Runs: h.Runs}
	if run, err := c.Purge(t.Context(), h.class, purge.Ended{Run: "run-1"}); err == nil || run.Certified() {
		t.Errorf("the run was certified: %+v, error %v", run, err)
	}
}
