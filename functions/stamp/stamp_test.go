package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
	"stille/shared/suppression"
)

var errDown = errors.New("the service is down")

// world is the handler over the stores, with its parked records and writes.
type world struct {
	*apitest.House
	t       testing.TB
	stack   names.Stack
	stores  purgetest.Stores
	list    purgetest.List
	records purgetest.Records
	key     contact.Key
	parkErr error

	mu     sync.Mutex
	parked []deadletter.Record
	writes int

	counted purgetest.Records // counts its writes
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{House: apitest.New(t), t: t, stack: "stille", stores: engine.New(t, retention.Messaging, "communication")}
	w.list, w.records = w.stores.List, w.stores.Records
	w.counted = w.stores.Intercept(func(operation string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if operation == "UpdateItem" {
			w.writes++
		}
		return nil
	}).Records
	w.key = w.Key(t, contact.Email, apitest.Address)
	return w
}

func (w *world) Park(_ context.Context, r deadletter.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = append(w.parked, r)
	return w.parkErr
}

func (w *world) handler() handler {
	return handler{
		stack: w.stack, deadLetter: w.Park, log: w.Log,
		stamper: purge.Stamper{Records: w.counted, List: w.list, Holds: w.stores.Holds, Now: func() time.Time { return w.Now }},
	}
}

// record writes a record with attributes of text, as another service might.
func (w *world) record(class string, attributes map[string]string) {
	w.t.Helper()
	item := map[string]any{}
	for name, value := range attributes {
		item[name] = value
	}
	w.stores.Plant(w.t, class, item)
}

// seen delivers the table's current records to the handler.
func (w *world) seen(class string) error {
	w.t.Helper()
	return apitest.Deliver(w.t, w.handler().handle, w.batch(class))
}

// batch is the stream event of the table's current records.
func (w *world) batch(class string) events.DynamoDBEvent {
	w.t.Helper()
	items := w.stores.Items(w.t, class)
	var batch events.DynamoDBEvent
	for _, id := range slices.Sorted(maps.Keys(items)) {
		image := map[string]events.DynamoDBAttributeValue{}
		for name, value := range items[id] {
			image[name] = events.NewStringAttribute(value.(string))
		}
		batch.Records = append(batch.Records, events.DynamoDBEventRecord{
			EventName: "MODIFY", EventID: "event-" + id,
			EventSourceArn: "arn:aws:dynamodb:eu-north-1:123456789012:table/" + w.stack.Records(class) + "/stream/2026",
			Change:         events.DynamoDBStreamRecord{NewImage: image, Keys: map[string]events.DynamoDBAttributeValue{"id": image["id"]}},
		})
	}
	return batch
}

// index is a record's place in the indexes, as stored.
type index struct {
	Sort, Shard string
	Withdrawn   time.Time
}

func (w *world) expect(class, id string, want index) {
	w.t.Helper()
	stored, err := w.records.Get(w.t.Context(), class, id)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(want, index{stored.Sort, stored.Shard, stored.WithdrawnAt}); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", id, diff)
	}
}

func (w *world) suppress(r suppression.Reason, at time.Time) {
	w.t.Helper()
	change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: at, Source: suppression.SourceLink}
	if _, err := w.list.Apply(w.t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{w.key}}, change, w.Now); err != nil {
		w.t.Fatal(err)
	}
}

// consent is a messaging record, with some attributes replaced.
func (w *world) consent(replaced map[string]string) map[string]string {
	attributes := map[string]string{
		"id": "sub-1", "subject": string(w.key), "scope": "acme", "basis": "consent",
		"occurredAt": "2024-11-20T09:00:00+01:00", "retentionStart": "2024-11-20T09:00:00.5+01:00",
	}
	maps.Copy(attributes, replaced)
	return attributes
}

func TestRecordIsStampedOnce(t *testing.T) {
	w := newWorld(t)
	w.record(retention.Messaging, w.consent(nil))
	w.record("communication", map[string]string{"id": "conv-1", "occurredAt": "2026-11-20T08:00:00Z"})
	for range 2 {
		for _, class := range []string{retention.Messaging, "communication"} {
			if err := w.seen(class); err != nil {
				t.Fatal(err)
			}
		}
		w.expect(retention.Messaging, "sub-1", index{Sort: "2024-11-20T08:00:00Z", Shard: retention.Shard(string(w.key))})
		w.expect("communication", "conv-1", index{Shard: retention.Shard("conv-1")})
	}
	if w.writes != 2 || len(w.parked) != 0 {
		t.Errorf("%d writes, want one a record; %d parked", w.writes, len(w.parked))
	}
}

func TestRestartedRecordLeavesIndexAndKeepsShard(t *testing.T) {
	w := newWorld(t)
	w.record("communication", map[string]string{"id": "conv-1", "occurredAt": "2026-11-20T08:00:00Z", "retentionSort": "2026-11-20T08:00:00Z", "retentionShard": "07"})
	if err := w.seen("communication"); err != nil {
		t.Fatal(err)
	}
	w.expect("communication", "conv-1", index{Shard: "07"})
}

