//go:build store

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/aws/sqsqueue"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/link"
	"stille/shared/suppression"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// town is people with an address and a number each, the doors behind which
// they opt out, and a tool that asks before it sends.
type town struct {
	t     *testing.T
	house *apitest.House
	doors map[contact.Channel]unsubscribe.Handler
	check func(list) gateway.Handler
	ask   gateway.Request // about everybody
	paths []string        // of everybody's links, in the order of the request

	contacts []contact.Contact // in that order, too

	mu     sync.Mutex
	silent []bool // who was told so
	waits  []outage.OptOut
}

const people = 8

// oneTool is the one tool there is.
type oneTool access.Tool

// Tool finds it by whatever key.
func (o oneTool) Tool(context.Context, string) (access.Tool, error) { return access.Tool(o), nil }

func newTown(t *testing.T, db, bad *dynamo.Suppressions) *town {
	t.Helper()
	h := apitest.New(t)
	canaries, err := h.Contacts.Canaries()
	if err == nil {
		err = db.PutCanaries(t.Context(), canaries)
	}
	written, pagesErr := pages.New()
	if err != nil || pagesErr != nil {
		t.Fatal(err, pagesErr)
	}
	now, quiet := func() time.Time { return h.Now }, slog.New(slog.NewJSONHandler(io.Discard, nil))
	w := &town{t: t, house: h, doors: map[contact.Channel]unsubscribe.Handler{}, silent: make([]bool, 2*people)}
	ring := keyring.NewRing(h, "stille", db, time.Now)
	var contacts []string
	for n := range 2 * people {
		ch, address := contact.Email, fmt.Sprintf("kari.%d@example.no", n)
		if n%2 == 1 {
			ch, address = contact.SMS, fmt.Sprintf("+4791234%03d", n)
		}
		c, err := contact.Normalise(ch, address, "")
		if err != nil {
			t.Fatal(err)
		}
		w.contacts, w.paths = append(w.contacts, c), append(w.paths, link.Path(ch, h.Token(t, ch, address)))
		contacts = append(contacts, fmt.Sprintf(`{"channel":%q,"address":%q}`, ch, address))
		w.doors[ch] = unsubscribe.Handler{
			Links: unsubscribe.Links{Keys: ring, Scopes: h.Scopes}, Channel: ch, List: bad, Pages: written, Log: quiet, Now: now, Zone: time.UTC, Tell: nobody,
			Store: outage.Store{Keys: ring, List: bad, Queue: sqsqueue.New(w, "queue"), Breaker: &outage.Breaker{}, Links: &outage.Links{}, Patience: 2 * time.Second},
		}
	}
	w.ask = h.Post(asking("acme", "", strings.Join(contacts, ",")))
	guard := access.NewGuard(oneTool(h.Tool), now)
	w.check = func(l list) gateway.Handler {
		return api.Serve(guard, quiet, handler{keys: ring, checker: suppression.Checker{List: l}, scopes: h.Scopes, now: now, log: quiet}.call())
	}
	return w
}

// nobody is told.
func nobody(context.Context, contact.Contact, ledger.Entry) error { return nil }

// SendMessage is the queue for what the store did not take.
func (w *town) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	o, err := outage.Read(*in.MessageBody)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = append(w.waits, o)
	return &sqs.SendMessageOutput{}, err
}

// optOut goes through a contact's link, as one does or another.
func (w *town) optOut(n int, random *rand.Rand) {
	switch status := w.post(n, []string{"List-Unsubscribe=One-Click", "action=unsubscribe", ""}[random.IntN(3)]); status {
	case http.StatusOK:
		w.mu.Lock()
		w.silent[n] = true
		w.mu.Unlock()
	case http.StatusServiceUnavailable:
	default:
		w.t.Errorf("the opt-out is answered with %d", status)
	}
}

