package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"stille/shared/aws/emf"
	"stille/shared/aws/sqsbatch"
	"stille/shared/feedback/hook"
	"stille/shared/link"
	"stille/shared/names"
	"stille/shared/webhook"
)

// batch is how many messages are taken at the same time: as many as a batch of
// the queue has.
const batch = 10

// keys unseal addresses.
type keys interface {
	Link(ctx context.Context) (*link.Keys, error)
	RefreshLink(ctx context.Context, arrived time.Time) (*link.Keys, error)
}

type handler struct {
	webhooks    func(ctx context.Context) (webhook.Registry, error)
	keys        keys
	first       func(ctx context.Context, id string, at, until, now time.Time) (time.Time, error) // which message of a delivery came first
	queue, dead func(ctx context.Context, after time.Duration, all ...webhook.Delivery) error
	post        func(ctx context.Context, url string, headers map[string]string, body []byte) error
	log         *slog.Logger
	now         func() time.Time
	jitter      func() float64

	resting *resting
	noted   *hook.Sightings
}

// order is a batch of the queue, or a trial of one webhook for an operator.
type order struct {
	events.SQSEvent
	webhook.TrialOrder
}

// errResting means that the receiver timed out a moment ago.
var errResting = errors.New("the receiver did not answer a moment ago, and is left alone for some seconds")

// handle takes an order. The messages of a batch are taken at the same time: a slow
// receiver holds up no other.
func (h handler) handle(ctx context.Context, o order) (any, error) {
	if o.Test != "" {
		return h.try(ctx, o.TrialOrder)
	}
	taken := sqsbatch.NewAnswer(h.log)
	group := errgroup.Group{}
	group.SetLimit(batch)
	for _, m := range o.Records {
		group.Go(func() error {
			_ = taken.Take(ctx, m.MessageId, func() error { return h.take(ctx, m.Body) }) // the answer holds it
			return nil
		})
	}
	_ = group.Wait() // no call returns an error
	return taken.Response(), nil
}

// take delivers a message. A delivery that fails is queued again, and is a dead
// letter after a day. After an error the message stays in its queue.
func (h handler) take(ctx context.Context, message string) error {
	d, err := webhook.Read(message)
	if err != nil {
		return err
	}
	log := h.log.With("webhook", d.Webhook, "type", d.Event.Type, "ledger", d.Event.Data.ID, "scope", string(d.Event.Data.Scope), "tries", d.Tries)
	why := h.carryOut(ctx, log, d)
	if why == nil {
		return nil
	}
	next, pause, again := d.Again(why, h.jitter(), h.now())
	if !again {
		log.ErrorContext(ctx, "a delivery failed for a day and is a dead letter", "error", why)
		return h.dead(ctx, 0, next)
	}
	log.WarnContext(ctx, "a delivery failed and is retried", "error", why, "pause", pause.String())
	return h.queue(ctx, pause, next)
}

// carryOut delivers to one webhook, or makes a delivery for each.
func (h handler) carryOut(ctx context.Context, log *slog.Logger, d webhook.Delivery) error {
	all, err := h.webhooks(ctx)
	if err != nil {
		return err
	}
	if d.Webhook == "" {
		return h.spread(ctx, all, d)
	}
	w, added := all.ByID(d.Webhook)
	if !added {
		log.InfoContext(ctx, "the webhook of a delivery was removed")
		return nil
	}
	if d.MayHaveAddress(w) {
		mine, err := h.isFirst(ctx, d)
		if err != nil || !mine {
			return err
		}
	}
	if err := h.deliver(ctx, w, d); err != nil {
		return err
	}
	now := h.now()
	ch := string(d.Event.Data.Channel)
	if d.Link {
		log.InfoContext(ctx, "delivered", "channel", ch, names.MetricClickToDelivered, now.Sub(d.Event.Data.At).Milliseconds(),
			emf.Timed(now, "channel", names.MetricClickToDelivered))
	} else {
		log.InfoContext(ctx, "delivered", "channel", ch)
	}
	return nil
}

