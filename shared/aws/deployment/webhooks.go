package deployment

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"stille/shared/aws/hooks"
	"stille/shared/aws/invoke"
	"stille/shared/aws/sqsqueue"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/webhook"
)

// Webhooks is the registry of the webhooks, and the function that tries one.
type Webhooks struct {
	hooks.Store[webhook.Registry]
	Lambda invoke.Lambda
	Stack  names.Stack
}

// Try has the function deliver a trial.
func (w Webhooks) Try(ctx context.Context, o webhook.TrialOrder) (webhook.TrialAnswer, error) {
	return invoke.Call[webhook.TrialAnswer](ctx, w.Lambda, w.Stack.Function(names.Deliver), o)
}

// Lookup returns the addresses of a host, as the machine at hand knows it.
func (Webhooks) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// Announcer tells the bus and the webhooks' queue of entries of the ledger, as
// propagate does.
type Announcer struct {
	Bus    func(ctx context.Context, entries []ledger.Entry) error
	Queues Queues
	Client sqsqueue.BatchClient
	Now    func() time.Time

	url string // of the queue, once it was looked for
}

// errNoQueue means that the deployed stack is older than the webhooks.
var errNoQueue = errors.New("the stack has no queue of webhooks: deploy it again")

// Announce tells both. After an error, any entry may have been told.
func (a *Announcer) Announce(ctx context.Context, entries []ledger.Entry) error {
	if a.url == "" {
		all, err := a.Queues.All(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(q operator.Queue) bool { return q.Name == names.QueueWebhooks })
		if at < 0 {
			return errNoQueue
		}
		a.url = all[at].URL
	}
	told := make([]webhook.Delivery, len(entries))
	for i, e := range entries {
		told[i] = webhook.Of(e, a.Now())
	}
	if err := sqsqueue.NewWebhooks(a.Client, a.url).Put(ctx, 0, told...); err != nil {
		return err
	}
	return a.Bus(ctx, entries)
}
