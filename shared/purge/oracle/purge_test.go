//go:build store

package oracle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/objects"
	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// tables is the number of random tables without -rapid.checks: a table takes
// some 1,200 requests.
const tables = "30"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", tables); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// policy is the policy of the rules, read from a policy file.
func (a anyTable) policy() (*retention.Policy, error) {
	var file strings.Builder
	file.WriteString("classes:\n")
	for _, r := range a.Rules {
		fmt.Fprintf(&file, "  - {class: %s, promise: P%d%s, keep: P%d%s, zone: %s, anchor: a, schedule: cron(30 12 * * ? *), owner: o, legalBasis: l, sentence: s, backupAcknowledged: b",
			r.Class, r.Keep, r.Unit, r.Keep, r.Unit, r.Zone)
		if len(r.Buckets) > 0 {
			fmt.Fprintf(&file, ", buckets: [%s]", strings.Join(r.Buckets, ", "))
		}
		if r.Minimum > 0 {
			fmt.Fprintf(&file, ", minimum: P%d%s, keptBy: a law", r.Minimum, r.Unit)
		}
		file.WriteString("}\n")
	}
	return retention.LoadPolicy([]byte(file.String()))
}

// unstopped has no stopped run.
func unstopped(context.Context, string, string) (bool, error) { return false, nil }

// run is one purge of one class.
type run struct {
	*estate
	anyTable
	class    retention.Class
	name     string
	verified bool // by the index as well, which takes long
	manifest *purgetest.Memory
}

// delete works on all shards, in calls that end and get lost according to the
// steps.
func (r run) delete(ctx context.Context) error {
	w := purge.Worker{
		Records: r.records, Deleter: dynamo.NewDeleter(r.db, r.stack), Holds: r.holds, Objects: objects.NewDeleter(r.s3),
		Manifest: r.manifest, Stopped: unstopped, Log: slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil)),
	}
	var group errgroup.Group
	group.SetLimit(8)
	for n := range retention.Shards {
		group.Go(func() error {
			work := purge.Work{Class: r.class.Name, Run: r.name, Cutoff: r.At, Shard: retention.ShardName(n)}
			for call := 0; !work.Done; call++ {
				now := r.Steps[call%len(r.Steps)]
				pages := now.Pages
				next, err := w.Shard(ctx, r.class, work, func() bool { pages--; return pages >= 0 })
				if err != nil {
					return err
				}
				if now.Lost {
					continue
				}
				// The work passes from call to call as JSON.
				travelled, err := json.Marshal(next)
				if err != nil {
					return err
				}
				work = purge.Work{}
				if err := json.Unmarshal(travelled, &work); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// purged is what a run claims.
type purged struct {
	Counts certificate.Counts
	Keys   []string
}

// account reads again what the run did, and reads in the index what it left.
func (r run) account(ctx context.Context) (purged, error) {
	var mu sync.Mutex
	var keys []string
	v := purge.Verifier{
		Records: r.records, Manifest: r.manifest, HMAC: func(class, id string) string { return class + "/" + id },
		Keep: func(_ context.Context, _ string, list []byte) error {
			mu.Lock()
			defer mu.Unlock()
			keys = append(keys, strings.Fields(string(list))...)
			return nil
		},
	}
	if r.verified {
		v.Missed = purge.Failed
	}
	account, err := v.Account(ctx, r.class, r.name, r.At)
	slices.Sort(keys)
	return purged{account.Counts, keys}, err
}

// tell describes where a run's result is wrong, with the history of those
// records.
func (a anyTable) tell(want, got state, verdicts map[string]verdict) string {
	var b strings.Builder
	for _, d := range want.differences(got) {
		fmt.Fprintf(&b, "%s\n\twant %s\n\tgot  %s\n", d.name, d.want, d.got)
		for _, h := range a.Records {
			if h.ID == d.of() {
				fmt.Fprintf(&b, "\tto be %s: %+v\n", verdicts[h.ID], h)
			}
		}
	}
	return b.String()
}

func TestAnyPurgeDoesWhatTheOracleSays(t *testing.T) {
	e := newEstate(t)
	verdicts := map[verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Custom(drawTable).Draw(t, "table")
		policy, err := a.policy()
		if err != nil {
			t.Fatal(err)
		}
		if err := e.clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.furnish(t.Context(), a, policy); err != nil {
			t.Fatal(err)
		}
		for _, rule := range a.Rules {
			class, _ := policy.Class(rule.Class)
			r := run{estate: e, anyTable: a, class: class, manifest: &purgetest.Memory{}}
			r.check(t, rule, policy.Hash(), verdicts)
		}
	})
	for _, v := range []verdict{unseen, deleted, held, changed, refused, stuck} {
		if verdicts[v] == 0 {
			t.Errorf("no record was %s: the tables do not say enough", v)
		}
	}
	t.Logf("records by verdict: %v", verdicts)
}

// check purges a class twice, the first time from its plan to its proof, and
// compares with the oracle.
func (r run) check(t *rapid.T, rule rule, policyHash string, verdicts map[verdict]int) {
	t.Helper()
	records := r.told()
	want := rule.outcome(records, r.Holds, r.At)
	for _, v := range want.Verdicts {
		verdicts[v]++
	}
	plan, err := purge.Make(t.Context(), r.records, r.class, policyHash, r.At)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Seen[:], plan.Shards); diff != "" {
		t.Fatalf("the plan of %s, by shards (-want +got)\n%s", rule.Class, diff)
	}
	r.name, r.verified = "run-1", true
	r.expect(t, rule, records, want)

	// The second run finds the records that the first run left, and deletes
	// nothing.
	records = slices.DeleteFunc(records, func(t told) bool { return want.Verdicts[t.ID] == deleted })
	r.name, r.verified = "run-2", false
	r.expect(t, rule, records, rule.outcome(records, r.Holds, r.At))
}

// expect makes a run delete, and compares the remaining state and the run's
// claims with the oracle.
func (r run) expect(t *rapid.T, rule rule, records []told, want outcome) {
	t.Helper()
	before, err := r.state(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := r.account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left, err := r.state(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := before.after(r.stack.Records(rule.Class), r.name, records, want.Verdicts)
	if wrong := r.tell(after, left, want.Verdicts); wrong != "" {
		t.Fatalf("%s of %s: what is left\n%s", r.name, rule.Class, wrong)
	}
	if diff := cmp.Diff(purged{want.Counts, want.Keys}, got); diff != "" {
		t.Fatalf("%s of %s: what it says it did (-want +got)\n%s", r.name, rule.Class, diff)
	}
	if !got.Counts.Balanced() {
		t.Fatalf("%s of %s: the counts do not balance: %+v", r.name, rule.Class, got.Counts)
	}
}
