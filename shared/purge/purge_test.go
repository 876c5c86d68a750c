package purge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/aws/objects"
	"stille/shared/aws/objects/objectstest"
	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

const policyFile = `
classes:
  - class: messaging
    promise: P2Y
    keep: P2Y
    anchor: consent was given
    schedule: cron(30 3 * * ? *)
    owner: marketing
    legalBasis: GDPR 6(1)(a)
    sentence: We keep it for two years.
    backupAcknowledged: legal
    buckets: [letters]
`

// The cutoff of every test, 03:30 in Oslo: consents given on 2024-11-21 or
// earlier, counted in Oslo, are due.
var cutoff = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)

var (
	due    = time.Date(2024, 11, 21, 22, 59, 59, 0, time.UTC) // the last second of 2024-11-21 in Oslo
	notDue = time.Date(2024, 11, 21, 23, 0, 0, 0, time.UTC)
)

func TestTheManifestInMemoryKeepsItsPromises(t *testing.T) {
	purgetest.Manifest(t, &purgetest.Memory{}, "run-1")
}

// house is a class of a stack and a purge over it.
type house struct {
	t testing.TB
	purgetest.Stores
	class    retention.Class
	policy   *retention.Policy
	manifest *purgetest.Memory
	s3       *objectstest.Memory
	letters  objectstest.Bucket // the bucket of the class
	log      *bytes.Buffer
}

// onlyClass is the policy of policyFile, and its only class.
func onlyClass(t testing.TB) (*retention.Policy, retention.Class) {
	t.Helper()
	policy, err := retention.LoadPolicy([]byte(policyFile))
	if err != nil {
		t.Fatal(err)
	}
	class, _ := policy.Class(retention.Messaging)
	return policy, class
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return houseOver(t, engine.New(t, retention.Messaging))
}

// houseOver is a house over the stores given.
func houseOver(t testing.TB, stores purgetest.Stores) *house {
	t.Helper()
	policy, class := onlyClass(t)
	h := &house{t: t, Stores: stores, class: class, policy: policy, log: &bytes.Buffer{}, manifest: &purgetest.Memory{}}
	h.emptyBuckets()
	return h
}

func (h *house) emptyBuckets() {
	h.s3 = objectstest.NewMemory("letters", "other")
	h.letters = objectstest.Bucket{S3: h.s3, Name: "letters"}
}

func subject(n int) contact.Key { return contact.Key(fmt.Sprintf("%048d", n)) }

func (h *house) put(r retention.Record) retention.Stored {
	h.t.Helper()
	r.Basis = retention.Consent
	if r.Scope == "" {
		r.Scope = "acme"
	}
	if r.OccurredAt.IsZero() {
		r.OccurredAt = due
	}
	if _, err := h.Records.Put(h.t.Context(), h.class.Name, r, func(retention.Record) error { return nil }); err != nil {
		h.t.Fatal(err)
	}
	stored := h.get(r.ID)
	sort := ""
	if !r.Start.IsZero() {
		sort = retention.Sort(r.Start)
	}
	if err := h.Records.Stamp(h.t.Context(), h.class.Name, stored, sort); err != nil {
		h.t.Fatal(err)
	}
	return h.get(r.ID)
}

