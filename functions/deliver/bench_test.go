//go:build store

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/names"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
	"stille/shared/webhook"
)

// straight takes a delivery at once: the queue's time is not measured.
type straight struct{ handler }

func (s straight) Put(ctx context.Context, _ time.Duration, all ...webhook.Delivery) error {
	for _, d := range all {
		message, err := json.Marshal(d)
		if err == nil {
			err = s.take(ctx, string(message))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A click on a link until the receiver of a webhook has the opt-out with the address,
// against the opt-out's transaction of two items and a plain call of the receiver.
func BenchmarkClickToDelivered(b *testing.B) {
	w, h := newWorld(b)
	w.full = errDown // a delivery that fails is no delivery
	db, stack := dynamotest.Tables(b)
	list := dynamo.NewSuppressions(db, stack)
	canaries, err := w.Contacts.Canaries()
	if err == nil {
		err = list.PutCanaries(b.Context(), canaries)
	}
	written, pagesErr := pages.New()
	if err != nil || pagesErr != nil {
		b.Fatal(err, pagesErr)
	}
	var people, delivered atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if body, err := io.ReadAll(req.Body); err == nil && strings.Contains(string(body), "@example.no") {
			delivered.Add(1)
		}
	}))
	b.Cleanup(receiver.Close)
	w.add(receiver.URL, true)
	ring := keyring.NewRing(w.House, stack, list, time.Now)
	h.keys, h.first, h.post, h.log, h.now = ring, dynamo.NewReplies(db, stack).First, newClient(true).post, slog.New(slog.DiscardHandler), time.Now
	door := unsubscribe.Handler{
		Links: unsubscribe.Links{Keys: ring, Scopes: w.Scopes}, Channel: contact.Email, List: list, Pages: written,
		Store: outage.Store{Keys: ring, List: list, Breaker: &outage.Breaker{}, Patience: time.Minute}, // a queue is not needed
		Tell:  webhook.Clicks{Webhooks: w.Registry, Keys: ring.Link, Queue: straight{h}.Put, Now: time.Now}.Tell,
		Log:   slog.New(slog.DiscardHandler), Now: time.Now, Zone: time.UTC,
	}
	click := func(ctx context.Context) error {
		person, err := contact.Normalise(contact.Email, fmt.Sprintf("kari.%d@example.no", people.Add(1)), "")
		if err != nil {
			return err
		}
		token, err := w.Links.Mint(link.Target{ScopeID: w.Scopes.All()[0].ID, Contact: person})
		if err != nil {
			return err
		}
		req := gateway.Request{RawPath: link.Path(contact.Email, token), Body: "List-Unsubscribe=One-Click"}
		req.RequestContext.HTTP.Method = http.MethodPost
		answer, err := door.Serve(ctx, req)
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", answer.StatusCode)
		}
		return err
	}
	if err := click(b.Context()); err != nil || delivered.Load() != 1 {
		b.Fatalf("%d delivered, error %v", delivered.Load(), err)
	}
	suppression, entry := dynamotest.Only(b, db, stack.Table(names.TableSuppressions)), dynamotest.Only(b, db, stack.Table(names.TableLedger))
	b.Run("raw", func(b *testing.B) {
		bare := dynamotest.Bare(db)
		call := newClient(true).post
		dynamotest.Parallel(b, func(ctx context.Context) error {
			key := &types.AttributeValueMemberS{Value: (rand.Text() + rand.Text())[:48]}
			_, err := bare.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: dynamotest.PutLike(stack.Table(names.TableSuppressions), suppression, key)}, {Put: dynamotest.PutLike(stack.Table(names.TableLedger), entry, key)},
			}})
			if err != nil {
				return err
			}
			return call(ctx, receiver.URL, nil, []byte("{}"))
		})
	})
	b.Run("ours", func(b *testing.B) {
		dynamotest.Parallel(b, click)
		if missed := people.Load() - delivered.Load(); missed > people.Load()/100 {
			b.Errorf("%d of %d clicks were not delivered", missed, people.Load())
		}
	})
}
