package dynamotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Fault is a way in which a request fails, below the SDK.
type Fault string

// The faults.
const (
	Throttled Fault = "throttled" // the table refuses requests for now
	Broken    Fault = "broken"    // DynamoDB answers with an internal error, and has done nothing
	Unsent    Fault = "unsent"    // the connection ends before the request arrives
	Unheard   Fault = "unheard"   // the request is carried out, and its answer is lost
	Late      Fault = "late"      // the answer is lost, and the request is carried out after the caller's error
	Contended Fault = "contended" // a transaction is cancelled because of a conflict
	Partial   Fault = "partial"   // only a part of a batch is read
)

// Faults lists all faults.
func Faults() []Fault { return []Fault{Throttled, Broken, Unsent, Unheard, Late, Contended, Partial} }

// latest is the longest delay of a late request.
const latest = 20 * time.Millisecond

// Network is a faulty connection to DynamoDB Local. It answers a weak read as a
// replica would that has received nothing yet: DynamoDB Local itself answers
// every read strongly.
type Network struct {
	server aws.HTTPClient
	share  float64
	faults []Fault

	mu       sync.Mutex
	random   *rand.Rand
	happened map[Fault]int
	late     sync.WaitGroup
}

// NewNetwork returns a network on which this share of the requests (0: none)
// fails with these faults, and a client behind it that tries each request three
// times.
func NewNetwork(t testing.TB, client *dynamodb.Client, seed uint64, share float64, faults ...Fault) (*Network, *dynamodb.Client) {
	t.Helper()
	n := &Network{
		server: client.Options().HTTPClient, share: share, faults: faults,
		random: rand.New(rand.NewPCG(seed, 0)), happened: map[Fault]int{}, //nolint:gosec // no secret
	}
	t.Cleanup(n.Settle)
	return n, dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.HTTPClient = n
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
}

// Happened is the number of times that each fault occurred.
func (n *Network) Happened() map[Fault]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.happened)
}

// Settle waits for all late requests.
func (n *Network) Settle() { n.late.Wait() }

var errConnection = errors.New("the connection was reset")

// Do sends a request to DynamoDB Local, or fails as DynamoDB would.
func (n *Network) Do(req *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if answer := fromALaggingReplica(operation, body); answer != "" {
		return respond(http.StatusOK, answer), nil
	}
	fault, delay := n.draw(operation)
	switch fault {
	case Throttled:
		return respond(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}`), nil
	case Broken:
		return respond(http.StatusInternalServerError, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"broken"}`), nil
	case Contended:
		return respond(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"cancelled",`+
			`"CancellationReasons":[{"Code":"TransactionConflict"}`+strings.Repeat(`,{"Code":"None"}`, bytes.Count(body, []byte(`"TableName"`))-1)+`]}`), nil
	case Unsent:
		return nil, errConnection
	case Unheard:
		n.carry(req, body)
		return nil, errConnection
	case Late:
		n.late.Go(func() {
			time.Sleep(delay)
			n.carry(req, body)
		})
		return nil, errConnection
	case Partial:
		return n.carryInPart(req, body)
	}
	return n.server.Do(copyOf(req.Context(), req, body))
}

// draw decides the fate of a request.
func (n *Network) draw(operation string) (Fault, time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	possible := slices.DeleteFunc(slices.Clone(n.faults), func(f Fault) bool {
		return f == Contended && operation != "TransactWriteItems" || f == Partial && operation != "BatchGetItem"
	})
	if len(possible) == 0 || n.random.Float64() >= n.share {
		return "", 0
	}
	fault := possible[n.random.IntN(len(possible))]
	n.happened[fault]++
	return fault, time.Duration(n.random.Int64N(int64(latest)))
}

// carry carries out a request whose answer is lost.
func (n *Network) carry(req *http.Request, body []byte) {
	resp, err := n.server.Do(copyOf(context.WithoutCancel(req.Context()), req, body))
	if err == nil {
		resp.Body.Close()
	}
}

func copyOf(ctx context.Context, req *http.Request, body []byte) *http.Request {
	request := req.Clone(ctx)
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return request
}

// keysOf are the keys that a BatchGetItem requests of one table.
type keysOf struct {
	Keys           []json.RawMessage
	ConsistentRead bool
}

// carryInPart leaves the second half of a batch unprocessed, or its only key.
func (n *Network) carryInPart(req *http.Request, body []byte) (*http.Response, error) {
	var asked struct{ RequestItems map[string]keysOf }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	answered := map[string]any{"Responses": map[string]any{}}
	left := map[string]keysOf{}
	for table, keys := range asked.RequestItems {
		half := len(keys.Keys) / 2
		left[table] = keysOf{keys.Keys[half:], keys.ConsistentRead}
		if half == 0 {
			continue
		}
		firstHalf, err := json.Marshal(map[string]any{"RequestItems": map[string]keysOf{table: {keys.Keys[:half], keys.ConsistentRead}}})
		if err != nil {
			return nil, err
		}
		resp, err := n.server.Do(copyOf(req.Context(), req, firstHalf))
		if err != nil {
			return nil, err
		}
		err = json.NewDecoder(resp.Body).Decode(&answered)
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	answered["UnprocessedKeys"] = left
	answer, err := json.Marshal(answered)
	return respond(http.StatusOK, string(answer)), err
}

// fromALaggingReplica is the answer to a weak read; "" for a strong read. An
// index has no strong reads.
func fromALaggingReplica(operation string, body []byte) string {
	if bytes.Contains(body, []byte(`"ConsistentRead":true`)) || bytes.Contains(body, []byte(`"IndexName"`)) {
		return ""
	}
	switch operation {
	case "GetItem":
		return `{}`
	case "BatchGetItem":
		return `{"Responses":{},"UnprocessedKeys":{}}`
	case "Query", "Scan":
		return `{"Items":[],"Count":0,"ScannedCount":0}`
	}
	return ""
}

func respond(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