func TestAbsurdStartIsParkedAndNotIndexed(t *testing.T) {
	for name, start := range map[string]string{"before 2000": "1999-12-31T23:59:59Z", "more than a day ahead": "2026-11-23T03:00:01Z"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.record(retention.Messaging, w.consent(map[string]string{"retentionStart": start, "retentionSort": "2024-11-20T08:00:00Z", "retentionShard": "07"}))
			w.record(retention.Messaging, w.consent(map[string]string{"id": "sub-2"}))
			if err := w.seen(retention.Messaging); err != nil {
				t.Fatal(err)
			}
			w.expect(retention.Messaging, "sub-1", index{Shard: "07"})
			w.expect(retention.Messaging, "sub-2", index{Sort: "2024-11-20T08:00:00Z", Shard: retention.Shard(string(w.key))})
			if len(w.parked) != 1 || w.parked[0].Keys["id"] != "sub-1" || w.parked[0].Reason != purge.ErrImplausibleStart.Error() {
				t.Errorf("parked %+v", w.parked)
			}
		})
	}
}

func TestAStartADayAheadIsStillBelieved(t *testing.T) {
	w := newWorld(t)
	w.record(retention.Messaging, w.consent(map[string]string{"retentionStart": "2026-11-23T03:00:00Z"}))
	if err := w.seen(retention.Messaging); err != nil || len(w.parked) != 0 {
		t.Fatalf("error %v, %d parked", err, len(w.parked))
	}
	w.expect(retention.Messaging, "sub-1", index{Sort: "2026-11-23T03:00:00Z", Shard: retention.Shard(string(w.key))})
}

func TestALateRecordMeetsAnEarlierOptOut(t *testing.T) {
	out := time.Date(2026, 11, 20, 8, 0, 0, 123, time.UTC)
	second := out.Truncate(time.Second)
	before := out.Add(-time.Hour)
	for _, test := range []struct {
		name     string
		reason   suppression.Reason
		replaced map[string]string
		want     time.Time
	}{
		{"it occurred before the opt-out", suppression.Unsubscribed, nil, second},
		{"it occurred after the opt-out", suppression.Unsubscribed, map[string]string{"occurredAt": "2026-11-20T08:00:01Z"}, time.Time{}},
		{"it is another brand's", suppression.Unsubscribed, map[string]string{"scope": "globex"}, time.Time{}},
		{"it is another contact's", suppression.Unsubscribed, map[string]string{"subject": strings.Repeat("A", 48)}, time.Time{}},
		{"the address only bounced", suppression.HardBounce, nil, time.Time{}},
		{"it was withdrawn before that", suppression.Unsubscribed, map[string]string{"withdrawnAt": retention.Sort(before)}, before.Truncate(time.Second)},
		{"it was withdrawn after that", suppression.Unsubscribed, map[string]string{"withdrawnAt": "2026-11-21T00:00:00Z"}, second},
		{"its own withdrawal is written in another form", suppression.HardBounce, map[string]string{"withdrawnAt": "2026-11-21T01:00:00.5+01:00"}, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.suppress(test.reason, out)
			w.record(retention.Messaging, w.consent(test.replaced))
			for range 2 {
				if err := w.seen(retention.Messaging); err != nil {
					t.Fatal(err)
				}
				stored, err := w.records.Get(t.Context(), retention.Messaging, "sub-1")
				if err != nil || !stored.WithdrawnAt.Equal(test.want) {
					t.Errorf("withdrawn at %v, want %v, error %v", stored.WithdrawnAt, test.want, err)
				}
			}
			if w.writes > 2 {
				t.Errorf("%d writes: the second pass wrote again", w.writes)
			}
		})
	}
}

func TestLateRecordUnderOlderKeyMeetsOptOut(t *testing.T) {
	w := newWorld(t)
	out := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	w.suppress(suppression.HardBounce, out)
	change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Objection, At: out, Source: suppression.SourceTool}
	if _, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{contact.Key(strings.Repeat("A", 48)), w.key}}, change, w.Now); err != nil {
		t.Fatal(err)
	}
	w.record(retention.Messaging, w.consent(nil))
	if err := w.seen(retention.Messaging); err != nil {
		t.Fatal(err)
	}
	w.expect(retention.Messaging, "sub-1", index{Sort: "2024-11-20T08:00:00Z", Shard: retention.Shard(string(w.key)), Withdrawn: out})
}

