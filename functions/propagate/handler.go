package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/streambatch"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// list is the suppression list, read strongly.
type list interface {
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
}

// records are the class tables, as far as a withdrawal touches them.
type records interface {
	OfSubject(ctx context.Context, class string, subject contact.Key) ([]string, error)
	Get(ctx context.Context, class, id string) (retention.Stored, error)
	Withdraw(ctx context.Context, class string, record retention.Stored, at time.Time) (bool, error)
}

// bus is where events go out.
type bus interface {
	Put(ctx context.Context, events ...eventbus.Event) error
}

// queue is where unreadable stream records go.
type queue interface {
	Park(ctx context.Context, record deadletter.Record) error
}

// handler propagates every change of the list: it withdraws records and sends
// an event. Both may happen twice for one change.
type handler struct {
	policy  *retention.Policy
	list    list
	records records
	bus     bus
	parked  queue
	log     *slog.Logger
}

// contactChanged is the detail of an event.
type contactChanged struct {
	Key     contact.Key     `json:"key"`
	Channel contact.Channel `json:"channel"`
	Scope   scope.Scope     `json:"scope"`
	Reason  string          `json:"reason"`
	At      time.Time       `json:"at"`
	Ledger  string          `json:"ledger"` // the entry's id
}

// handle takes a batch of the ledger's stream: it withdraws first, contact by
// contact, and sends the events of the batch afterwards. An entry that fails is
// delivered again with the entries behind it. An entry is parked if the entry or
// the item of its contact cannot be read, or if the bus does not take its event,
// so that the entry does not block the others.
func (h handler) handle(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	var mu sync.Mutex
	announced := map[string]eventbus.Event{} // sequence number -> event
	answer := streambatch.Take(ctx, h.log, batch.Records, names.AttrKey, func(ctx context.Context, r events.DynamoDBEventRecord) error {
		if r.EventName != string(events.DynamoDBOperationTypeInsert) {
			return nil
		}
		entry, err := dynamo.LedgerEntry(r.Change.NewImage)
		if err == nil {
			err = h.withdraw(ctx, entry)
		}
		if errors.Is(err, dynamo.ErrUnreadable) {
			h.log.ErrorContext(ctx, "parked a ledger entry", "error", err)
			return h.parked.Park(ctx, deadletter.Of(r, err))
		}
		if err != nil {
			return fmt.Errorf("propagating ledger entry %s: %w", entry.ID, err)
		}
		if suppression.Announced(entry) {
			mu.Lock()
			defer mu.Unlock()
			announced[r.Change.SequenceNumber] = announcement(entry)
		}
		return nil
	})
	return h.announce(ctx, batch.Records, answer, announced), nil
}

// announce sends the events of the entries before the first failure, in their
// order: the entries behind it are delivered again. The entries of events that
// the bus does not take are parked; an entry that cannot be parked fails.
func (h handler) announce(ctx context.Context, batch []events.DynamoDBEventRecord, answer events.DynamoDBEventResponse, announced map[string]eventbus.Event) events.DynamoDBEventResponse {
	if len(answer.BatchItemFailures) > 0 {
		first := slices.IndexFunc(batch, func(r events.DynamoDBEventRecord) bool {
			return r.Change.SequenceNumber == answer.BatchItemFailures[0].ItemIdentifier
		})
		batch = batch[:first]
	}
	batch = slices.DeleteFunc(slices.Clone(batch), func(r events.DynamoDBEventRecord) bool {
		_, ok := announced[r.Change.SequenceNumber]
		return !ok
	})
	for chunk := range slices.Chunk(batch, eventbus.AtOnce) {
		var out []eventbus.Event
		for _, r := range chunk {
			out = append(out, announced[r.Change.SequenceNumber])
		}
		err := h.bus.Put(ctx, out...)
		if err == nil {
			continue
		}
		h.log.ErrorContext(ctx, "parked the entries of events that the bus did not take", "error", err)
		for _, r := range chunk {
			if err := h.parked.Park(ctx, deadletter.Of(r, err)); err != nil {
				h.log.ErrorContext(ctx, "a ledger entry was not parked and is retried", "error", err)
				failure := events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber}
				answer.BatchItemFailures = append(answer.BatchItemFailures, failure)
				return answer
			}
		}
	}
	return answer
}

// announcement is the event about an entry.
func announcement(e ledger.Entry) eventbus.Event {
	return eventbus.Event{Type: detailType(e.Action), At: e.RecordedAt, Detail: contactChanged{
		Key: e.Key, Channel: e.Channel, Scope: e.Scope, Reason: e.Reason, At: e.At, Ledger: e.ID,
	}}
}

func detailType(a ledger.Action) string {
	if a == ledger.Released {
		return names.ContactReleased
	}
	return names.ContactSuppressed
}

// withdraw brings the contact's records in line with the list, under every key
// by which records may name the contact.
func (h handler) withdraw(ctx context.Context, e ledger.Entry) error {
	var classes []string
	for _, class := range h.policy.Classes {
		if suppression.Touches(e, class.Name) {
			classes = append(classes, class.Name)
		}
	}
	if len(classes) == 0 {
		return nil
	}
	item, err := h.list.Get(ctx, []contact.Key{e.Key})
	if err != nil {
		return err
	}
	for _, class := range classes {
		for _, subject := range append([]contact.Key{e.Key}, item.Former...) {
			ids, err := h.records.OfSubject(ctx, class, subject)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := h.withdrawOne(ctx, class, id, item, e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tries is how often a record is read again after another writer changed it.
const tries = 5

func (h handler) withdrawOne(ctx context.Context, class, id string, item suppression.Item, e ledger.Entry) error {
	for range tries {
		record, err := h.records.Get(ctx, class, id)
		if errors.Is(err, retention.ErrNoRecord) {
			return nil
		}
		if errors.Is(err, retention.ErrUnreadable) {
			// An unreadable record is never due. stamp has parked the record,
			// and withdraws the record once it is mended.
			h.log.ErrorContext(ctx, "a record cannot be read and is not withdrawn", "ledger", e.ID)
			return nil
		}
		if err != nil {
			return err
		}
		at, moves := suppression.Withdrawal(item, e, suppression.Kept{
			Class: class, Scope: record.Scope, OccurredAt: record.ErasableAt(), WithdrawnAt: record.WithdrawnAt,
		})
		if !moves {
			return nil
		}
		done, err := h.records.Withdraw(ctx, class, record, at)
		if errors.Is(err, retention.ErrUnwritable) {
			h.log.ErrorContext(ctx, "a record has no room for its withdrawal", "ledger", e.ID)
			return nil
		}
		if done || err != nil {
			return err
		}
	}
	return retention.ErrContended
}
