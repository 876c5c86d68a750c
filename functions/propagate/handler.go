package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
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
	Withdraw(ctx context.Context, class string, of retention.Stored, at time.Time) (bool, error)
}

// bus is where events go out.
type bus interface {
	Put(ctx context.Context, events ...eventbus.Event) error
}

// queue is where stream records go that cannot be taken.
type queue interface {
	Park(ctx context.Context, record deadletter.Record) error
}

// handler carries every change of the list on: to the records it withdraws, and
// out as an event. Both may happen twice. That a newer key of a contact took
// over what an older one knew is no event, but there may be records under the
// one key that only the other knew something of. Nor is an erasure that newer
// consent overtook, but the records it meant are withdrawn all the same.
type handler struct {
	policy  *retention.Policy
	list    list
	records records
	bus     bus
	parked  queue
	log     *slog.Logger
}

// ContactChanged is the detail of an event.
type contactChanged struct {
	Key     contact.Key     `json:"key"`
	Channel contact.Channel `json:"channel"`
	Scope   scope.Scope     `json:"scope"`
	Reason  string          `json:"reason"`
	At      time.Time       `json:"at"`
	Ledger  string          `json:"ledger"` // the entry's id
}

// handle takes a batch of the ledger's stream. An error means that the whole
// batch is to come again; an entry that cannot be read, or whose contact's item
// cannot, is parked, so that it does not hold up the others.
func (h handler) handle(ctx context.Context, batch events.DynamoDBEvent) error {
	for _, r := range batch.Records {
		if r.EventName != string(events.DynamoDBOperationTypeInsert) {
			continue
		}
		entry, err := dynamo.LedgerEntry(r.Change.NewImage)
		if err == nil {
			err = h.carryOn(ctx, entry)
		}
		if errors.Is(err, dynamo.ErrUnreadable) {
			h.log.ErrorContext(ctx, "parked a ledger entry", "error", err)
			err = h.parked.Park(ctx, deadletter.Of(r, err))
		}
		if err != nil {
			return fmt.Errorf("carrying on ledger entry %s: %w", entry.ID, err)
		}
	}
	return nil
}

func (h handler) carryOn(ctx context.Context, e ledger.Entry) error {
	kind := detailType(e.Action)
	if kind == "" && e.Action != ledger.Rekeyed && !isErasure(e) {
		return nil
	}
	if err := h.withdraw(ctx, e); err != nil || kind == "" {
		return err
	}
	return h.bus.Put(ctx, eventbus.Event{Type: kind, At: e.RecordedAt, Detail: contactChanged{
		Key: e.Key, Channel: e.Channel, Scope: e.Scope, Reason: e.Reason, At: e.At, Ledger: e.ID,
	}})
}

func detailType(a ledger.Action) string {
	switch a {
	case ledger.Suppressed:
		return names.ContactSuppressed
	case ledger.Released:
		return names.ContactReleased
	}
	return ""
}

func isErasure(e ledger.Entry) bool { return suppression.Reason(e.Reason) == suppression.Erasure }

// withdraw brings the contact's records in line with the list, whichever of its
// keys they name it by.
func (h handler) withdraw(ctx context.Context, e ledger.Entry) error {
	item, err := h.list.Get(ctx, []contact.Key{e.Key})
	if err != nil {
		return err
	}
	for _, class := range h.policy.Classes {
		// All that anything but an erasure withdraws is messaging data.
		if class.Name != retention.Messaging && !isErasure(e) && e.Action != ledger.Rekeyed {
			continue
		}
		if err := h.withdrawIn(ctx, class.Name, item, e); err != nil {
			return err
		}
	}
	return nil
}

func (h handler) withdrawIn(ctx context.Context, class string, item suppression.Item, e ledger.Entry) error {
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
	return nil
}

// tries is how often a record is looked at again that others change.
const tries = 5

func (h handler) withdrawOne(ctx context.Context, class, id string, item suppression.Item, e ledger.Entry) error {
	for range tries {
		record, err := h.records.Get(ctx, class, id)
		if errors.Is(err, retention.ErrNoRecord) {
			return nil
		}
		if errors.Is(err, retention.ErrUnreadable) {
			// It is never due. stamp has parked it, and marks it once it is mended.
			h.log.ErrorContext(ctx, "a record cannot be read and is not withdrawn", "ledger", e.ID)
			return nil
		}
		if err != nil {
			return err
		}
		at := suppression.WithdrawnAt(item, class, record.Scope, record.OccurredAt)
		if !moves(record, at, class, e) {
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

// moves tells whether a record's withdrawal is to become the one the list
// gives (zero: none). An opt-out only makes it earlier. A release clears what
// it covers and lies before it, and leaves any other withdrawal alone: its
// owner may have written that. That of an erasure clears nothing.
func moves(record retention.Stored, given time.Time, class string, e ledger.Entry) bool {
	current := record.WithdrawnAt
	if given.IsZero() {
		lifted := e.Action == ledger.Released && !isErasure(e) && e.Scope.Covers(record.Scope) && suppression.Reason(e.Reason).Withdraws(class)
		return lifted && !current.IsZero() && !current.After(e.At)
	}
	return current.IsZero() || retention.Sort(given) < retention.Sort(current)
}
