package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/deadletter"
	"stille/shared/aws/eventbus"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
	"stille/shared/webhook"
)

const (
	kari      contact.Key = "kari-by-email"
	kariOnce  contact.Key = "kari-by-email-under-an-older-key"
	kariBySMS contact.Key = "kari-by-sms"
	ola       contact.Key = "ola-by-email"
)

var (
	consented = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	optedOut  = time.Date(2026, 11, 20, 8, 0, 0, 500, time.UTC)
	sunday    = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

	errDown = errors.New("the service is down")
)

// world is the handler's surroundings, in memory.
type world struct {
	list       suppressiontest.List
	records    map[string]*retention.Stored
	unreadable map[string]bool // ids of records
	races      int             // how often a record changes before it is withdrawn
	withdrawn  int             // writes

	failing contact.Key // whose records cannot be read
	mu      sync.Mutex
	sent    []eventbus.Event
	puts    []int // events of each call
	busErr  error
	told    []webhook.Delivery
	toldErr error
	parked  []deadletter.Record
	parkErr error
	logs    bytes.Buffer
}

func newWorld() *world {
	return &world{records: map[string]*retention.Stored{}, unreadable: map[string]bool{}}
}

// classes is a policy of two classes.
func classes() *retention.Policy {
	return &retention.Policy{Classes: []retention.Class{{Name: "communication"}, {Name: retention.Messaging}}}
}

func (w *world) handler() handler {
	return handler{withdrawer: purge.Withdrawer{Policy: classes(), List: &w.list, Records: table{w}}, tell: told{w}.Put, announce: w.Put, park: w.Park, log: slog.New(slog.NewJSONHandler(&w.logs, nil)), now: func() time.Time { return sunday }}
}

func (w *world) Put(_ context.Context, events ...eventbus.Event) error {
	if w.busErr == nil {
		w.sent, w.puts = append(w.sent, events...), append(w.puts, len(events))
	}
	return w.busErr
}

// told is the queue of the webhooks.
type told struct{ *world }

func (w told) Put(_ context.Context, _ time.Duration, all ...webhook.Delivery) error {
	if w.toldErr == nil {
		w.told = append(w.told, all...)
	}
	return w.toldErr
}

// ids are the ledger ids of the events that were sent.
func (w *world) ids() []string {
	var ids []string
	for _, e := range w.sent {
		ids = append(ids, e.Detail.(eventbus.ContactChanged).Ledger)
	}
	return ids
}

func (w *world) Park(_ context.Context, r deadletter.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = append(w.parked, r)
	return w.parkErr
}

// table is both class tables; a conversation's id begins with conv-.
type table struct{ *world }

func classOf(id string) string {
	if strings.HasPrefix(id, "conv-") {
		return "communication"
	}
	return retention.Messaging
}

func (t table) OfSubject(_ context.Context, class string, subject contact.Key) ([]string, error) {
	if subject == t.failing {
		return nil, errDown
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for id, r := range t.records {
		if class == classOf(id) && r.Subject == subject {
			ids = append(ids, id)
		}
	}
	return append(ids, "purged meanwhile"), nil
}

func (t table) Get(_ context.Context, _, id string) (retention.Stored, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unreadable[id] {
		return retention.Stored{}, retention.ErrUnreadable
	}
	if r := t.records[id]; r != nil {
		return *r, nil
	}
	return retention.Stored{}, retention.ErrNoRecord
}

func (t table) Withdraw(_ context.Context, _ string, record retention.Stored, at time.Time) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.races > 0 {
		t.races--
		return false, nil
	}
	t.records[record.ID].WithdrawnAt = at.Truncate(time.Second)
	t.withdrawn++
	return true, nil
}

func (w *world) keep(id string, subject contact.Key, in scope.Scope, occurredAt time.Time) {
	w.records[id] = &retention.Stored{Record: retention.Record{ID: id, Subject: subject, Scope: in, OccurredAt: occurredAt}}
}

func suppress(in scope.Scope, r suppression.Reason, at time.Time) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: in, Reason: r, At: at, Source: suppression.SourceLink}
}

// change changes the list and returns the ledger entry of the change.
func (w *world) change(t *testing.T, key contact.Key, c suppression.Change) ledger.Entry {
	t.Helper()
	outcome, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, c, sunday)
	if err != nil || outcome.Entry == nil {
		t.Fatalf("effect %q, error %v", outcome.Effect, err)
	}
	return *outcome.Entry
}

