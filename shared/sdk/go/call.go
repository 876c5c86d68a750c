package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Limits of one call, and of one answer that is read.
const (
	atOnce  = 1000
	longest = 8 << 20
)

// attempts is how often a call is made before it has failed.
const attempts = 5

// results makes one call for each thousand contacts and returns their results
// in the order asked. After an error, contacts without a result have the zero
// one.
func results[Wire, Result any](ctx context.Context, c *Client, route string, contacts []Contact, request func([]Contact) any, read func(Contact, Wire) (Result, error)) ([]Result, error) {
	all := make([]Result, len(contacts))
	if c == nil {
		return all, errNoClient
	}
	done := 0
	for part := range slices.Chunk(contacts, atOnce) {
		wires, err := ask[Wire](ctx, c, route, request(part), len(part))
		if err != nil {
			return all, fmt.Errorf("%s: %w", route, err)
		}
		for i, wire := range wires {
			if all[done], err = read(part[i], wire); err != nil {
				return all, fmt.Errorf("%s: %w: result %d %w", route, ErrAnswer, done, err)
			}
			done++
		}
	}
	return all, nil
}

// ask makes one call and returns its n results.
func ask[Wire any](ctx context.Context, c *Client, route string, request any, n int) ([]Wire, error) {
	var answer struct {
		AsOf    *time.Time `json:"asOf"`
		Results []Wire     `json:"results"`
	}
	if err := c.call(ctx, route, request, &answer); err != nil {
		return nil, err
	}
	if answer.AsOf == nil && route == checkRoute {
		return nil, fmt.Errorf("%w: it has no time", ErrAnswer)
	}
	if len(answer.Results) != n {
		return nil, fmt.Errorf("%w: %d results for %d contacts", ErrAnswer, len(answer.Results), n)
	}
	return answer.Results, nil
}

// call posts a request, and again while the answer is to try later.
func (c *Client) call(ctx context.Context, route string, request, answer any) error {
	// Refuses text that is no UTF-8 rather than asking about another address.
	body, err := json.Marshal(request)
	if err != nil {
		return errors.New("a text of the request is not UTF-8")
	}
	for n := range attempts {
		var wait time.Duration
		wait, err = c.once(ctx, route, body, answer)
		if err == nil || wait < 0 || n == attempts-1 {
			break
		}
		if wait == 0 {
			wait = backoff(n)
		}
		if !pause(ctx, wait) {
			break
		}
	}
	return err
}

// now is how long to wait where the answer says to repeat the call at once.
const now = time.Nanosecond

// once makes one attempt. After an error it returns how long to wait before the
// next attempt: 0 if the API does not say, less than 0 if another attempt would
// not help.
func (c *Client) once(ctx context.Context, route string, body []byte, answer any) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+route, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key())
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return -1, c.redacted(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, longest+1))
	if resp.StatusCode != http.StatusOK {
		wait := time.Duration(-1)
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
			wait = retryAfter(resp.Header.Get("Retry-After"))
		}
		return wait, c.refusal(resp.StatusCode, text)
	}
	switch kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); {
	case err != nil:
		return -1, fmt.Errorf("%w: it was cut off", ErrAnswer)
	case len(text) > longest:
		return -1, fmt.Errorf("%w: it is too long", ErrAnswer)
	case kind != "application/json":
		return -1, fmt.Errorf("%w: it is not JSON", ErrAnswer)
	}
	// Unlike encoding/json, this package takes a name in one case only, and
	// refuses an object with a name twice.
	if json.Unmarshal(text, answer) != nil {
		return -1, fmt.Errorf("%w: it is not the JSON of this call", ErrAnswer)
	}
	return 0, nil
}

// refusal is what an answer other than 200 says.
func (c *Client) refusal(status int, text []byte) error {
	var problem struct {
		Title  string  `json:"title"`
		Errors []Fault `json:"errors"`
	}
	if json.Unmarshal(text, &problem) != nil {
		return &Error{Status: status}
	}
	refused := &Error{Status: status, Title: c.without(problem.Title)}
	for _, f := range problem.Errors {
		refused.Faults = append(refused.Faults, Fault{Pointer: c.without(f.Pointer), Detail: c.without(f.Detail)})
	}
	return refused
}

// without returns another's text without the key.
func (c *Client) without(text string) string { return strings.ReplaceAll(text, c.key(), "[API key]") }

// redacted returns a transport's error, or its text without the key.
func (c *Client) redacted(err error) error {
	if strings.Contains(err.Error(), c.key()) {
		return errors.New(c.without(err.Error()))
	}
	return err
}

// retryAfter reads the header's seconds. The API writes no dates.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.ParseUint(header, 10, 16)
	if err != nil {
		return 0
	}
	return max(time.Duration(seconds)*time.Second, now)
}

// backoff doubles with every attempt, from about a quarter of a second.
func backoff(n int) time.Duration {
	ceiling := 500 * time.Millisecond << n
	return ceiling/2 + rand.N(ceiling/2) //nolint:gosec // jitter, no secret
}

// pause waits, unless the context ends earlier.
func pause(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
