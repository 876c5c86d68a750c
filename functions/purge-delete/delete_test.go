package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// world is the handler over stores with due records of one person.
type world struct {
	*apitest.House
	handler
	stores    purgetest.Stores
	manifest  *purgetest.Memory
	shard     string
	left      func() int
	throttles int64
}

func newWorld(t *testing.T, records int) *world {
	t.Helper()
	w := &world{House: apitest.New(t), manifest: &purgetest.Memory{}, stores: engine.New(t, retention.Messaging)}
	subject := w.Key(t, contact.Email, apitest.Address)
	w.shard = retention.Shard(string(subject))
	for n := range records {
		w.stores.Plant(t, retention.Messaging, map[string]any{
			"id": fmt.Sprintf("sub-%03d", n), "subject": string(subject), "scope": "acme", "basis": "consent", "data": apitest.Address,
			"occurredAt": "2024-11-20T08:00:00Z", "retentionStart": "2024-11-20T08:00:00Z", "retentionSort": "2024-11-20T08:00:00Z", "retentionShard": w.shard,
		})
	}
	w.handler = handler{
		worker: purge.Worker{
			Records: w.stores.Records, Deleter: w.stores.Deleter, Holds: w.stores.Holds, Manifest: w.manifest, Stopped: w.stores.Runs.Stopped,
		},
		policy: w.Policy, throttles: func() int64 { return w.throttles }, now: time.Now,
	}
	w.left = func() int { return len(w.stores.Items(t, retention.Messaging)) }
	return w
}

// work is the work of the world's shard, as the handler's policy planned it.
func (w *world) work() purge.Work {
	return purge.Work{
		Class: retention.Messaging, Run: "run-1", Cutoff: w.Now, Shard: w.shard, PolicyHash: w.Class(retention.Messaging).Hash(),
	}
}

// handOver passes work on as JSON, as the state machine does.
func handOver(t *testing.T, work purge.Work) purge.Work {
	t.Helper()
	text, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	var next purge.Work
	if err := json.Unmarshal(text, &next); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestShardIsDoneInOneCallGivenTime(t *testing.T) {
	w := newWorld(t, 3)
	var work purge.Work
	w.Event(t, "purge-delete.first-page.json", &work)
	work.Shard, work.PolicyHash = w.shard, w.Class(retention.Messaging).Hash()
	got, err := w.delete(t.Context(), work) // a test without a deadline has unlimited time
	if err != nil || !got.Done || w.left() != 0 {
		t.Errorf("done %v, %d left, error %v", got.Done, w.left(), err)
	}
}

func TestCallHandsOverBeforeItsTimeIsUp(t *testing.T) {
	w := newWorld(t, 2*purge.MaxDeletes)
	start := time.Now()
	ctx, cancel := context.WithDeadline(t.Context(), start.Add(15*time.Minute))
	defer cancel()
	asked := 0
	// By this clock a call has time for two pages.
	w.now = func() time.Time {
		if asked++; asked%4 == 0 {
			return start.Add(15*time.Minute - reserve)
		}
		return start.Add(15*time.Minute - reserve - time.Nanosecond)
	}
	work := w.work()
	var left []int
	for calls := 0; !work.Done; calls++ {
		if calls == 5 {
			t.Fatal("the shard is not done after five calls")
		}
		var err error
		if work, err = w.delete(ctx, handOver(t, work)); err != nil {
			t.Fatal(err)
		}
		left = append(left, w.left())
	}
	// Four pages: no withdrawal, 99, 99, none left.
	if diff := cmp.Diff([]int{purge.MaxDeletes, 0}, left); diff != "" {
		t.Errorf("left after each call (-want +got):\n%s", diff)
	}
}

func TestACallWithoutTimeDeletesNothing(t *testing.T) {
	w := newWorld(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), reserve)
	defer cancel()
	work := w.work()
	got, err := w.delete(ctx, work)
	if diff := cmp.Diff(work, got); diff != "" || err != nil || w.left() != 1 {
		t.Errorf("%d left, error %v, work (-given +returned):\n%s", w.left(), err, diff)
	}
}

func TestUnknownClassIsNotDeleted(t *testing.T) {
	w := newWorld(t, 1)
	_, err := w.delete(t.Context(), purge.Work{Class: "marketing", Run: "run-1", Cutoff: w.Now, Shard: w.shard})
	if !errors.Is(err, retention.ErrUnknownClass) || w.left() != 1 {
		t.Errorf("%d left, error %v", w.left(), err)
	}
}

func TestOtherPolicyDeletesNothing(t *testing.T) {
	w := newWorld(t, 1)
	work := w.work()
	work.PolicyHash = "another"
	if _, err := w.delete(t.Context(), work); !errors.Is(err, errDeployed) {
		t.Errorf("error %v", err)
	}
	if pages, err := purgetest.Pages(w.manifest.Pages(t.Context(), retention.Messaging, "run-1", w.shard)); err != nil || len(pages) != 0 || w.left() != 1 {
		t.Errorf("%d left, %d pages, error %v", w.left(), len(pages), err)
	}
}

