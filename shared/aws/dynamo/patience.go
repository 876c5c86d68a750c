package dynamo

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Patience repeats a request that DynamoDB throttles as long as the request's
// context lasts, with growing pauses. Nobody waits for the answer of a purge:
// throttles slow a purge down and do not fail it. Other errors, conflicts among
// them, are repeated some times only. The zero value is ready for use.
type Patience struct {
	throttles atomic.Int64
}

// NewClient returns a client with this patience.
func (p *Patience) NewClient(cfg aws.Config) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, Connections, Endpoint, func(o *dynamodb.Options) {
		o.Retryer = patient{RetryerV2: sdkretry.NewStandard(), patience: p}
	})
}

// Throttles is how often DynamoDB throttled so far.
func (p *Patience) Throttles() int64 { return p.throttles.Load() }

// patient is the retryer of a Patience.
type patient struct {
	aws.RetryerV2
	patience *Patience
}

// MaxAttempts is 0, for no limit: RetryDelay limits what is not throttled.
func (patient) MaxAttempts() int { return 0 }

func (p patient) IsErrorRetryable(err error) bool {
	if throttled(err) {
		p.patience.throttles.Add(1)
		return true
	}
	return p.RetryerV2.IsErrorRetryable(err)
}

// GetRetryToken takes no token of the SDK's for a throttled request: the tokens
// limit how often a client repeats.
func (p patient) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	if throttled(err) {
		return func(error) error { return nil }, nil
	}
	return p.RetryerV2.GetRetryToken(ctx, err)
}

func (p patient) RetryDelay(attempt int, err error) (time.Duration, error) {
	switch {
	case throttled(err):
		return rand.N(min(20*time.Millisecond<<min(attempt, 8), longestPause)), nil //nolint:gosec // jitter, no secret
	case attempt >= attempts:
		return 0, &sdkretry.MaxAttemptsError{Attempt: attempt, Err: err}
	}
	return p.RetryerV2.RetryDelay(attempt, err)
}

// longestPause is the longest pause before a throttled request is repeated.
const longestPause = 5 * time.Second

// throttled reports whether DynamoDB throttled a request, or all that stood in
// the way of a transaction is a throttle.
func throttled(err error) bool {
	if reasons, ok := cancelled(err); ok {
		return failedOnly(reasons, throttlingError, throughputExceeded)
	}
	return sdkretry.ThrottleErrorCode{Codes: sdkretry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}