// spread makes a delivery for every webhook that hears of the change. A repetition
// delivers twice, under one id.
func (h handler) spread(ctx context.Context, all webhook.Registry, d webhook.Delivery) error {
	for _, w := range all {
		if !w.Hears(d.Event.Data.Scope) {
			continue
		}
		d.Since, d.Tries = time.Time{}, 0
		to, pause := d.To(w)
		if err := h.queue(ctx, pause, to); err != nil {
			return err
		}
	}
	return nil
}

// remembered is how long the first message of a delivery is remembered: longer than
// a message is retried and kept.
const remembered = 14 * 24 * time.Hour

// isFirst tells whether this message of the delivery came first, and so is the one
// to deliver.
func (h handler) isFirst(ctx context.Context, d webhook.Delivery) (bool, error) {
	now := h.now()
	first, err := h.first(ctx, "webhook/"+d.Webhook+"/"+d.Event.Data.ID, d.Queued, now.Add(remembered), now)
	return err == nil && first.Equal(d.Queued), err
}

// deliver makes one call, unless the receiver rests.
func (h handler) deliver(ctx context.Context, w webhook.Webhook, d webhook.Delivery) error {
	if h.resting.has(d.Webhook, h.now()) {
		return errResting
	}
	address, err := h.address(ctx, w, d)
	if err != nil {
		return err
	}
	body := d.Body(address)
	err = h.post(ctx, w.URL, d.Headers(w, body, h.now()), body)
	if errors.Is(err, errTimeout) {
		h.resting.add(d.Webhook, h.now())
	}
	call := hook.Call{At: h.now()}
	if err != nil {
		call.Failure = err.Error()
	}
	h.noted.Note(ctx, h.log, "webhook/"+w.ID(), call)
	return err
}

// address unseals the address of a delivery that has one. An address that nobody
// can unseal any more is left out: the opt-out is worth more.
func (h handler) address(ctx context.Context, w webhook.Webhook, d webhook.Delivery) (string, error) {
	if d.Sealed == "" || !w.WithAddress {
		return "", nil
	}
	ring, err := h.keys.Link(ctx)
	if err != nil {
		return "", err
	}
	person, err := ring.Unseal(d.Sealed)
	if errors.Is(err, link.ErrUnknownKey) {
		if ring, err = h.keys.RefreshLink(ctx, h.now()); err != nil {
			return "", err
		}
		person, err = ring.Unseal(d.Sealed)
	}
	if err != nil {
		h.log.ErrorContext(ctx, "a sealed address cannot be read and is left out", "webhook", d.Webhook, "ledger", d.Event.Data.ID)
		return "", nil
	}
	return person.Address(), nil
}

// try delivers a trial at once and says what became of it.
func (h handler) try(ctx context.Context, o webhook.TrialOrder) (webhook.TrialAnswer, error) {
	all, err := h.webhooks(ctx)
	if err != nil {
		return webhook.TrialAnswer{}, err
	}
	w, added := all.ByID(o.Test)
	if !added {
		return webhook.TrialAnswer{Failure: "the webhook works within a minute of its adding: try again then"}, nil
	}
	d := webhook.Trial(w, o.ID, h.now())
	body := d.Body("")
	began := h.now()
	err = h.post(ctx, w.URL, d.Headers(w, body, began), body)
	answer := webhook.TrialAnswer{Milliseconds: h.now().Sub(began).Milliseconds()}
	if err != nil {
		answer.Failure = err.Error()
	}
	return answer, nil
}

// rest is how long a receiver that timed out is left alone: while a call waits for
// it, nothing else is delivered in its place.
const rest = 30 * time.Second

// resting knows which receivers timed out.
type resting struct {
	mu    sync.Mutex
	until map[string]time.Time // by the webhook's id
}

func (r *resting) add(id string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until[id] = now.Round(0).Add(rest) // by the wall clock: a frozen container's monotonic clock stands still
}

func (r *resting) has(id string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Round(0).Before(r.until[id])
}