// The work is as the code before wrote it: with the version of that code.
func TestOtherCodeGoesOnWithTheRun(t *testing.T) {
	w := newWorld(t, 1)
	written := fmt.Sprintf(`{"class":"messaging","run":"run-1","turn":0,"cutoff":%q,"shard":%q,"done":false,"throttled":false,"late":false,"stopped":false,"policyHash":%q,"codeVersion":"before"}`,
		w.Now.Format(time.RFC3339Nano), w.shard, w.Class(retention.Messaging).Hash())
	var work purge.Work
	if err := json.Unmarshal([]byte(written), &work); err != nil {
		t.Fatal(err)
	}
	got, err := w.delete(t.Context(), work)
	if err != nil || !got.Done || w.left() != 0 {
		t.Errorf("done %v, %d left, error %v", got.Done, w.left(), err)
	}
}

func TestStoppedRunTouchesNoOtherPage(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.stores.Runs.Start(t.Context(), purge.Run{Class: retention.Messaging, ID: "run-1"}); err != nil {
		t.Fatal(err)
	}
	if err := w.stores.Runs.Stop(t.Context(), retention.Messaging, "run-1", "operator"); err != nil {
		t.Fatal(err)
	}
	got, err := w.delete(t.Context(), w.work())
	if err != nil || !got.Done || !got.Stopped || w.left() != 1 {
		t.Errorf("work %+v, %d left, error %v", got, w.left(), err)
	}
}

func TestDeletionLogsNoPersonalData(t *testing.T) {
	w := newWorld(t, 2)
	work := w.work()
	done, err := w.delete(t.Context(), work)
	if err != nil || w.left() != 0 {
		t.Fatalf("%d left, error %v", w.left(), err)
	}
	pages, err := purgetest.Pages(w.manifest.Pages(t.Context(), work.Class, work.Run, work.Shard))
	if err != nil || len(pages) != 1 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	_, unknown := w.delete(t.Context(), purge.Work{Class: apitest.Address})
	w.NoLeak(t, nil, w.stores.Dump(t), fmt.Sprint(done, pages, unknown))
}

func TestEventsOfPurgeDeleteAreRead(t *testing.T) {
	want := map[string]purge.Cursor{
		"purge-delete.first-page.json": {}, "purge-delete.next-page.json": {By: purge.ByStart, ID: "sub-81", Sort: "2024-11-20T08:00:00Z"},
	}
	for _, name := range apitest.Events(t, "purge-delete") {
		var work purge.Work
		apitest.New(t).Event(t, name, &work)
		if work.Class != retention.Messaging || work.Shard == "" || work.Cutoff.IsZero() || work.Done {
			t.Errorf("%s: %+v", name, work)
		}
		if diff := cmp.Diff(want[name], work.Cursor); diff != "" {
			t.Errorf("%s: cursor (-want +got):\n%s", name, diff)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}

func TestThrottledShardWaitsForFewerShards(t *testing.T) {
	w := newWorld(t, 3*purge.MaxDeletes)
	deleter := w.worker.Deleter
	w.worker.Deleter = throttling{deleter, func() { w.throttles += mostThrottles + 1 }}
	got, err := w.delete(t.Context(), w.work())
	if err != nil || got.Done || !got.Throttled || w.left() != 2*purge.MaxDeletes {
		t.Fatalf("throttled %v, done %v, %d left, error %v", got.Throttled, got.Done, w.left(), err)
	}
	got, err = w.delete(t.Context(), handOver(t, got))
	if err != nil || !got.Done || w.left() != 0 {
		t.Errorf("with fewer shards: done %v, %d left, error %v", got.Done, w.left(), err)
	}
}

// throttling is a deleter that DynamoDB throttles.
type throttling struct {
	purge.Deleter
	note func()
}

func (d throttling) DeleteUnderFence(ctx context.Context, under purge.Conditions, records []retention.Stored) (purge.Deletion, error) {
	d.note()
	return d.Deleter.DeleteUnderFence(ctx, under, records)
}

func TestPageThrottledTooLongIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		deleter := w.worker.Deleter
		w.worker.Deleter = waiting{deleter, func() { w.throttles += mostThrottles + 1 }}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		got, err := w.delete(ctx, w.work())
		if err != nil || got.Done || !got.Throttled || ctx.Err() != nil {
			t.Fatalf("throttled %v, done %v, error %v, the time is up: %v", got.Throttled, got.Done, err, ctx.Err())
		}
		w.worker.Deleter = deleter
		if got, err = w.delete(ctx, handOver(t, got)); err == nil && !got.Done {
			got, err = w.delete(t.Context(), got)
		}
		if err != nil || !got.Done || w.left() != 0 {
			t.Errorf("done %v, %d left, error %v", got.Done, w.left(), err)
		}
	})
}

// waiting is a deleter that DynamoDB throttles until the time is up.
type waiting throttling

func (d waiting) DeleteUnderFence(ctx context.Context, _ purge.Conditions, _ []retention.Stored) (purge.Deletion, error) {
	d.note()
	<-ctx.Done()
	return purge.Deletion{}, ctx.Err()
}

func TestRunThatTakesTooLongLeavesTheRest(t *testing.T) {
	w := newWorld(t, 3)
	work := w.work()
	work.Until = time.Now().Add(-time.Second)
	got, err := w.delete(t.Context(), work)
	if err != nil || !got.Done || !got.Late || w.left() != 3 {
		t.Errorf("done %v, late %v, %d left, error %v", got.Done, got.Late, w.left(), err)
	}
}
