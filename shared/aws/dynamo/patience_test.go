package dynamo_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"stille/shared/aws/dynamo"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

const (
	throttling  = `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}`
	exceeded    = `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`
	overLimit   = `{"__type":"com.amazonaws.dynamodb.v20120810#RequestLimitExceeded"}`
	internal    = `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`
	cancelledAs = `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"`
)

// busy answers the nth request with an error, or with {} if that is empty.
type busy struct {
	answer   func(n int) string
	requests int
}

func (b *busy) Do(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	b.requests++
	status, body := http.StatusBadRequest, b.answer(b.requests)
	switch body {
	case "":
		status, body = http.StatusOK, "{}"
	case internal:
		status = http.StatusInternalServerError
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// deletePatiently deletes one record, by a client with patience.
func deletePatiently(ctx context.Context, b *busy) (purge.Deletion, int64, error) {
	var patience dynamo.Patience
	db := patience.NewClient(aws.Config{Region: "eu-north-1", HTTPClient: b, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	conditions := purge.Conditions{Class: "messaging", Run: "run-1", Shard: "00", Turn: 2}
	record := retention.Stored{Record: retention.Record{ID: "sub-1"}}
	done, err := dynamo.NewDeleter(db, names.DefaultStack).DeleteUnderFence(ctx, conditions, []retention.Stored{record})
	return done, patience.Throttles(), err
}

func TestThrottlesSlowADeletionWithoutFailure(t *testing.T) {
	for name, answer := range map[string]string{
		"an exception": throttling, "throughput": exceeded, "a limit": overLimit,
		"a cancelled transaction": cancelledAs + `ThrottlingError"}]}`, "throughput in a transaction": cancelledAs + `ProvisionedThroughputExceeded"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &busy{answer: func(n int) string {
					if n > 90 {
						return ""
					}
					return answer
				}}
				ctx, cancel := context.WithTimeout(t.Context(), 14*time.Minute)
				defer cancel()
				done, throttles, err := deletePatiently(ctx, b)
				if err != nil || len(done.Deleted) != 1 || throttles != 90 {
					t.Errorf("%+v after %d throttles, error %v", done, throttles, err)
				}
			})
		})
	}
}

func TestPatienceEndsWithTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, throttles, err := deletePatiently(ctx, &busy{answer: func(int) string { return throttling }})
		if err == nil || ctx.Err() == nil || time.Since(began) > 10*time.Minute+time.Second || throttles < 100 {
			t.Errorf("%d throttles in %v, error %v", throttles, time.Since(began), err)
		}
	})
}

func TestConflictsAndFaultsStayBounded(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		most   int
		err    error
	}{
		"conflicts over the fence":  {strings.Replace(cancelledAs, "None", "TransactionConflict", 1) + `None"}]}`, 8, dynamo.ErrContended},
		"a conflict and a throttle": {strings.Replace(cancelledAs, "None", "TransactionConflict", 1) + `ThrottlingError"}]}`, 8, dynamo.ErrContended},
		"internal errors":           {internal, 8, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &busy{answer: func(int) string { return c.answer }}
				_, throttles, err := deletePatiently(t.Context(), b)
				if err == nil || c.err != nil && !errors.Is(err, c.err) || b.requests > c.most || throttles > 0 {
					t.Errorf("%d requests, %d throttles, error %v", b.requests, throttles, err)
				}
			})
		})
	}
}
