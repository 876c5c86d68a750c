//go:build store

package unsubscribe_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/link"
	"stille/shared/names"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

type item = map[string]types.AttributeValue

// newBench returns the function behind the e-mail links over real tables, as Lambda
// calls it, and the plain store beside it.
func newBench(b *testing.B) (*apitest.House, lambda.Handler, *dynamodb.Client, names.Stack) {
	b.Helper()
	h := apitest.New(b)
	db, stack := dynamotest.Tables(b)
	list := dynamo.NewSuppressions(db, stack)
	canaries, err := h.Contacts.Canaries()
	if err != nil {
		b.Fatal(err)
	}
	if err := list.PutCanaries(b.Context(), canaries); err != nil {
		b.Fatal(err)
	}
	written, err := pages.New()
	if err != nil {
		b.Fatal(err)
	}
	keys := keyring.NewRing(h, stack, list, time.Now)
	return h, lambda.NewHandler(gateway.Handler(unsubscribe.Handler{
		Links: unsubscribe.Links{Keys: keys, Scopes: h.Scopes}, Channel: contact.Email, List: list,
		Store: outage.Store{Keys: keys, List: list, Breaker: &outage.Breaker{}, Patience: time.Minute}, // a queue is not needed
		Tell:  nobody,
		Pages: written, Log: slog.New(slog.DiscardHandler), Now: time.Now, Zone: time.UTC,
	}.Serve)), db, stack
}

// stored is in the answer to an opt-out that the list took.
const stored = `"statusCode":200`

// nobody is told.
func nobody(context.Context, contact.Contact, ledger.Entry) error { return nil }

// The page of a person who opted out, with the state, against a strong GetItem.
func BenchmarkLinkPage(b *testing.B) {
	h, function, db, stack := newBench(b)
	if err := send(b.Context(), function, made(b, h, "POST", "kari@example.no"), stored); err != nil {
		b.Fatal(err)
	}
	table := stack.Table(names.TableSuppressions)
	key := item{names.AttrKey: dynamotest.Only(b, db, table)[names.AttrKey]}
	b.Run("raw", func(b *testing.B) {
		bare := dynamotest.Bare(db)
		dynamotest.Parallel(b, func(ctx context.Context) error {
			_, err := bare.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
			return err
		})
	})
	page := made(b, h, "GET", "kari@example.no")
	b.Run("ours", func(b *testing.B) {
		dynamotest.Parallel(b, func(ctx context.Context) error { return send(ctx, function, page, `data-state=`) })
	})
}

// The first opt-out of a contact, from the form's event to the answer, against the bare
// transaction of the same two items. The links are made before.
func BenchmarkFirstOptOut(b *testing.B) {
	h, function, db, stack := newBench(b)
	people := 0
	next := func() []byte {
		people++
		return made(b, h, "POST", fmt.Sprintf("kari.%d@example.no", people))
	}
	if err := send(b.Context(), function, next(), stored); err != nil {
		b.Fatal(err)
	}
	suppression := dynamotest.Only(b, db, stack.Table(names.TableSuppressions))
	entry := dynamotest.Only(b, db, stack.Table(names.TableLedger))
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
	b.Run("ours", func(b *testing.B) {
		events := make([][]byte, b.N)
		for i := range events {
			events[i] = next()
		}
		var sent atomic.Int64
		b.ResetTimer()
		dynamotest.Parallel(b, func(ctx context.Context) error { return send(ctx, function, events[sent.Add(1)-1], stored) })
	})
}

// A further opt-out of a person through a mailbox provider, against the bare
// conditional write of an item that is there.
func BenchmarkRepeatedOptOut(b *testing.B) {
	h, function, db, stack := newBench(b)
	event := made(b, h, "POST", "kari@example.no")
	optOut := func(ctx context.Context) error { return send(ctx, function, event, stored) }
	if err := optOut(b.Context()); err != nil {
		b.Fatal(err)
	}
	suppression := dynamotest.Only(b, db, stack.Table(names.TableSuppressions))
	b.Run("raw", func(b *testing.B) {
		bare := dynamotest.Bare(db)
		again := dynamotest.PutLike(stack.Table(names.TableSuppressions), suppression, suppression[names.AttrKey])
		dynamotest.Parallel(b, func(ctx context.Context) error {
			_, err := bare.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: again.TableName, Item: again.Item, ConditionExpression: again.ConditionExpression,
				ExpressionAttributeNames:            again.ExpressionAttributeNames,
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			})
			if there := new(types.ConditionalCheckFailedException); !errors.As(err, &there) {
				return fmt.Errorf("the write ended with %w", err)
			}
			return nil
		})
	})
	b.Run("ours", func(b *testing.B) { dynamotest.Parallel(b, optOut) })
}

// made is the event of a request of a person's link, with the page's form.
func made(b *testing.B, h *apitest.House, method, address string) []byte {
	b.Helper()
	c, err := contact.Normalise(contact.Email, address, "")
	if err != nil {
		b.Fatal(err)
	}
	token, err := h.Links.Mint(link.Target{ScopeID: h.Scopes.All()[0].ID, Contact: c})
	if err != nil {
		b.Fatal(err)
	}
	req := gateway.Request{
		RawPath: link.Path(contact.Email, token), Body: "action=" + pages.Unsubscribe,
		Headers: map[string]string{"content-type": "application/x-www-form-urlencoded", "accept": "text/html"},
	}
	req.RequestContext.HTTP.Method = method
	event, err := json.Marshal(req)
	if err != nil {
		b.Fatal(err)
	}
	return event
}

// send sends an event and requires words in the answer.
func send(ctx context.Context, function lambda.Handler, event []byte, words string) error {
	answer, err := function.Invoke(ctx, event)
	if err == nil && !bytes.Contains(answer, []byte(words)) {
		err = fmt.Errorf("answered %.200s", answer)
	}
	return err
}
