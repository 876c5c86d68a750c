// Package eventbus puts events on the event bus. It promises that Put either
// delivers every event or returns an error. An event may be delivered twice. An
// event carries keys and counts, never an address.
package eventbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/scope"
)

// ErrRefused means that the bus did not take every event. The caller must put
// all of them again.
var ErrRefused = errors.New("the bus did not take every event")

// AtOnce is how many events EventBridge takes in one request.
const AtOnce = 10

// Event is one event. Type is a detail type of package names.
type Event struct {
	Type   string
	At     time.Time
	Detail any // marshals to a JSON object
}

// ContactChanged is the detail of an event about a contact.
type ContactChanged struct {
	Key     contact.Key     `json:"key"`
	Channel contact.Channel `json:"channel"`
	Scope   scope.Scope     `json:"scope"`
	Reason  string          `json:"reason"`
	At      time.Time       `json:"at"`
	Ledger  string          `json:"ledger"` // the entry's id, the same in a repetition of the event
}

// Announcement is the event about an entry of the ledger.
func Announcement(e ledger.Entry) Event {
	detailType := names.ContactSuppressed
	if e.Action == ledger.Released {
		detailType = names.ContactReleased
	}
	return Event{Type: detailType, At: e.RecordedAt, Detail: ContactChanged{
		Key: e.Key, Channel: e.Channel, Scope: e.Scope, Reason: e.Reason, At: e.At, Ledger: e.ID,
	}}
}

// Announce delivers the events about entries.
func (b *Bus) Announce(ctx context.Context, entries []ledger.Entry) error {
	events := make([]Event, len(entries))
	for i, e := range entries {
		events[i] = Announcement(e)
	}
	return b.Put(ctx, events...)
}

// Client is the part of EventBridge that Bus needs.
type Client interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Bus is an event bus.
type Bus struct {
	client Client
	name   string
}

// NewBus returns the bus of a stack.
func NewBus(client Client, stack names.Stack) *Bus {
	return &Bus{client: client, name: stack.Bus()}
}

// Put delivers the events. After an error, any of them may have been delivered.
func (b *Bus) Put(ctx context.Context, events ...Event) error {
	entries := make([]types.PutEventsRequestEntry, len(events))
	for i, e := range events {
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return fmt.Errorf("writing an event: %w", err)
		}
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: &b.name, Source: aws.String(names.Source), DetailType: &e.Type,
			Time: aws.Time(e.At), Detail: aws.String(string(detail)),
		}
	}
	for chunk := range slices.Chunk(entries, AtOnce) {
		out, err := b.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: chunk})
		if err != nil {
			return fmt.Errorf("putting events on the bus: %w", err)
		}
		if out.FailedEntryCount > 0 {
			return ErrRefused
		}
	}
	return nil
}