// batch is the event that Lambda delivers for these entries.
func batch(entries ...ledger.Entry) events.DynamoDBEvent {
	var b events.DynamoDBEvent
	text := events.NewStringAttribute
	for _, e := range entries {
		version := events.NewNumberAttribute(fmt.Sprint(e.Version))
		b.Records = append(b.Records, events.DynamoDBEventRecord{
			EventName: "INSERT", EventID: e.ID, EventSourceArn: "ledger-stream",
			Change: events.DynamoDBStreamRecord{
				SequenceNumber: e.ID,
				Keys:           map[string]events.DynamoDBAttributeValue{"key": text(string(e.Key)), "version": version},
				NewImage: map[string]events.DynamoDBAttributeValue{
					"key": text(string(e.Key)), "version": version, "id": text(e.ID), "channel": text(string(e.Channel)),
					"action": text(string(e.Action)), "scope": text(string(e.Scope)), "reason": text(e.Reason), "source": text(e.Source),
					"at": text(e.At.Format(time.RFC3339Nano)), "recordedAt": text(e.RecordedAt.Format(time.RFC3339Nano)),
				},
			},
		})
	}
	return b
}

// withdrawnRecords lists the withdrawn records with the time of withdrawal.
func (w *world) withdrawnRecords() map[string]time.Time {
	withdrawn := map[string]time.Time{}
	for id, r := range w.records {
		if !r.WithdrawnAt.IsZero() {
			withdrawn[id] = r.WithdrawnAt
		}
	}
	return withdrawn
}

func (w *world) expect(t *testing.T, want map[string]time.Time) {
	t.Helper()
	if diff := cmp.Diff(want, w.withdrawnRecords()); diff != "" {
		t.Errorf("withdrawn (-want +got):\n%s", diff)
	}
}

func TestOptOutWithdrawsOnlyRecordsInItsScope(t *testing.T) {
	second := optedOut.Truncate(time.Second)
	for _, test := range []struct {
		name   string
		change suppression.Change
		want   map[string]time.Time
	}{
		{"of the brand", suppress("acme", suppression.Unsubscribed, optedOut), map[string]time.Time{"brand": second, "topic": second}},
		{"of the topic", suppress("acme/newsletter", suppression.Unsubscribed, optedOut), map[string]time.Time{"topic": second}},
		{"of everything", suppress("*", suppression.Objection, optedOut), map[string]time.Time{"brand": second, "topic": second, "other brand": second}},
		{"a hard bounce", suppress("*", suppression.HardBounce, optedOut), map[string]time.Time{}},
		{"an import", suppress("acme", suppression.Imported, optedOut), map[string]time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			w.keep("brand", kari, "acme", consented)
			w.keep("topic", kari, "acme/newsletter", consented)
			w.keep("other brand", kari, "globex", consented)
			w.keep("consented again later", kari, "acme", optedOut.Add(time.Second))
			w.keep("the same person by SMS", kariBySMS, "acme", consented)
			w.keep("another person", ola, "acme", consented)
			if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, test.change))); err != nil {
				t.Fatal(err)
			}
			w.expect(t, test.want)
		})
	}
}

func TestAReleaseClearsTheWithdrawal(t *testing.T) {
	for name, c := range map[string]suppression.Change{
		"by newer consent":   {Action: suppression.Release, Scope: "acme", Reason: suppression.Unsubscribed, At: optedOut.Add(time.Hour), Source: suppression.SourceTool},
		"by the page's undo": {Action: suppression.Undo, Scope: "acme", Reason: suppression.Unsubscribed, At: optedOut.Add(time.Hour), Source: suppression.SourceLink},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.keep("sub-1", kari, "acme", consented)
			w.keep("withdrawn by its owner, later", kari, "acme", consented)
			later := optedOut.Add(2 * time.Hour)
			first := w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut))
			if err := apitest.Deliver(t, w.handler().handle, batch(first)); err != nil {
				t.Fatal(err)
			}
			w.records["withdrawn by its owner, later"].WithdrawnAt = later
			if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, c))); err != nil {
				t.Fatal(err)
			}
			w.expect(t, map[string]time.Time{"withdrawn by its owner, later": later})
		})
	}
}

func TestABounceLeavesTheOwnersWithdrawal(t *testing.T) {
	w := newWorld()
	w.keep("sub-1", kari, "acme", consented)
	w.records["sub-1"].WithdrawnAt = consented.Add(time.Hour)
	if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, suppress("*", suppression.HardBounce, optedOut)))); err != nil {
		t.Fatal(err)
	}
	w.expect(t, map[string]time.Time{"sub-1": consented.Add(time.Hour)})
}

