package webhook

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Types of events.
const (
	Suppressed = "contact.suppressed"
	Released   = "contact.released"
	Test       = "webhook.test" // by `stille webhook test`
)

// ErrMalformed means that a message is not a delivery.
var ErrMalformed = errors.New("the message is not a delivery")

// Event is what a receiver reads.
type Event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when the change was written down
	Data      Data      `json:"data"`
}

// Data is one change of one contact. Version rises with each change of the
// contact. For each key, scope and reason a receiver must keep the higher version.
type Data struct {
	ID      string          `json:"id"` // of the ledger's entry
	Key     contact.Key     `json:"key"`
	Channel contact.Channel `json:"channel"`
	Scope   scope.Scope     `json:"scope"`
	Reason  string          `json:"reason"`
	At      time.Time       `json:"at"` // when the person said so
	Version int64           `json:"version"`
	Address string          `json:"address,omitempty"`
}

// Delivery is a message in the queue: an event for one webhook or, without a
// webhook, for every webhook that hears of its scope.
type Delivery struct {
	Webhook string `json:"webhook,omitempty"` // its id
	Event   Event  `json:"event"`             // without the address
	Link    bool   `json:"link,omitempty"`    // the change came through a link
	Sealed  string `json:"sealed,omitempty"`  // the address
	// Queued is when the message was made. It tells the message with the address
	// and the message without it apart.
	Queued time.Time `json:"queued"`
	Since  time.Time `json:"since,omitzero"` // the first attempt that failed
	Tries  int       `json:"tries,omitempty"`
	Reason string    `json:"reason,omitempty"` // of a dead letter: what failed last
}

// Of is the delivery of a ledger's entry.
func Of(e ledger.Entry, now time.Time) Delivery {
	event := Event{Type: Suppressed, Timestamp: e.RecordedAt.UTC(), Data: Data{
		ID: e.ID, Key: e.Key, Channel: e.Channel, Scope: e.Scope, Reason: e.Reason, At: e.At.UTC(), Version: e.Version,
	}}
	if e.Action == ledger.Released {
		event.Type = Released
	}
	return Delivery{Event: event, Link: suppression.Source(e.Source).FromLink(), Queued: now.UTC()}
}

// Trial is a delivery that changes nothing.
func Trial(w Webhook, id string, now time.Time) Delivery {
	return Delivery{Webhook: w.ID(), Queued: now.UTC(), Event: Event{Type: Test, Timestamp: now.UTC(), Data: Data{ID: id, Scope: w.Scope, At: now.UTC()}}}
}

// Read reads a message. Its error is ErrMalformed.
func Read(message string) (Delivery, error) {
	var d Delivery
	if err := json.Unmarshal([]byte(message), &d); err != nil || d.Event.Type == "" || d.Event.Data.ID == "" || d.Queued.IsZero() {
		return Delivery{}, ErrMalformed
	}
	return d, nil
}

// To is the delivery to one webhook, and how long it waits. Where a delivery with
// the address of a click may still come, the delivery without the address waits.
func (d Delivery) To(w Webhook) (Delivery, time.Duration) {
	d.Webhook = w.ID()
	if d.MayHaveAddress(w) && d.Sealed == "" {
		return d, addressPatience
	}
	return d, 0
}

// addressPatience is how long a delivery without the address waits for the
// delivery with it, which the function behind the link queues within a second.
const addressPatience = time.Minute

// MayHaveAddress tells whether two messages may exist for the delivery: with the
// address, and without it. One of them must be delivered.
func (d Delivery) MayHaveAddress(w Webhook) bool { return d.Link && w.WithAddress }

// Body is what the receiver gets. It is the same in every attempt.
func (d Delivery) Body(address string) []byte {
	event := d.Event
	event.Data.Address = address
	body, _ := json.Marshal(event) // strings, numbers and times of four-digit years always marshal
	return body
}

// Headers sign a body with every secret of the webhook that is valid now.
func (d Delivery) Headers(w Webhook, body []byte, now time.Time) map[string]string {
	stamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, secret := range w.Secrets(now) {
		signatures = append(signatures, hook.StandardSignature(secret, d.Event.Data.ID, stamp, body))
	}
	return map[string]string{
		"Content-Type": "application/json", "User-Agent": "stille-webhook/1",
		"Webhook-Id": d.Event.Data.ID, "Webhook-Timestamp": stamp, "Webhook-Signature": strings.Join(signatures, " "),
	}
}

const (
	// patience is how long a delivery is tried.
	patience = 24 * time.Hour
	// firstPause doubles from attempt to attempt, up to longestPause, which is the
	// longest that SQS holds a message back.
	firstPause   = 5 * time.Second
	longestPause = 15 * time.Minute
)

// Again is the delivery after an attempt that failed, and the pause before the
// next. After a day there is no next attempt: then the delivery is a dead letter,
// whose retry has a day again. The jitter is a number from 0 up to 1.
func (d Delivery) Again(why error, jitter float64, now time.Time) (next Delivery, pause time.Duration, again bool) {
	if d.Since.IsZero() {
		d.Since = now.UTC()
	}
	if now.Sub(d.Since) >= patience {
		d.Since, d.Tries, d.Reason = time.Time{}, 0, why.Error()
		return d, 0, false
	}
	pause = min(firstPause<<min(d.Tries, 10), longestPause)
	d.Tries++
	d.Reason = ""
	return d, pause/2 + time.Duration(jitter*float64(pause/2)), true
}

// TrialOrder has the function deliver send an event that changes nothing.
type TrialOrder struct {
	Test string `json:"test"` // the webhook's id
	ID   string `json:"id"`   // the event's id
}

// TrialAnswer is what became of it. Without a failure the receiver took it.
type TrialAnswer struct {
	Failure      string `json:"failure,omitempty"`
	Milliseconds int64  `json:"milliseconds"`
}
