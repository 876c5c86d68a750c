// Package dynamo keeps the system's state in DynamoDB. It is the only importer
// of the DynamoDB SDK and holds no rules: the domain decides, and dynamo writes
// the decision under the condition that nothing changed meanwhile. After a
// change dynamo reads again and lets the domain decide again. It promises
// strong reads wherever an answer may lead to a message or a deletion, and
// errors without keys, addresses or items.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	endpoints "github.com/aws/smithy-go/endpoints"
	"golang.org/x/sync/errgroup"

	"stille/shared/retention"
	"stille/shared/suppression"
)

var (
	// ErrUnreadable means that an item is stored and cannot be understood. The
	// caller must take the answer that sends nothing or deletes nothing.
	ErrUnreadable = suppression.ErrUnreadable
	// ErrUnwritable means that DynamoDB can never take the item: it is over
	// 400 KB, for example.
	ErrUnwritable = retention.ErrUnwritable
	// ErrContended means that others changed the same items at every attempt.
	ErrContended = retention.ErrContended
	// ErrUnanswered means that DynamoDB left keys of a batch unprocessed every
	// time we asked.
	ErrUnanswered = errors.New("the table does not answer for every key")
)

// attempts is how often a conflicting write, or the unprocessed part of a
// batch, is tried. With the pauses of pause this takes about three seconds.
const attempts = 8

// pause waits before attempt n (1, 2, …): exponential with full jitter, as
// DynamoDB recommends.
func pause(ctx context.Context, n int) error {
	ceiling := min(10*time.Millisecond<<n, time.Second)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(ceiling)): //nolint:gosec // jitter, no secret
		return nil
	}
}

// idleConnections is how many connections stay open: as many as are used at once.
// With the SDK's ten, sixteen writers open a new one all the time.
const idleConnections = 64

// Client calls DynamoDB.
type Client = dynamodb.Client

// NewClient returns the client that the tables are opened with.
func NewClient(cfg aws.Config) *Client { return dynamodb.NewFromConfig(cfg, Connections, Endpoint) }

// Connections keeps the connections of the SDK's own HTTP client open.
func Connections(o *dynamodb.Options) {
	if client, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
		o.HTTPClient = client.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = idleConnections })
	}
}

// Endpoint lets a client find its endpoint once. A client has one region and one
// account, and the SDK finds the endpoint again for each call, which is a tenth of
// the call's CPU.
func Endpoint(o *dynamodb.Options) {
	o.EndpointResolverV2 = &endpoint{rules: o.EndpointResolverV2}
}

type endpoint struct {
	rules dynamodb.EndpointResolverV2
	found atomic.Pointer[endpoints.Endpoint]
}