func TestAReleaseElsewhereLeavesTheOwnersWithdrawal(t *testing.T) {
	for name, c := range map[string]suppression.Change{
		"in another brand":               {Scope: "globex", Reason: suppression.Unsubscribed},
		"in a topic of the record's":     {Scope: "acme/newsletter", Reason: suppression.Unsubscribed},
		"of a reason that withdraws not": {Scope: "acme", Reason: suppression.HardBounce},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.keep("sub-1", kari, "acme", consented)
			w.records["sub-1"].WithdrawnAt = consented.Add(time.Hour)
			out := w.change(t, kari, suppress(c.Scope, c.Reason, optedOut))
			c.Action, c.At, c.Source = suppression.Release, optedOut.Add(time.Hour), suppression.SourceTool
			if err := apitest.Deliver(t, w.handler().handle, batch(out, w.change(t, kari, c))); err != nil {
				t.Fatal(err)
			}
			w.expect(t, map[string]time.Time{"sub-1": consented.Add(time.Hour)})
		})
	}
}

func TestOneReasonLiftedLeavesTheOthersWithdrawal(t *testing.T) {
	w := newWorld()
	w.keep("sub-1", kari, "acme", consented)
	all := batch(
		w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)),
		w.change(t, kari, suppress("*", suppression.Objection, optedOut.Add(time.Hour))),
		w.change(t, kari, suppression.Change{Action: suppression.Undo, Scope: "acme", Reason: suppression.Unsubscribed, At: optedOut.Add(2 * time.Hour), Source: suppression.SourceLink}),
	)
	if err := apitest.Deliver(t, w.handler().handle, all); err != nil {
		t.Fatal(err)
	}
	if w.records["sub-1"].WithdrawnAt.IsZero() {
		t.Error("the record is not withdrawn any more")
	}
}

func TestRecordsUnderEveryKeyAreWithdrawn(t *testing.T) {
	second := optedOut.Truncate(time.Second)
	w := newWorld()
	w.list.Plant(suppression.Item{Key: kari, Channel: contact.Email, Former: []contact.Key{kariOnce}})
	w.keep("sub-1", kari, "acme", consented)
	w.keep("sub-2", kariOnce, "acme", consented)
	if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)))); err != nil {
		t.Fatal(err)
	}
	w.expect(t, map[string]time.Time{"sub-1": second, "sub-2": second})
	undo := suppression.Change{Action: suppression.Undo, Scope: "acme", Reason: suppression.Unsubscribed, At: optedOut.Add(time.Hour), Source: suppression.SourceLink}
	if err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, undo))); err != nil {
		t.Fatal(err)
	}
	w.expect(t, map[string]time.Time{})
}

func TestTakingOverWithdrawsRecordsAndSendsNoEvent(t *testing.T) {
	second := optedOut.Truncate(time.Second)
	w := newWorld()
	w.change(t, kariOnce, suppress("acme", suppression.Unsubscribed, optedOut))
	w.keep("stored under the newer key before that knew", kari, "acme", consented)
	both := contact.Known{Channel: contact.Email, Keys: []contact.Key{kari, kariOnce}}
	if _, err := w.list.Apply(t.Context(), both, suppress("acme", suppression.Unsubscribed, optedOut), sunday); err != nil {
		t.Fatal(err)
	}
	tie := w.list.Entries()[1]
	if err := apitest.Deliver(t, w.handler().handle, batch(tie)); err != nil {
		t.Fatal(err)
	}
	w.expect(t, map[string]time.Time{"stored under the newer key before that knew": second})
	if len(w.sent) != 0 || len(w.parked) != 0 {
		t.Errorf("%d events, %d parked", len(w.sent), len(w.parked))
	}
}

func TestABatchThatComesTwiceChangesNothingMore(t *testing.T) {
	w := newWorld()
	w.keep("sub-1", kari, "acme", consented)
	b := batch(w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut)))
	for range 2 {
		if err := apitest.Deliver(t, w.handler().handle, b); err != nil {
			t.Fatal(err)
		}
	}
	if w.withdrawn != 1 {
		t.Errorf("%d writes", w.withdrawn)
	}
}

func TestAChangedRecordIsReadAgain(t *testing.T) {
	for races, want := range map[int]error{4: nil, 5: apitest.ErrRetried} {
		w := newWorld()
		w.races = races
		w.keep("sub-1", kari, "acme", consented)
		err := apitest.Deliver(t, w.handler().handle, batch(w.change(t, kari, suppress("acme", suppression.Unsubscribed, optedOut))))
		if !errors.Is(err, want) || (w.withdrawn == 1) != (want == nil) {
			t.Errorf("%d races: error %v, %d writes", races, err, w.withdrawn)
		}
	}
}