func TestLateRecordUnderNewerKeyMeetsOptOut(t *testing.T) {
	w := newWorld(t)
	out := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	w.suppress(suppression.Unsubscribed, out)
	item := map[string]any{"formerSubjects": []string{string(w.key)}}
	for name, value := range w.consent(map[string]string{"subject": strings.Repeat("A", 48)}) {
		item[name] = value
	}
	w.stores.Plant(t, retention.Messaging, item)
	h := w.handler()
	late, err := h.stamper.Records.Get(t.Context(), retention.Messaging, "sub-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.stamper.Stamp(t.Context(), retention.Messaging, retention.Stored{}, late); err != nil {
		t.Fatal(err)
	}
	if got, err := h.stamper.Records.Get(t.Context(), retention.Messaging, "sub-1"); err != nil || !got.WithdrawnAt.Equal(out) {
		t.Errorf("withdrawn at %v, error %v", got.WithdrawnAt, err)
	}
}

// releasing is a list on which a release takes place right after the first
// read.
type releasing struct {
	purgetest.List
	release func()
}

func (r *releasing) Get(ctx context.Context, keys []contact.Key) (suppression.Item, error) {
	item, err := r.List.Get(ctx, keys)
	if r.release != nil {
		r.release()
		r.release = nil
	}
	return item, err
}

func TestReleaseDuringStampTakesEffect(t *testing.T) {
	own := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		replaced map[string]string
		want     time.Time
	}{
		"the record had no withdrawal":      {nil, time.Time{}},
		"the record has a later withdrawal": {map[string]string{"withdrawnAt": retention.Sort(own)}, own},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			out := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
			w.suppress(suppression.Unsubscribed, out)
			w.record(retention.Messaging, w.consent(test.replaced))
			h := w.handler()
			h.stamper.List = &releasing{w.list, func() {
				change := suppression.Change{Action: suppression.Undo, Scope: "acme", Reason: suppression.Unsubscribed, At: out.Add(time.Hour), Source: suppression.SourceLink}
				if _, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{w.key}}, change, w.Now); err != nil {
					t.Fatal(err)
				}
			}}
			if err := apitest.Deliver(t, h.handle, w.batch(retention.Messaging)); err != nil {
				t.Fatal(err)
			}
			stored, err := w.records.Get(t.Context(), retention.Messaging, "sub-1")
			if err != nil || !stored.WithdrawnAt.Equal(test.want) {
				t.Errorf("withdrawn at %v, want %v, error %v", stored.WithdrawnAt, test.want, err)
			}
		})
	}
}

func TestOptOutDoesNotWithdrawConversation(t *testing.T) {
	w := newWorld(t)
	w.suppress(suppression.Objection, w.Now)
	w.record("communication", w.consent(nil))
	if err := w.seen("communication"); err != nil {
		t.Fatal(err)
	}
	w.expect("communication", "sub-1", index{Sort: "2024-11-20T08:00:00Z", Shard: retention.Shard(string(w.key))})
}

func TestLateStampDoesNotOverwriteNewerChange(t *testing.T) {
	w := newWorld(t)
	w.record(retention.Messaging, w.consent(nil))
	old, err := w.records.Get(t.Context(), retention.Messaging, "sub-1")
	if err != nil {
		t.Fatal(err)
	}
	w.record(retention.Messaging, w.consent(map[string]string{"retentionStart": "2026-01-01T00:00:00Z"}))
	if _, err := w.handler().stamper.Stamp(t.Context(), retention.Messaging, retention.Stored{}, old); err != nil {
		t.Fatal(err)
	}
	w.expect(retention.Messaging, "sub-1", index{})
}

func TestUnreadableRecordIsParkedWithoutPersonalData(t *testing.T) {
	w := newWorld(t)
	w.stores.SpoilSuppression(t, w.key)
	w.record(retention.Messaging, map[string]string{"id": "sub-0", "occurredAt": apitest.Address, "data": apitest.Number})
	w.record(retention.Messaging, w.consent(map[string]string{"data": apitest.Address}))
	w.record(retention.Messaging, w.consent(map[string]string{"id": "sub-2", "subject": strings.Repeat("A", 48), "data": apitest.Number}))
	if err := w.seen(retention.Messaging); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range w.parked {
		ids = append(ids, p.Keys["id"])
	}
	slices.Sort(ids) // two contacts are stamped side by side
	if diff := cmp.Diff([]string{"sub-0", "sub-1"}, ids); diff != "" {
		t.Errorf("parked (-want +got):\n%s", diff)
	}
	w.expect(retention.Messaging, "sub-2", index{Sort: "2024-11-20T08:00:00Z", Shard: retention.Shard(strings.Repeat("A", 48))})
	if w.Logs.Len() == 0 {
		t.Error("there was nothing to look through")
	}
	w.NoLeak(t, nil, fmt.Sprint(w.parked), w.stores.Dump(t))
	w.parkErr = errDown
	if err := w.seen(retention.Messaging); !errors.Is(err, apitest.ErrRetried) {
		t.Errorf("not parked: error %v", err)
	}
}