func (h *house) get(id string) retention.Stored {
	h.t.Helper()
	stored, err := h.Records.Get(h.t.Context(), h.class.Name, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return stored
}

// plant writes an item as another service would that does not know our rules.
func (h *house) plant(item map[string]any) {
	h.t.Helper()
	h.Plant(h.t, h.class.Name, item)
}

// own gives planted records their objects, as stamp does.
func (h *house) own(ids ...string) {
	h.t.Helper()
	for _, id := range ids {
		if _, err := h.Records.ClaimObjects(h.t.Context(), h.class.Name, h.get(id), retention.Record{}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) withdraw(id string, at time.Time) {
	h.t.Helper()
	if done, err := h.Records.Withdraw(h.t.Context(), h.class.Name, h.get(id), at); err != nil || !done {
		h.t.Fatalf("withdrawn %v, error %v", done, err)
	}
}

// hold places holds and returns the targets that they came too late for.
func (h *house) hold(targets ...retention.Target) []retention.Target {
	h.t.Helper()
	var holds []retention.Hold
	for _, target := range targets {
		holds = append(holds, retention.Hold{Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: target, SetAt: cutoff})
	}
	// Not the test's context: other calls place holds, too.
	met, err := h.Holds.Set(context.Background(), []string{h.class.Name}, holds)
	if err != nil {
		h.t.Fatal(err)
	}
	return met.TooLate
}

// left lists the remaining ids of the class table.
func (h *house) left() []string {
	h.t.Helper()
	return slices.Sorted(maps.Keys(h.Items(h.t, h.class.Name)))
}

// worker is a worker over these stores and this manifest.
func (h *house) worker(stores purgetest.Stores, manifest purge.Manifest) purge.Worker {
	return purge.Worker{
		Records: stores.Records, Deleter: stores.Deleter, Holds: stores.Holds,
		Objects: objects.NewDeleter(h.s3), Manifest: manifest, Stopped: stores.Runs.Stopped,
		Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
}

// shards are the shards with a record of the table.
func (h *house) shards() []string {
	h.t.Helper()
	shards := map[string]bool{}
	for _, item := range h.Items(h.t, h.class.Name) {
		if shard, ok := item[names.AttrRetentionShard].(string); ok {
			shards[shard] = true
		}
	}
	return slices.Sorted(maps.Keys(shards))
}

// run makes a worker over these stores delete in all shards with a record, and
// returns its error.
func (h *house) run(stores purgetest.Stores, run string) error {
	w := h.worker(stores, h.manifest)
	for _, shard := range h.shards() {
		work := purge.Work{Class: h.class.Name, Run: run, Cutoff: cutoff, Shard: shard}
		got, err := w.Shard(h.t.Context(), h.class, work, func() bool { return true })
		if err != nil {
			return err
		}
		if !got.Done {
			return errors.New("the shard is not done")
		}
	}
	return nil
}

// accounted is an account with the keys in its lists, sorted.
type accounted struct {
	purge.Account
	Keys []string
}

// verifier is a verifier that adds the keys in its lists to the account.
func (h *house) verifier(account *accounted) purge.Verifier {
	var mu sync.Mutex
	return purge.Verifier{
		Records: h.Records, Manifest: h.manifest, HMAC: func(class, id string) string { return class + "/" + id },
		Keep: func(_ context.Context, shard string, list []byte) error {
			if len(list) == 0 {
				return fmt.Errorf("the empty list of shard %s is kept", shard)
			}
			mu.Lock()
			defer mu.Unlock()
			account.Keys = append(account.Keys, strings.Fields(string(list))...)
			slices.Sort(account.Keys)
			return nil
		},
	}
}

// account is the certified account of a run that completed.
func (h *house) account(run string) accounted {
	h.t.Helper()
	return h.accountAs(run, purge.Failed)
}

func (h *house) expect(run string, want certificate.Counts, left ...string) {
	h.t.Helper()
	if diff := cmp.Diff(left, h.left()); diff != "" {
		h.t.Errorf("what is left (-want +got):\n%s", diff)
	}
	account := h.account(run)
	if diff := cmp.Diff(want, account.Counts); diff != "" {
		h.t.Errorf("counts (-want +got):\n%s", diff)
	}
	if !account.Counts.Balanced() || len(account.Keys) != account.Counts.Deleted {
		h.t.Errorf("the account does not balance: %+v, %d keys", account.Counts, len(account.Keys))
	}
}

func TestOnlyDueRecordsAreDeleted(t *testing.T) {
	h := newHouse(t)
	doomed := map[string]string{
		"due-1": "its two years ended yesterday", "due-2": "they ended long ago", "withdrawn": "its subject opted out",
		"withdrawn-running": "its subject opted out, though the service runs on", "both": "it is due and withdrawn, and counts once",
	}
	survivors := map[string]string{
		"tomorrow": "its last day is today", "running": "it has no start", "held": "a hold is on the record",
		"held-subject": "a hold is on its subject", "withdrawn-tomorrow": "the withdrawal lies ahead", "absurd": "its start cannot be believed",
	}
	h.put(retention.Record{ID: "due-1", Subject: subject(1), Start: due})
	h.put(retention.Record{ID: "due-2", Subject: subject(1), Start: due.AddDate(-5, 0, 0)})
	h.put(retention.Record{ID: "tomorrow", Subject: subject(2), Start: notDue})
	h.put(retention.Record{ID: "running", Subject: subject(3)})
	h.put(retention.Record{ID: "held", Subject: subject(4), Start: due})
	h.put(retention.Record{ID: "held-subject", Subject: subject(5), Start: due})
	h.put(retention.Record{ID: "withdrawn", Subject: subject(6), Start: notDue})
	h.put(retention.Record{ID: "withdrawn-running", Subject: subject(7)})
	h.put(retention.Record{ID: "withdrawn-tomorrow", Subject: subject(8)})
	h.put(retention.Record{ID: "both", Subject: subject(9), Start: due})
	h.put(retention.Record{ID: "absurd", Subject: subject(10), Start: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)})
	h.withdraw("withdrawn", cutoff)
	h.withdraw("withdrawn-running", cutoff.Add(-time.Hour))
	h.withdraw("withdrawn-tomorrow", cutoff.Add(time.Second))
	h.withdraw("both", cutoff)
	h.hold(retention.RecordTarget(h.class.Name, "held"))
	h.hold(retention.SubjectTarget(subject(5)))

	plan, err := purge.Make(t.Context(), h.Records, h.class, h.policy.Hash(), cutoff)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(doomed) + 3; plan.Due() != want { // the held records are due, and the absurd one is in this index
		t.Errorf("%d planned, want %d", plan.Due(), want)
	}
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(survivors))
	h.expect("run-1", certificate.Counts{Due: 8, Deleted: 5, Held: 2, Changed: 1}, want...)

	t.Run("a second run does nothing", func(t *testing.T) {
		if err := h.run(h.Stores, "run-2"); err != nil {
			t.Fatal(err)
		}
		h.expect("run-2", certificate.Counts{Due: 3, Held: 2, Changed: 1}, want...)
	})
}

// forgetful is a manifest that loses a page's outcomes: the worker was killed
// between the deletion and its outcomes.
type forgetful struct{ *purgetest.Memory }

func (forgetful) Finish(context.Context, string, map[string]purge.Outcome) error {
	return errors.New("killed")
}

func TestDeletionWithLostOutcomeIsCounted(t *testing.T) {
	h := newHouse(t)
	h.put(retention.Record{ID: "sub-1", Subject: subject(1), Start: due})
	w := h.worker(h.Stores, forgetful{h.manifest})
	work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.Shard(string(subject(1)))}
	if _, err := w.Shard(t.Context(), h.class, work, func() bool { return true }); err == nil {
		t.Fatal("the worker was not killed")
	}
	h.expect("run-1", certificate.Counts{Due: 1, Deleted: 1})
}

func TestPlanHashCoversEveryField(t *testing.T) {
	plan := purge.Plan{Class: "messaging", PolicyHash: "p", Cutoff: cutoff, Shards: []int{1, 2}}
	for name, change := range map[string]func(*purge.Plan){
		"class":  func(p *purge.Plan) { p.Class = "contact" },
		"policy": func(p *purge.Plan) { p.PolicyHash = "q" },
		"cutoff": func(p *purge.Plan) { p.Cutoff = cutoff.Add(time.Second) },
		"counts": func(p *purge.Plan) { p.Shards = []int{2, 1} },
	} {
		t.Run(name, func(t *testing.T) {
			other := plan
			change(&other)
			if other.Hash() == plan.Hash() {
				t.Error("another plan has the same hash")
			}
		})
	}
}
