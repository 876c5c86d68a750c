package vectorstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/sdk/go"
	"stille/shared/sdk/vectorstest"
)

// late is how much later than its time limit a call may end on a busy machine. A server
// that hangs does so for a minute.
const late = 30 * time.Second

// serve starts the server and returns its address.
func serve(t *testing.T) ([]vectorstest.Vector, string) {
	t.Helper()
	all, err := vectorstest.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 300 {
		t.Fatalf("there are %d vectors", len(all))
	}
	server, stop, err := vectorstest.Serve(all, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return all, server.URL
}

func TestTheGoClientDoesWhatTheVectorsSay(t *testing.T) {
	t.Parallel()
	all, url := serve(t)
	places := make(chan struct{}, 16)
	var running sync.WaitGroup
	for n, v := range all {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if err := play(t.Context(), v, fmt.Sprintf("%s/%d", url, n)); err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
		})
	}
	running.Wait()
}

// play makes the calls of a vector.
func play(ctx context.Context, v vectorstest.Vector, base string) error {
	limit := 5 * time.Second
	if v.Timeout > 0 {
		limit = time.Duration(v.Timeout) * time.Millisecond
	}
	options := []client.Option{client.WithTimeout(limit)}
	if v.Retries != nil {
		options = append(options, client.WithRetries(*v.Retries))
	}
	c, err := client.New(base+"//", vectorstest.Key, options...)
	if err != nil {
		return err
	}
	for i, call := range v.Calls {
		began := time.Now()
		got, err := do(ctx, c, call)
		if took := time.Since(began); took > limit+late {
			return fmt.Errorf("call %d took %v", i, took)
		}
		shown := fmt.Sprintf("%v %+v %v", c, c, err)
		if strings.Contains(shown, "example.no") || strings.Contains(shown, "912") || strings.Contains(shown, vectorstest.Key) {
			return errors.New("an address or the key is shown")
		}
		if diff := cmp.Diff(wanted(call, got), got); diff != "" {
			return fmt.Errorf("call %d, error %w (-want +got)\n%s", i, err, diff)
		}
	}
	return seen(ctx, v, base)
}

// seen compares what the server saw.
func seen(ctx context.Context, v vectorstest.Vector, base string) error {
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/seen", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(asked)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var s vectorstest.Seen
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		return err
	}
	if s.Wrong != "" || v.Requests != nil && s.Requests != *v.Requests {
		return fmt.Errorf("the server saw %d requests, and %q", s.Requests, s.Wrong)
	}
	return nil
}

type arguments struct {
	Scope, Purpose, Require, Lang, Reason, Note, Evidence, Channel, Address string
	At, ConsentedAt                                                         time.Time
	Contacts                                                                people
}

// people are contacts, or a number of made-up ones.
type people []client.Contact

func (p *people) UnmarshalJSON(text []byte) error {
	var count int
	if json.Unmarshal(text, &count) != nil {
		return json.Unmarshal(text, (*[]client.Contact)(p))
	}
	for n := range count {
		*p = append(*p, client.Contact{Channel: client.Email, Address: fmt.Sprintf("k%d@example.no", n)})
	}
	return nil
}

// do makes a call and returns what came, as the JSON of the vectors.
func do(ctx context.Context, c *client.Client, call vectorstest.Call) (any, error) {
	var with arguments
	if err := json.Unmarshal(call.With, &with); err != nil {
		return nil, err
	}
	var results any
	var err error
	switch call.Call {
	case "maySend":
		return c.MaySend(ctx, with.Channel, with.Address, with.Scope), nil
	case "check":
		checked, err := c.Check(ctx, client.Question{Scope: with.Scope, Purpose: with.Purpose, Require: with.Require, Contacts: with.Contacts})
		told := make([]any, len(checked))
		for i, r := range checked {
			told[i] = map[string]any{"send": r.MaySend(), "reason": r.Reason, "scope": r.Scope, "since": since(r), "key": r.Key,
				"basis": r.Basis, "basisUntil": r.BasisUntil, "evidence": r.Evidence}
		}
		return told, err
	case "links":
		results, err = c.Links(ctx, client.LinkOrder{Scope: with.Scope, Lang: with.Lang, Contacts: with.Contacts})
	case "suppress":
		results, err = c.Suppress(ctx, client.OptOut{Scope: with.Scope, Reason: with.Reason, At: with.At, Note: with.Note, Contacts: with.Contacts})
	case "release":
		results, err = c.Release(ctx, client.Consent{Scope: with.Scope, ConsentedAt: with.ConsentedAt, Evidence: with.Evidence, Contacts: with.Contacts})
	}
	if err != nil {
		return "error", err
	}
	text, err := json.Marshal(results)
	if err != nil {
		return nil, err
	}
	var told any
	err = json.Unmarshal([]byte(strings.NewReplacer(`"Added"`, `"added"`, `"Suppressed"`, `"suppressed"`, `"Released"`, `"released"`, `"Reason"`, `"reason"`, `"Key"`, `"key"`).Replace(string(text))), &told)
	return told, err
}

func since(r client.Result) string {
	if r.Since.IsZero() {
		return ""
	}
	return r.Since.UTC().Format(time.RFC3339)
}

// wanted is what came, with the members that the vector names replaced by what
// they must be.
func wanted(call vectorstest.Call, got any) any {
	var expect any
	if err := json.Unmarshal(call.Expect, &expect); err != nil {
		return err
	}
	came, isList := got.([]any)
	each, isEach := expect.(map[string]any)
	if expect == "unavailable" {
		each, isEach = map[string]any{"send": false, "reason": "unavailable"}, true
	}
	list, _ := expect.([]any)
	if !isList || !isEach && len(list) != len(came) {
		return expect
	}
	merged := make([]any, len(came))
	for i, result := range came {
		if !isEach {
			each, _ = list[i].(map[string]any)
		}
		members := map[string]any{}
		for name, value := range result.(map[string]any) {
			members[name] = value
		}
		for name, value := range each {
			if value == nil {
				value = ""
			}
			members[name] = value
		}
		merged[i] = members
	}
	return merged
}
