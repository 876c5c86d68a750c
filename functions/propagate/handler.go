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
	"stille/shared/aws/emf"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/streambatch"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/suppression"
	"stille/shared/webhook"
)

// handler propagates every change of the list: it withdraws records, queues what
// webhooks are told, and sends an event. Each may happen twice for one change.
type handler struct {
	withdrawer purge.Withdrawer
	tell       func(ctx context.Context, pause time.Duration, all ...webhook.Delivery) error // queues what webhooks are told
	announce   func(ctx context.Context, events ...eventbus.Event) error                     // sends events
	park       func(ctx context.Context, record deadletter.Record) error                     // keeps unreadable stream records
	log        *slog.Logger
	now        func() time.Time
}

// handle takes a batch of the ledger's stream: it withdraws first, contact by
// contact, and sends the events of the batch afterwards. An entry that fails is
// delivered again with the entries behind it. An entry is parked if the entry or
// the item of its contact cannot be read, or if the bus does not take its event,
// so that the entry does not block the others.
func (h handler) handle(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	var mu sync.Mutex
	announced := map[string]ledger.Entry{} // by sequence number
	var propagated []ledger.Entry
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
			return h.park(ctx, deadletter.Of(r, err))
		}
		if err != nil {
			return fmt.Errorf("propagating ledger entry %s: %w", entry.ID, err)
		}
		mu.Lock()
		defer mu.Unlock()
		propagated = append(propagated, entry)
		if suppression.Announced(entry) {
			announced[r.Change.SequenceNumber] = entry
		}
		return nil
	})
	h.count(ctx, propagated)
	return h.announceAll(ctx, batch.Records, answer, announced), nil
}

// announceAll tells webhooks and the bus of the entries before the first failure, in
// their order: the entries behind it are delivered again. The entries of events
// that the bus does not take are parked. An entry that cannot be parked fails, and
// so does an entry that the queue of the webhooks does not take.
func (h handler) announceAll(ctx context.Context, batch []events.DynamoDBEventRecord, answer events.DynamoDBEventResponse, announced map[string]ledger.Entry) events.DynamoDBEventResponse {
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
		var told []webhook.Delivery
		for _, r := range chunk {
			entry := announced[r.Change.SequenceNumber]
			out, told = append(out, eventbus.Announcement(entry)), append(told, webhook.Of(entry, h.now()))
		}
		if err := h.tell(ctx, 0, told...); err != nil {
			h.log.ErrorContext(ctx, "webhooks are not told, and the entries are retried", "error", err)
			return failedFrom(answer, chunk[0])
		}
		err := h.announce(ctx, out...)
		if err == nil {
			continue
		}
		h.log.ErrorContext(ctx, "parked the entries of events that the bus did not take", "error", err)
		for _, r := range chunk {
			if err := h.park(ctx, deadletter.Of(r, err)); err != nil {
				h.log.ErrorContext(ctx, "a ledger entry was not parked and is retried", "error", err)
				return failedFrom(answer, r)
			}
		}
	}
	return answer
}

// failedFrom is the answer with one more record that is delivered again.
func failedFrom(answer events.DynamoDBEventResponse, r events.DynamoDBEventRecord) events.DynamoDBEventResponse {
	answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
	return answer
}

func (h handler) withdraw(ctx context.Context, e ledger.Entry) error {
	_, faults, err := h.withdrawer.Withdraw(ctx, e)
	for _, fault := range faults {
		h.log.ErrorContext(ctx, fault.Error(), "ledger", e.ID)
	}
	return err
}

// count logs where the opt-outs of a batch came from, and how long a click waited in
// the outage queue: the function behind the links times a click that waits for
// nothing. CloudWatch makes the metrics of the dashboard from the lines. An entry that
// is delivered again is counted again.
func (h handler) count(ctx context.Context, entries []ledger.Entry) {
	at := h.now()
	sources, clicks := map[string]int{}, map[string]time.Duration{}
	for _, e := range entries {
		if e.Action != ledger.Suppressed {
			continue
		}
		source := suppression.Source(e.Source)
		sources[string(e.Channel)+" "+string(source.Kind())]++
		if waited := e.RecordedAt.Sub(e.At); source.FromLink() && waited > 0 {
			clicks[string(e.Channel)] = max(clicks[string(e.Channel)], waited)
		}
	}
	for from, n := range sources {
		h.log.InfoContext(ctx, "opt-outs", names.MetricFrom, from, names.MetricOptOuts, n, emf.Embedded(at, names.MetricFrom, names.MetricOptOuts))
	}
	for channel, slowest := range clicks {
		h.log.InfoContext(ctx, "the slowest click of a batch", names.MetricChannel, channel, names.MetricClickToEnforced, slowest.Milliseconds(),
			emf.Timed(at, names.MetricChannel, names.MetricClickToEnforced))
	}
}
