package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"stille/shared/feedback/hook"
	"stille/shared/scope"
	"stille/shared/webhook"
)

// Webhooks is the registry of the addresses that are told of opt-outs.
type Webhooks interface {
	Registry[webhook.Webhook]
	// Try has the stack deliver an event that changes nothing.
	Try(ctx context.Context, o webhook.TrialOrder) (webhook.TrialAnswer, error)
	// Lookup returns the addresses of a host.
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// WebhookSecret is what the operator gives to the receiver. It is shown once.
type WebhookSecret struct {
	URL         string      `json:"url"`
	Scope       scope.Scope `json:"scope"`
	WithAddress bool        `json:"withAddress"`
	Secret      string      `json:"secret"`
}

// WebhookList is every webhook.
type WebhookList struct {
	Webhooks []WebhookState `json:"webhooks"`
}

// WebhookState is a webhook without its secrets.
type WebhookState struct {
	ID          string      `json:"id"` // as the log of deliver names the webhook
	URL         string      `json:"url"`
	Scope       scope.Scope `json:"scope"`
	WithAddress bool        `json:"withAddress"`
	AddedAt     time.Time   `json:"addedAt"`
	FormerUntil time.Time   `json:"formerSecretUntil,omitzero"` // until when the secret before signs as well
	Last        hook.Call   `json:"last,omitzero"`              // the last attempt to tell it of a change
}

func newWebhookState(w webhook.Webhook) WebhookState {
	return WebhookState{ID: w.ID(), URL: w.URL, Scope: w.Scope, WithAddress: w.WithAddress, AddedAt: w.AddedAt}
}

// WebhookTrial is what became of a trial.
type WebhookTrial struct {
	URL          string `json:"url"`
	Milliseconds int64  `json:"milliseconds"`
}

// AddWebhook has every change that touches the scope told to the URL, and returns
// the new secret that signs. A secret that is replaced signs for hook.Overlap
// longer, or no longer if only is true.
func (o *Operator) AddWebhook(ctx context.Context, address, in string, withAddress, only bool) (*WebhookSecret, error) {
	at, err := o.scopeOrOnly(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := o.checkWebhook(ctx, address); err != nil {
		return nil, err
	}
	added := webhook.Webhook{URL: address, Scope: at, WithAddress: withAddress, AddedAt: o.Now().UTC(), Credential: hook.Credential{Secret: webhook.NewSecret()}}
	if err := addEntry(ctx, o.Webhooks, added, only, o.Now()); err != nil {
		return nil, err
	}
	return &WebhookSecret{address, at, withAddress, added.Secret}, nil
}

// checkWebhook looks at the URL and at where its host leads now. The function that
// delivers looks again at every call.
func (o *Operator) checkWebhook(ctx context.Context, address string) error {
	if err := webhook.CheckURL(address, o.Local); err != nil {
		return Mistakef("the URL cannot be used: %v", err)
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return Mistakef("the URL cannot be used: it cannot be read")
	}
	found, err := o.Webhooks.Lookup(ctx, parsed.Hostname())
	if err != nil || len(found) == 0 {
		return Mistakef("the host of the URL is not known: is it spelled right?")
	}
	for _, ip := range found {
		if !webhook.MayReach(ip, o.Local) {
			return Mistakef("the URL cannot be used: %v", webhook.ErrPrivate)
		}
	}
	return nil
}

// ListWebhooks lists the webhooks.
func (o *Operator) ListWebhooks(ctx context.Context) (*WebhookList, error) {
	all, err := o.Webhooks.Registry(ctx)
	if err != nil {
		return nil, err
	}
	list := &WebhookList{Webhooks: []WebhookState{}}
	for _, w := range all {
		state := newWebhookState(w)
		if len(w.Secrets(o.Now())) > 1 {
			state.FormerUntil = w.FormerUntil
		}
		if state.Last, err = o.LastCall(ctx, "webhook/"+w.ID()); err != nil {
			return nil, err
		}
		list.Webhooks = append(list.Webhooks, state)
	}
	return list, nil
}

// RemoveWebhook ends a webhook: what waits for it is not delivered.
func (o *Operator) RemoveWebhook(ctx context.Context, address, in string) (*WebhookState, error) {
	all, one, err := o.webhook(ctx, address, in)
	if err != nil {
		return nil, err
	}
	if err := o.Webhooks.Replace(ctx, all.Remove(one.ID())); err != nil {
		return nil, err
	}
	gone := newWebhookState(one)
	return &gone, nil
}

// TestWebhook has the stack deliver an event of the type webhook.test now. Its error
// says why the receiver did not take the event.
func (o *Operator) TestWebhook(ctx context.Context, address, in string) (*WebhookTrial, error) {
	_, one, err := o.webhook(ctx, address, in)
	if err != nil {
		return nil, err
	}
	answer, err := o.Webhooks.Try(ctx, webhook.TrialOrder{Test: one.ID(), ID: "test-" + rand.Text()})
	if err != nil {
		return nil, err
	}
	if answer.Failure != "" {
		return nil, fmt.Errorf("not delivered: %s", answer.Failure)
	}
	return &WebhookTrial{one.URL, answer.Milliseconds}, nil
}

// webhook returns the registry and its webhook of a URL. The scope may be left out
// where the URL has one webhook.
func (o *Operator) webhook(ctx context.Context, address, in string) (webhook.Registry, webhook.Webhook, error) {
	all, err := o.Webhooks.Registry(ctx)
	if err != nil {
		return nil, webhook.Webhook{}, err
	}
	found := webhook.Find(all, address, scope.Scope(in))
	switch len(found) {
	case 0:
		return nil, webhook.Webhook{}, errors.New("there is no webhook of this URL; `stille webhook list` shows all")
	case 1:
		return all, found[0], nil
	}
	return nil, webhook.Webhook{}, Mistakef("the URL has %d webhooks: say --scope; `stille webhook list` shows all", len(found))
}
