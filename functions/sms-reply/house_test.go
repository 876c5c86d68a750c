package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	voice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"stille/shared/api/apitest"
	"stille/shared/aws/smsvoice"
	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/sms"
	fake "stille/shared/sms/phone"
	"stille/shared/suppression/suppressiontest"
)

const (
	kari   = "+4791234567"
	acme   = "+4759440000"
	globex = "+4759440001"
)

var errDown = errors.New("the store is down")

// memory is the memory of replies.
type memory struct {
	until    map[string]time.Time // of what is claimed
	at       map[string]time.Time // of the first delivery
	claimErr error
}

func (m *memory) Claim(_ context.Context, id string, until, now time.Time) (bool, error) {
	if m.claimErr != nil || m.until[id].After(now) {
		return false, m.claimErr
	}
	m.until[id] = until
	return true, nil
}

func (m *memory) First(ctx context.Context, id string, at, until, now time.Time) (time.Time, error) {
	if first, err := m.Claim(ctx, id, until, now); err != nil || !first {
		return m.at[id], err
	}
	m.at[id] = at
	return at, nil
}

func (m *memory) Release(_ context.Context, id string) error {
	delete(m.until, id)
	return nil
}

// world is a handler and its surroundings.
type world struct {
	*apitest.House
	list   *suppressiontest.List
	memory *memory
	phone  *fake.Phone
	handler
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		House:  apitest.New(t),
		list:   &suppressiontest.List{},
		memory: &memory{until: map[string]time.Time{}, at: map[string]time.Time{}},
		phone:  &fake.Phone{},
	}
	server := httptest.NewServer(w.phone)
	t.Cleanup(server.Close)
	languages, err := sms.Load()
	if err != nil {
		t.Fatal(err)
	}
	w.handler = handler{
		store: w.Store(w.list), get: w.list.Get, replies: w.memory, languages: languages, scopes: w.Scopes, log: w.Log,
		now: func() time.Time { return w.Now },
		send: smsvoice.NewSender(voice.New(voice.Options{
			BaseEndpoint: &server.URL, Region: "eu-north-1", Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})).Send,
	}
	return w
}

// message is a received reply.
type message struct {
	id, from, to, text string
	at                 time.Time
}

// reply is a message from Kari to Acme, one minute old, with this id and text.
func (w *world) reply(id, text string) message {
	return message{id: id, from: kari, to: acme, text: text, at: w.Now.Add(-time.Minute)}
}

func (m message) inbox(t *testing.T) sqsbatch.Message {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"originationNumber": m.from, "destinationNumber": m.to, "messageKeyword": "KEYWORD_1", "messageBody": m.text,
		"inboundMessageId": m.id, "previousPublishedMessageId": "p", "somethingNew": []int{1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return sqsbatch.Message{ID: "sqs-" + m.id, Body: string(body), At: m.at}
}

// hear delivers messages one after the other; each must succeed.
func (w *world) hear(t *testing.T, messages ...message) {
	t.Helper()
	for _, m := range messages {
		if err := w.take(t.Context(), m.inbox(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// active lists the suppressions of a number, each as "reason in scope, from
// source".
func (w *world) active(t *testing.T, number string) []string {
	t.Helper()
	return w.list.Active(w.Key(t, contact.SMS, number))
}

// failing makes every call of a method of the list fail.
func (w *world) failing(method string) {
	w.list.Before = func(_ context.Context, c suppressiontest.Call) error {
		if c.Method == method {
			return errDown
		}
		return nil
	}
}

// entries lists the ledger, each entry as "action reason source".
func (w *world) entries() []string {
	var lines []string
	for _, e := range w.list.Entries() {
		lines = append(lines, fmt.Sprintf("%s %s %s", e.Action, e.Reason, e.Source))
	}
	return lines
}

// said lists the sent texts, as "from>to: first words".
func (w *world) said() []string {
	lines := []string{}
	for _, s := range w.phone.Sent() {
		words := strings.Fields(s.Body)
		lines = append(lines, fmt.Sprintf("%s>%s: %s", s.From, s.To, strings.Join(words[:min(len(words), 4)], " ")))
	}
	return lines
}

// batch delivers messages as Lambda does and returns the failed ones.
func (w *world) batch(t *testing.T, batch events.SQSEvent) []string {
	t.Helper()
	got, err := sqsbatch.Each(w.Log, w.take)(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	failed := []string{}
	for _, f := range got.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}