// post sends a body to a contact's link.
func (w *town) post(n int, body string) (status int) {
	req := gateway.Request{RawPath: w.paths[n], Body: body, Headers: map[string]string{"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}}
	req.RequestContext.HTTP.Method = http.MethodPost
	resp, err := w.doors[w.contacts[n].Channel()].Serve(w.t.Context(), req)
	if err != nil {
		w.t.Error(err)
	}
	return resp.StatusCode
}

// drain carries out what waits.
func (w *town) drain(list *dynamo.Suppressions) {
	for _, o := range w.waits {
		if _, err := list.Apply(w.t.Context(), contact.Known{Channel: o.Channel, Keys: o.Keys}, o.Change(), w.house.Now); err != nil {
			w.t.Error(err)
		}
	}
}

// look asks about everybody, and fails where the answer says "send" for one
// who was silent before the question, or does not for one who never opts out:
// of every second person the number, of the others the address.
func (w *town) look(list list) (answered bool) {
	w.mu.Lock()
	before := append([]bool(nil), w.silent...)
	w.mu.Unlock()
	resp, err := w.check(list)(w.t.Context(), w.ask)
	var body response
	switch {
	case err != nil:
		w.t.Error(err)
		return false
	case resp.StatusCode == http.StatusServiceUnavailable && !strings.Contains(resp.Body, `"send"`):
		return false
	case resp.StatusCode != http.StatusOK || json.Unmarshal([]byte(resp.Body), &body) != nil || len(body.Results) != 2*people:
		w.t.Errorf("the check is answered with %d", resp.StatusCode)
		return false
	}
	for n, r := range body.Results {
		switch {
		case r.Send && before[n]:
			w.t.Errorf("contact %d was told that it is silent, and the check says send", n)
		case !r.Send && !optsOut(n):
			w.t.Errorf("contact %d never opted out, and the check says %s", n, r.Reason)
		}
	}
	return true
}

// optsOut tells whether a contact is one of those who opt out: the addresses of
// the even persons, the numbers of the odd.
func optsOut(n int) bool { return n%2 == (n/2)%2 }

// storm lets people opt out while a tool goes on asking, and returns how many
// of its questions were answered.
func (w *town) storm(seed uint64, list list) int {
	var clicks, looks sync.WaitGroup
	for n := range 2 * people {
		if !optsOut(n) {
			continue
		}
		clicks.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			for range 4 { // people click again, and so do mailbox providers
				time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
				w.optOut(n, random)
			}
		})
	}
	over := make(chan struct{})
	var answered atomic.Int32
	for range 3 {
		looks.Go(func() {
			for last := false; !last; {
				select {
				case <-over:
					last = true
				default:
				}
				if w.look(list) {
					answered.Add(1)
				}
			}
		})
	}
	clicks.Wait()
	close(over)
	looks.Wait()
	return int(answered.Load())
}

func TestAfterThe200NoCheckSaysSend(t *testing.T) {
	for name, test := range map[string]struct {
		share  float64
		faults []dynamotest.Fault
	}{
		"all goes well":   {0, nil},
		"much fails":      {0.6, dynamotest.Faults()},
		"nothing arrives": {1, []dynamotest.Fault{dynamotest.Throttled, dynamotest.Broken, dynamotest.Unsent}},
	} {
		t.Run(name, func(t *testing.T) {
			db, stack := dynamotest.Tables(t)
			seed := rand.Uint64()
			network, bad := dynamotest.NewNetwork(t, db, seed, test.share, test.faults...)
			good, list := dynamo.NewSuppressions(db, stack), dynamo.NewSuppressions(bad, stack)
			w := newTown(t, good, list)
			answered := w.storm(seed, list)
			if (answered == 0) != (test.share == 1) || len(network.Happened()) < len(test.faults)/2 {
				t.Errorf("seed %d: %d answers, and as faults %v", seed, answered, network.Happened())
			}
			network.Settle()
			w.drain(good)
			for n := range w.silent {
				w.silent[n] = optsOut(n) // by now, whatever they were told
			}
			if !w.look(good) {
				t.Errorf("seed %d: the last check is not answered", seed)
			}
		})
	}
}
