package main

import (
	"context"
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/aws/eventbus"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

var errDown = errors.New("the service is down")

// world is the handler over the stores of one class.
type world struct {
	*apitest.House
	handler
	stores   purgetest.Stores
	evidence *purgetest.Evidence
	manifest *purgetest.Memory
	class    retention.Class
	keysErr  error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		House: apitest.New(t), manifest: &purgetest.Memory{}, stores: engine.New(t, retention.Messaging), evidence: purgetest.NewEvidence(t),
	}
	if err := w.manifest.Open(t.Context(), retention.Messaging, "run-1"); err != nil {
		t.Fatal(err)
	}
	w.class, _ = w.Policy.Class(retention.Messaging)
	w.handler = handler{
		certifier: purge.Certifier{
			Records: w.stores.Records, Manifest: w.manifest, Runs: w.stores.Runs, Turns: w.stores.Holds,
			Parts: w.evidence, Signer: w.evidence, Evidence: w.evidence, CodeVersion: "v1", Now: func() time.Time { return w.Now },
			HMAC: func(context.Context) (func(class, id string) string, error) {
				return func(class, id string) string { return class + "/" + id }, w.keysErr
			},
		},
		holds: w.stores.Holds, publish: (&heard{}).Put, policy: w.Policy, log: w.Log, now: func() time.Time { return w.Now },
	}
	return w
}

// put stores a due record.
func (w *world) put(t *testing.T, id string) {
	t.Helper()
	w.stores.Plant(t, retention.Messaging, map[string]any{
		"id": id, "occurredAt": "2024-11-20T08:00:00Z", "retentionStart": "2024-11-20T08:00:00Z", "data": apitest.Address,
		"retentionSort": "2024-11-20T08:00:00Z", "retentionShard": retention.Shard(id),
	})
}

// took writes the outcome of a run's record into the manifest.
func (w *world) took(t *testing.T, id string, outcome purge.Outcome) {
	t.Helper()
	page, err := w.manifest.Begin(t.Context(), retention.Messaging, "run-1", retention.Shard(id), []string{id})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.manifest.Finish(t.Context(), page, map[string]purge.Outcome{id: outcome}); err != nil {
		t.Fatal(err)
	}
}

func TestRunIsCertifiedFromASecondReading(t *testing.T) {
	for _, test := range []struct {
		name    string
		outcome certificate.Outcome
		spoil   func(t *testing.T, w *world)
		counts  certificate.Counts
		err     error
	}{
		{"a completed run", certificate.Completed, nil, certificate.Counts{Due: 2, Deleted: 1, Held: 1}, nil},
		{"a completed run with a record left", certificate.Completed, func(t *testing.T, w *world) { w.put(t, "late") },
			certificate.Counts{Due: 3, Deleted: 1, Held: 1, Failed: 1}, nil},
		{"a deleted record stored again", certificate.Completed, func(t *testing.T, w *world) { w.put(t, "sub-1") },
			certificate.Counts{Due: 2, Held: 1, Failed: 1}, nil},
		{"a failed run claims its manifest", certificate.Failed, func(t *testing.T, w *world) { w.put(t, "late") },
			certificate.Counts{Due: 2, Deleted: 1, Held: 1}, nil},
		{"a stopped run claims its manifest", certificate.Stopped, func(t *testing.T, w *world) { w.put(t, "late") },
			certificate.Counts{Due: 2, Deleted: 1, Held: 1}, nil},
		{"a halted run counts only its plan", certificate.Halted, func(_ *testing.T, w *world) { w.keysErr = errDown },
			certificate.Counts{Due: 7}, nil},
		{"without its keys a run is not certified", certificate.Failed, func(_ *testing.T, w *world) { w.keysErr = errDown },
			certificate.Counts{}, errDown},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.put(t, "sub-2")
			w.took(t, "sub-1", purge.Deleted)
			w.took(t, "sub-2", purge.Held)
			if test.spoil != nil {
				test.spoil(t, w)
			}
			next := purge.NextDelete
			if test.outcome == certificate.Halted {
				next = purge.NextHalt
			}
			run := purge.Run{Class: retention.Messaging, ID: "run-1", StartedAt: w.Now, Cutoff: w.Now, Planned: 7, PlanHash: "p", Next: next}
			if _, err := w.stores.Runs.Start(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			req := request{Class: retention.Messaging, Ended: purge.Ended{
				Run: "run-1", Failed: test.outcome == certificate.Failed, Shards: []purge.ShardEnd{{Stopped: test.outcome == certificate.Stopped}},
			}}
			answer, err := w.verify(t.Context(), req)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.counts, answer.Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if err == nil {
				if certified := w.evidence.Verify(t, retention.Messaging, "run-1"); certified.Outcome != test.outcome || certified.Counts != test.counts {
					t.Errorf("the certificate says %s, %+v", certified.Outcome, certified.Counts)
				}
			}
			w.NoLeak(t, nil)
		})
	}
}

func TestCertifiedRunIsNotReadAgain(t *testing.T) {
	w := newWorld(t)
	w.keysErr = errDown
	heard := &heard{}
	w.publish = heard.Put
	run := purge.Run{Class: retention.Messaging, ID: "run-1", Outcome: certificate.Completed, Certificate: "hash"}
	if _, err := w.stores.Runs.Start(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if _, err := w.stores.Runs.Lock(t.Context(), run.Class, run.ID); err != nil {
		t.Fatal(err)
	}
	answer, err := w.verify(t.Context(), request{Class: run.Class, Ended: purge.Ended{Run: run.ID, Failed: true}})
	if err != nil || answer.Outcome != certificate.Completed {
		t.Errorf("outcome %q, error %v", answer.Outcome, err)
	}
	if lock, err := w.stores.Runs.Lock(t.Context(), run.Class, "run-2"); err != nil || lock.Holder != "run-2" {
		t.Errorf("%s is still on, error %v", lock.Holder, err)
	}
	if len(*heard) != 1 || (*heard)[0].Type != names.PurgeCompleted {
		t.Errorf("events %+v", *heard)
	}
}

// heard is a bus that keeps its events.
type heard []eventbus.Event

func (h *heard) Put(_ context.Context, events ...eventbus.Event) error {
	*h = append(*h, events...)
	return nil
}

func TestUnplannedRunIsCertifiedOnlyAsFailure(t *testing.T) {
	w := newWorld(t)
	w.keysErr = errDown // a failure needs no key
	for failed, want := range map[bool]error{false: purge.ErrNoRun, true: errDown} {
		if _, err := w.verify(t.Context(), request{Class: retention.Messaging, Ended: purge.Ended{Run: "run-9", Failed: failed}}); !errors.Is(err, want) {
			t.Errorf("failed %v: error %v, want %v", failed, err, want)
		}
	}
	if _, err := w.verify(t.Context(), request{Class: "marketing", Ended: purge.Ended{Run: "run-9"}}); !errors.Is(err, retention.ErrUnknownClass) {
		t.Errorf("another class: error %v", err)
	}
}
