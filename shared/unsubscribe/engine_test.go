package unsubscribe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// engine is DynamoDB as one stack's list and ledger meet it: a transaction takes ten
// milliseconds, and another transaction on one of its items within them is cancelled.
// It knows the calls and the conditions of package dynamo's list, and panics at any
// other.
type engine struct {
	mu    sync.Mutex
	items map[string]map[string]any // by table and key
	busy  map[string]bool           // items of a transaction that is under way
	hangs bool

	conflicts, reads, transactions int
}

const (
	readTime        = 5 * time.Millisecond
	transactionTime = 10 * time.Millisecond
)

type operation struct {
	Put *struct {
		TableName, ConditionExpression, ReturnValuesOnConditionCheckFailure string
		Item, ExpressionAttributeValues                                     map[string]any
	}
}

// Do is the HTTP client of the AWS SDK.
func (e *engine) Do(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	hangs := e.hangs
	e.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	switch _, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); call {
	case "GetItem":
		var in struct {
			TableName string
			Key       map[string]any
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		time.Sleep(readTime)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.reads++
		if found, ok := e.items[name(in.TableName, in.Key)]; ok {
			return answer(http.StatusOK, map[string]any{"Item": found}), nil
		}
		return answer(http.StatusOK, map[string]any{}), nil
	case "TransactWriteItems":
		var in struct{ TransactItems []operation }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		return e.transact(in.TransactItems), nil
	default:
		panic("the engine does not know " + call)
	}
}

func (e *engine) transact(operations []operation) *http.Response {
	keys := make([]string, len(operations))
	reasons := make([]map[string]any, len(operations))
	e.mu.Lock()
	e.transactions++
	conflict := false
	for i, o := range operations {
		keys[i] = name(o.Put.TableName, o.Put.Item)
		reasons[i] = map[string]any{"Code": "None"}
		if e.busy[keys[i]] {
			conflict, reasons[i] = true, map[string]any{"Code": "TransactionConflict"}
		}
	}
	if conflict {
		e.conflicts++
		e.mu.Unlock()
		time.Sleep(readTime)
		return cancelled(reasons)
	}
	for _, key := range keys {
		e.busy[key] = true
	}
	e.mu.Unlock()
	time.Sleep(transactionTime)
	e.mu.Lock()
	defer e.mu.Unlock()
	failed := false
	for i, o := range operations {
		delete(e.busy, keys[i])
		if stored, there := e.items[keys[i]]; !holds(o, stored, there) {
			failed, reasons[i] = true, map[string]any{"Code": "ConditionalCheckFailed"}
			if o.Put.ReturnValuesOnConditionCheckFailure == "ALL_OLD" && there {
				reasons[i]["Item"] = stored
			}
		}
	}
	if failed {
		return cancelled(reasons)
	}
	for i, o := range operations {
		e.items[keys[i]] = o.Put.Item
	}
	return answer(http.StatusOK, map[string]any{})
}

// holds tells whether the condition of a put holds: that there is no item, or that
// the item has a version and a number of touches.
func holds(o operation, stored map[string]any, there bool) bool {
	if o.Put.ConditionExpression == "attribute_not_exists(#key)" {
		return !there
	}
	same := func(attribute, value string) bool {
		return fmt.Sprint(stored[attribute]) == fmt.Sprint(o.Put.ExpressionAttributeValues[value])
	}
	return there && same("version", ":version") && same("touched", ":touched")
}

// name is an item's table and key. The ledger has a sort key.
func name(table string, key map[string]any) string {
	if strings.HasSuffix(table, "-ledger") {
		return fmt.Sprint(table, key["key"], key["version"])
	}
	return fmt.Sprint(table, key["key"])
}

// entries counts the ledger entries of each contact.
func (e *engine) entries() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	counts := map[string]int{}
	for _, key := range slices.Collect(maps.Keys(e.items)) {
		if strings.Contains(key, "-ledger") {
			counts[fmt.Sprint(e.items[key]["key"])]++
		}
	}
	return counts
}

func cancelled(reasons []map[string]any) *http.Response {
	return answer(http.StatusBadRequest, map[string]any{
		"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "cancelled", "CancellationReasons": reasons,
	})
}

func answer(status int, body any) *http.Response {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader(text)),
	}
}
