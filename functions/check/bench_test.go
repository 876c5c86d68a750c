//go:build store

package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

// bench is the function over real tables, as Lambda calls it, and the plain
// store beside it.
type bench struct {
	bare     *dynamodb.Client
	table    string
	function lambda.Handler
	house    *apitest.House
}

func newBench(b *testing.B) bench {
	h := apitest.New(b)
	db, stack := dynamotest.Tables(b)
	list, tools := dynamo.NewSuppressions(db, stack), dynamo.NewTools(db, stack)
	canaries, err := h.Contacts.Canaries()
	if err != nil {
		b.Fatal(err)
	}
	if err := list.PutCanaries(b.Context(), canaries); err != nil {
		b.Fatal(err)
	}
	if err := tools.Put(b.Context(), access.Hash(h.APIKey), h.Tool); err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	over := handler{keys: keyring.NewRing(h, stack, list, time.Now), checker: suppression.Checker{List: list}, scopes: h.Scopes, now: time.Now, log: log}
	serve := api.Serve(access.NewGuard(tools, time.Now), log, over.call())
	return bench{bare: dynamotest.Bare(db), table: stack.Table(names.TableSuppressions), function: lambda.NewHandler(serve), house: h}
}

// keys are the primary keys of the contacts that event asks about.
func (x bench) keys(b *testing.B, contacts int) []map[string]types.AttributeValue {
	keys := make([]map[string]types.AttributeValue, contacts)
	for i := range keys {
		var given api.Contact
		if err := json.Unmarshal([]byte(written(i)), &given); err != nil {
			b.Fatal(err)
		}
		key := x.house.Key(b, contact.Channel(given.Channel), given.Address)
		keys[i] = map[string]types.AttributeValue{names.AttrKey: &types.AttributeValueMemberS{Value: string(key)}}
	}
	return keys
}

// A check of one contact against a strong GetItem of its key.
func BenchmarkCheckOne(b *testing.B) {
	x := newBench(b)
	key := x.keys(b, 1)[0]
	b.Run("raw", func(b *testing.B) {
		dynamotest.Parallel(b, func(ctx context.Context) error {
			_, err := x.bare.GetItem(ctx, &dynamodb.GetItemInput{TableName: &x.table, Key: key, ConsistentRead: aws.Bool(true)})
			return err
		})
	})
	event := eventOf(b, x.house, 0, 1)
	if answer, err := x.function.Invoke(b.Context(), event); err != nil || !strings.Contains(string(answer), `\"send\":true`) {
		b.Fatalf("%v: %s", err, answer)
	}
	b.Run("ours", func(b *testing.B) {
		dynamotest.Parallel(b, func(ctx context.Context) error {
			_, err := x.function.Invoke(ctx, event)
			return err
		})
	})
}

// A check of a thousand contacts in one call against ten BatchGetItem of a
// hundred keys each, as many of them under way at once as a lookup has.
func BenchmarkCheckThousand(b *testing.B) {
	x := newBench(b)
	keys := x.keys(b, api.MaxContacts)
	const batch, atOnce = 100, 8
	b.Run("raw", func(b *testing.B) {
		apitest.CPU(b, func() {
			for b.Loop() {
				group, ctx := errgroup.WithContext(b.Context())
				group.SetLimit(atOnce)
				for some := range slices.Chunk(keys, batch) {
					group.Go(func() error {
						_, err := x.bare.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
							x.table: {Keys: some, ConsistentRead: aws.Bool(true)},
						}})
						return err
					})
				}
				if err := group.Wait(); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	event := eventOf(b, x.house, 0, api.MaxContacts)
	b.Run("ours", func(b *testing.B) {
		apitest.CPU(b, func() {
			for b.Loop() {
				if _, err := x.function.Invoke(b.Context(), event); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