// ResolveEndpoint implements dynamodb.EndpointResolverV2.
func (e *endpoint) ResolveEndpoint(ctx context.Context, params dynamodb.EndpointParameters) (endpoints.Endpoint, error) {
	if found := e.found.Load(); found != nil {
		return *found, nil
	}
	found, err := e.rules.ResolveEndpoint(ctx, params)
	if err == nil {
		e.found.Store(&found)
	}
	return found, err
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// instant is the stored form of a time that no index sorts by.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func parseInstant(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}

// cancelled returns the reasons why a transaction was cancelled, in the order
// of its operations; false if err is no cancellation.
func cancelled(err error) ([]types.CancellationReason, bool) {
	var c *types.TransactionCanceledException
	if errors.As(err, &c) {
		return c.CancellationReasons, true
	}
	return nil, false
}

// Codes of a cancellation reason.
const (
	conditionFailed    = "ConditionalCheckFailed"
	conflict           = "TransactionConflict"
	itemInvalid        = "ValidationError"
	throttlingError    = "ThrottlingError"
	throughputExceeded = "ProvisionedThroughputExceeded"
	noReason           = "None" // this operation did not prevent the transaction
)

func failed(r types.CancellationReason, code string) bool { return aws.ToString(r.Code) == code }

// invalid reports whether DynamoDB refused a request as invalid: it will refuse
// the same request every time.
func invalid(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == "ValidationException"
}

// transient reports whether a transaction was cancelled only because of
// conflicts or throttling. The same transaction may be tried again.
func transient(reasons []types.CancellationReason) bool {
	return failedOnly(reasons, conflict, throttlingError, throughputExceeded)
}

// failedOnly reports whether reasons of these codes, and no others, prevented a
// transaction.
func failedOnly(reasons []types.CancellationReason, codes ...string) bool {
	found := false
	for _, r := range reasons {
		switch code := aws.ToString(r.Code); {
		case code == "" || code == noReason:
		case slices.Contains(codes, code):
			found = true
		default:
			return false
		}
	}
	return found
}

// errRaced is the error of an attempt that lost a race: another writer changed
// the item first. The next attempt must use the stored item.
var errRaced = errors.New("the item changed meanwhile")

// repeat makes an attempt, and repeats it after a growing pause while it
// returns errRaced. After the last attempt repeat returns gaveUp. It returns
// any other result of an attempt unchanged.
func repeat(ctx context.Context, gaveUp error, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		switch {
		case !errors.Is(err, errRaced):
			return err
		case n == attempts:
			return gaveUp
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// contended is the error after every attempt lost its race.
func contended(doing string) error { return fmt.Errorf("%s: %w", doing, ErrContended) }

// retry writes, and repeats the write while only a conflict prevents it: for
// example, a purge page checks a fence while the fence is raised.
func retry(ctx context.Context, doing string, write func() error) error {
	return repeat(ctx, contended(doing), func() error {
		err := write()
		if err == nil {
			return nil
		}
		var single *types.TransactionConflictException
		if reasons, _ := cancelled(err); errors.As(err, &single) || transient(reasons) {
			return errRaced
		}
		return fmt.Errorf("%s: %w", doing, err)
	})
}

// batchSize is the number of keys that BatchGetItem takes in one request.
const batchSize = 100

// parallelBatches is how many requests for keys of one table run at the same time.
const parallelBatches = 8

// batchGet reads keys of one table strongly, and calls each with one item after the
// other. The keys must differ.
func batchGet(ctx context.Context, db *dynamodb.Client, table string, keys []item, read types.KeysAndAttributes, each func(item)) error {
	if len(keys) <= batchSize {
		return getBatch(ctx, db, table, keys, read, each)
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBatches)
	for batch := range slices.Chunk(keys, batchSize) {
		group.Go(func() error {
			return getBatch(ctx, db, table, batch, read, func(found item) {
				mu.Lock()
				defer mu.Unlock()
				each(found)
			})
		})
	}
	return group.Wait()
}

// getBatch is batchGet for at most batchSize keys. It asks again for the keys that
// DynamoDB left unprocessed: as long as each answer has some of the keys.
func getBatch(ctx context.Context, db *dynamodb.Client, table string, keys []item, read types.KeysAndAttributes, each func(item)) error {
	read.ConsistentRead = aws.Bool(true)
	for len(keys) > 0 {
		err := repeat(ctx, fmt.Errorf("reading %s: %w", table, ErrUnanswered), func() error {
			read.Keys = keys
			out, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{table: read},
			})
			if err != nil {
				return fmt.Errorf("reading %s: %w", table, err)
			}
			for _, found := range out.Responses[table] {
				each(found)
			}
			asked := len(keys)
			if keys = out.UnprocessedKeys[table].Keys; len(keys) == asked {
				return errRaced
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := pause(ctx, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// having is the query for the items of a table whose key is the value, read strongly.
func having(table, key, value string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("#key = :key"),
		ExpressionAttributeNames: map[string]string{"#key": key}, ExpressionAttributeValues: item{":key": text(value)},
	}
}

// inIndex is having for an index.
func inIndex(index, table, key, value string) *dynamodb.QueryInput {
	query := having(table, key, value)
	query.IndexName, query.ConsistentRead = &index, nil // an index has no strong reads
	return query
}

// decodeAll decodes all items.
func decodeAll[T any](items iter.Seq2[item, error], decode func(item) (T, error)) ([]T, error) {
	var all []T
	for stored, err := range items {
		if err != nil {
			return nil, err
		}
		one, err := decode(stored)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
