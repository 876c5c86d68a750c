package webhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/webhook"
)

// town is a registry and a queue in memory.
type town struct {
	all              webhook.Registry
	queued           []webhook.Delivery
	regErr, queueErr error
}

func (w *town) Registry(context.Context) (webhook.Registry, error) { return w.all, w.regErr }

func (w *town) Put(_ context.Context, pause time.Duration, all ...webhook.Delivery) error {
	if w.queueErr == nil && pause == 0 {
		w.queued = append(w.queued, all...)
	}
	return w.queueErr
}

func TestAClickIsToldWithTheSealedAddress(t *testing.T) {
	h := apitest.New(t)
	kari, err := contact.Normalise(contact.Email, "kari@example.no", "")
	if err != nil {
		t.Fatal(err)
	}
	with := added("acme/newsletter", "s")
	with.WithAddress = true
	other := with
	other.Scope = "globex"
	w := &town{all: webhook.Registry{added("acme", "s"), with, other}}
	clicks := webhook.Clicks{Webhooks: w.Registry, Keys: h.Link, Queue: w.Put, Now: func() time.Time { return now }}
	noted := entry()
	noted.Action = ledger.Noted
	tool := entry()
	tool.Source = "tool"
	for _, e := range []ledger.Entry{noted, tool, entry()} {
		if err := clicks.Tell(t.Context(), kari, e); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.queued) != 1 || w.queued[0].Webhook != with.ID() || strings.Contains(w.queued[0].Sealed, "kari") {
		t.Fatalf("queued %+v", w.queued)
	}
	if got, err := h.Links.Unseal(w.queued[0].Sealed); err != nil || got.Address() != kari.Address() {
		t.Errorf("error %v", err)
	}
	for _, spoil := range []func(){func() { w.queueErr = errors.New("down") }, func() { h.KeysErr = errors.New("down") }, func() { w.regErr = errors.New("down") }} {
		spoil()
		if err := clicks.Tell(t.Context(), kari, entry()); err == nil {
			t.Error("nobody is told, and nobody hears of it")
		}
	}
}
