// Package dynamo keeps the system's state in DynamoDB. It is the only importer
// of the DynamoDB SDK and holds no rules: the domain decides, dynamo writes
// what was decided under the condition that nothing changed meanwhile, and
// where something did, reads again and lets the domain decide again. It
// promises strong reads wherever an answer may lead to a message or a
// deletion, and errors without keys, addresses or items in them.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"stille/shared/retention"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"stille/shared/suppression"
)

var (
	// ErrUnreadable means that an item is stored and cannot be understood. The
	// caller must act as if the answer were the one that keeps silent or keeps
	// data.
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

// attempts is how often a conflicting write, or the rest of a batch, is tried;
// with the pauses of pause that takes about three seconds.
const attempts = 8

// pause waits before attempt n (1, 2, …): exponential with full jitter, as
// DynamoDB asks for.
func pause(ctx context.Context, n int) error {
	ceiling := min(10*time.Millisecond<<n, time.Second)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(ceiling)): //nolint:gosec // jitter, no secret
		return nil
	}
}

// NewClient returns the client that the tables are opened with.
func NewClient(cfg aws.Config) *dynamodb.Client { return dynamodb.NewFromConfig(cfg) }

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// instant is how times are stored where nothing sorts by them.
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
// of its operations, and whether it was.
func cancelled(err error) ([]types.CancellationReason, bool) {
	var c *types.TransactionCanceledException
	if errors.As(err, &c) {
		return c.CancellationReasons, true
	}
	return nil, false
}

// Codes of a cancellation reason.
const (
	conditionFailed = "ConditionalCheckFailed"
	conflict        = "TransactionConflict"
	itemInvalid     = "ValidationError"
)

func failed(r types.CancellationReason, code string) bool { return aws.ToString(r.Code) == code }

// invalid tells whether DynamoDB refused a request as invalid: DynamoDB will
// always refuse the same request.
func invalid(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == "ValidationException"
}

// transient tells whether a transaction was cancelled only because of conflicts
// or throttling, so that the same transaction may be tried again.
func transient(reasons []types.CancellationReason) bool {
	found := false
	for _, r := range reasons {
		switch aws.ToString(r.Code) {
		case "", "None":
		case conflict, "ThrottlingError", "ProvisionedThroughputExceeded":
			found = true
		default:
			return false
		}
	}
	return found
}

// errRaced is the error of an attempt that lost a race: another writer changed
// the item first. The attempt may be made again, on what is now stored.
var errRaced = errors.New("the item changed meanwhile")

// repeat makes an attempt, and makes it again after a growing pause as long as
// it returns errRaced. After the last attempt repeat returns gaveUp; any other
// answer of an attempt is returned as it is.
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

// retry writes, and writes again where nothing but a conflict with others stood
// in the way: a purge page that checks a fence while the fence is raised, for
// example.
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

// batchSize is what BatchGetItem takes in one request.
const batchSize = 100

// batchGet reads keys of one table strongly, at most batchSize of them, and
// asks again for the keys that DynamoDB left unprocessed. The keys must differ.
func batchGet(ctx context.Context, db *dynamodb.Client, table string, keys []item, read types.KeysAndAttributes, each func(item)) error {
	if len(keys) == 0 {
		return nil
	}
	read.ConsistentRead = aws.Bool(true)
	return repeat(ctx, fmt.Errorf("reading %s: %w", table, ErrUnanswered), func() error {
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
		if keys = out.UnprocessedKeys[table].Keys; len(keys) > 0 {
			return errRaced
		}
		return nil
	})
}
