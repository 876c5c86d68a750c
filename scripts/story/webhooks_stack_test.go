//go:build stack

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/feedback/hook"
	"stille/shared/operator"
	"stille/shared/webhook"
)

// receiver is another system that is told of opt-outs.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	secrets []string // each must have signed
	fails   int      // how many calls of each id it fails
	calls   []string // the ids of all calls
	taken   []webhook.Event
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	header := map[string]string{}
	for name := range req.Header {
		header[strings.ToLower(name)] = req.Header.Get(name)
	}
	standard, _ := hook.Find("standard")
	for _, secret := range r.secrets {
		if err != nil || !standard.Proves(hook.Request{Header: header, Body: body}, []string{secret}, time.Now()) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	r.calls = append(r.calls, header["webhook-id"])
	var event webhook.Event
	if r.tries(header["webhook-id"]) <= r.fails || json.Unmarshal(body, &event) != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.taken = append(r.taken, event)
}

// tries counts the calls with an id.
func (r *receiver) tries(id string) (n int) {
	for _, call := range r.calls {
		if call == id {
			n++
		}
	}
	return n
}

// heard waits for an event of a contact's key.
func (r *receiver) heard(t *testing.T, kind, key string) (event webhook.Event, found bool) {
	t.Helper()
	_ = await(t.Context(), func(context.Context) (bool, error) { // found tells
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range r.taken {
			if e.Type == kind && string(e.Data.Key) == key {
				event, found = e, true
			}
		}
		return found, nil
	})
	return event, found
}

// told adds a webhook of the receiver, and returns its secret.
func (s *story) told(t *testing.T, r *receiver, flags ...string) string {
	t.Helper()
	said, err := s.operator(t.Context(), append([]string{"webhook", "add", r.URL, "--scope", string(s.stack.Scope), "--json"}, flags...)...)
	var added struct{ Secret string }
	if err != nil || json.Unmarshal([]byte(said), &added) != nil {
		t.Fatalf("error %v", err)
	}
	t.Cleanup(func() { _, _ = s.operator(context.Background(), "webhook", "remove", r.URL) })
	return added.Secret
}

func TestAClickIsToldToWebhooks(t *testing.T) {
	s := tellNew(t, io.Discard)
	plain, with := newReceiver(t), newReceiver(t)
	plain.secrets = []string{s.told(t, plain)}
	with.secrets = []string{s.told(t, with, "--with-address")}
	for _, r := range []*receiver{plain, with} {
		if err := await(t.Context(), func(ctx context.Context) (bool, error) {
			_, err := s.operator(ctx, "webhook", "test", r.URL)
			return err == nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	plain.mu.Lock()
	plain.fails = 2
	plain.mu.Unlock()
	kari := s.newReader(t, "kari")
	began := time.Now()
	if got := s.optOutByMail(t, kari.link); got.status != http.StatusOK {
		t.Fatalf("status %d", got.status)
	}
	key := string(kari.key)
	event, found := plain.heard(t, webhook.Suppressed, key)
	if !found || event.Data.Address != "" || event.Data.Reason != "unsubscribed" || event.Data.Scope != s.stack.Scope {
		t.Fatalf("heard %v", found)
	}
	plain.mu.Lock()
	if tries := plain.tries(event.Data.ID); tries < 3 {
		t.Errorf("%d calls with the id of the event", tries)
	}
	plain.mu.Unlock()
	// A link's container knows of a webhook within half a minute.
	if event, found := with.heard(t, webhook.Suppressed, key); !found || event.Data.Address != "" && event.Data.Address != kari.email {
		t.Errorf("with the address: heard %v", found)
	}
	ola := s.newReader(t, "ola")
	if got := s.optOutByMail(t, ola.link); got.status != http.StatusOK {
		t.Fatalf("status %d", got.status)
	}
	if event, found := with.heard(t, webhook.Suppressed, string(ola.key)); !found || event.Data.Address != ola.email {
		t.Errorf("with the address: heard %v after %s", found, time.Since(began))
	}
	if answer, err := s.api.post(t.Context(), ola.link, url.Values{"action": {"resubscribe"}}); err != nil || answer.status != http.StatusOK {
		t.Fatalf("status %d, error %v", answer.status, err)
	}
	plain.mu.Lock()
	plain.secrets = append(plain.secrets, s.told(t, plain))
	plain.mu.Unlock()
	// For half a minute the release may come under the former secret alone: then it
	// comes again, until both sign.
	if _, found := plain.heard(t, webhook.Released, string(ola.key)); !found {
		t.Error("a release is not told, signed by both secrets")
	}
	s.deadLetterIsRetried(t, with)
}

// deadLetterIsRetried has a delivery fail that was tried for a day.
func (s *story) deadLetterIsRetried(t *testing.T, r *receiver) {
	t.Helper()
	r.mu.Lock()
	r.fails = 1
	r.mu.Unlock()
	d := webhook.Trial(webhook.Webhook{URL: r.URL, Scope: s.stack.Scope}, "dead-"+s.id, time.Now())
	d.Event.Data.Key, d.Since = "dead", time.Now().Add(-25*time.Hour)
	body, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	waiting := func(name string) (url string, messages int) {
		said, err := s.operator(t.Context(), "queues", "list", "--json")
		var list operator.QueueList
		if err == nil {
			err = json.Unmarshal([]byte(said), &list)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range list.Queues {
			if q.Name == name {
				return q.URL, q.Messages
			}
		}
		return "", 0
	}
	queue, _ := waiting("webhooks")
	if _, err := sqs.NewFromConfig(s.stack.Config()).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: aws.String(string(body))}); err != nil {
		t.Fatal(err)
	}
	if err := await(t.Context(), func(context.Context) (bool, error) {
		_, messages := waiting("webhooks-dead")
		return messages > 0, nil
	}); err != nil {
		t.Fatalf("no dead letter: %v", err)
	}
	if _, err := s.operator(t.Context(), "queues", "retry", "webhooks-dead"); err != nil {
		t.Fatal(err)
	}
	if _, found := r.heard(t, webhook.Test, "dead"); !found {
		t.Error("a dead letter that is retried is not delivered")
	}
}
