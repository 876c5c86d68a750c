//go:build store

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/feedback/hook"
	"stille/shared/names"
	"stille/shared/unsubscribe/outage"
)

// A call with one event of Mailgun, whose signature is verified, against the
// transaction of two items that stores its opt-out.
func BenchmarkHookEvent(b *testing.B) {
	w := &world{House: apitest.New(b)}
	db, stack := dynamotest.Tables(b)
	list := dynamo.NewSuppressions(db, stack)
	canaries, err := w.Contacts.Canaries()
	if err == nil {
		err = list.PutCanaries(b.Context(), canaries)
	}
	if err != nil {
		b.Fatal(err)
	}
	known := hook.Hook{Provider: "mailgun", Scope: "acme", Credential: hook.Credential{Secret: secret}}
	w.hooks = hook.Registry{known}
	sample, err := known.Sample("bench", time.Now())
	if err != nil {
		b.Fatal(err)
	}
	keys := keyring.NewRing(w.House, stack, list, time.Now)
	function := lambda.NewHandler(gateway.Handler(handler{
		hooks: w.Registry, apply: outage.Store{Keys: keys, List: list, Breaker: &outage.Breaker{}, Patience: time.Minute}.Apply, // a queue is not needed
		first: w.First, park: w.Send, log: slog.New(slog.DiscardHandler), now: time.Now, noted: &hook.Sightings{Store: w.Note},
	}.serve))
	var people atomic.Int64
	event := func(ctx context.Context) error {
		body := strings.Replace(string(sample.Body), "hook-test@stille.invalid", fmt.Sprintf("p%d@example.no", people.Add(1)), 1)
		req, err := json.Marshal(call(http.MethodPost, "/in/mailgun/acme", "", body))
		if err != nil {
			return err
		}
		answer, err := function.Invoke(ctx, req)
		if err == nil && !strings.Contains(string(answer), `"statusCode":200`) {
			err = fmt.Errorf("answered %.200s", answer)
		}
		return err
	}
	if err := event(b.Context()); err != nil {
		b.Fatal(err)
	}
	suppression, entry := dynamotest.Only(b, db, stack.Table(names.TableSuppressions)), dynamotest.Only(b, db, stack.Table(names.TableLedger))
	b.Run("raw", func(b *testing.B) {
		bare := dynamotest.Bare(db)
		dynamotest.Parallel(b, func(ctx context.Context) error {
			key := &types.AttributeValueMemberS{Value: (rand.Text() + rand.Text())[:48]}
			_, err := bare.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: dynamotest.PutLike(stack.Table(names.TableSuppressions), suppression, key)}, {Put: dynamotest.PutLike(stack.Table(names.TableLedger), entry, key)},
			}})
			return err
		})
	})
	b.Run("ours", func(b *testing.B) { dynamotest.Parallel(b, event) })
}
