package deployment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"stille/shared/aws/hooks"
	"stille/shared/aws/sqsqueue"
	"stille/shared/feedback/hook"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/webhook"
)

// Webhooks is the registry of the webhooks, and the function that tries one.
type Webhooks struct {
	hooks.Store[webhook.Registry]
	Lambda Lambda
	Stack  names.Stack
}

// Try has the function deliver a trial.
func (w Webhooks) Try(ctx context.Context, o webhook.TrialOrder) (webhook.TrialAnswer, error) {
	return call[webhook.TrialAnswer](ctx, w.Lambda, w.Stack.Function(names.Deliver), o)
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

// hookPatience is how long a hook may take to answer.
const hookPatience = 30 * time.Second

// CallHook calls a hook as a provider does, and follows no redirect. Its error holds
// no address, because a secret may be part of the address.
func CallHook(ctx context.Context, call hook.Sample) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return 0, errors.New("the hook's address cannot be called")
	}
	req.Header.Set("Content-Type", "application/json")
	if call.Form {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range call.Header {
		req.Header.Set(name, value)
	}
	client := http.Client{Timeout: hookPatience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if err != nil {
		return 0, fmt.Errorf("calling the hook: %w", err)
	}
	return answer.StatusCode, answer.Body.Close()
}
