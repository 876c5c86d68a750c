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
	"regexp"
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

// fresh is how far the time of an answer may be from the caller's clock.
const fresh = 5 * time.Minute

// results makes one call for each thousand contacts and returns their results
// in the order asked. After an error, contacts without a result have the zero
// one.
func results[Wire, Result any](ctx context.Context, c *Client, route string, contacts []Contact, request func([]Contact) any, read func(Contact, Wire) (Result, error)) ([]Result, error) {
	all := make([]Result, len(contacts))
	if c == nil {
		return all, errNoClient
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
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
	if route == checkRoute && (answer.AsOf == nil || c.now().Sub(*answer.AsOf).Abs() > fresh) {
		return nil, fmt.Errorf("%w: it is not of the last five minutes: compare the clocks", ErrAnswer)
	}
	if len(answer.Results) != n {
		return nil, fmt.Errorf("%w: %d results for %d contacts", ErrAnswer, len(answer.Results), n)
	}
	return answer.Results, nil
}

// call posts a request, and again while the answer is to try later.
func (c *Client) call(ctx context.Context, route string, request, answer any) error {
	// Refuses text that is not UTF-8 rather than asking about another address.
	body, err := json.Marshal(request)
	if err != nil {
		return errors.New("a text of the request is not UTF-8")
	}
	for n := 0; ; n++ {
		wait, err := c.attempt(ctx, route, body, answer)
		if err == nil || wait == final || n >= c.retries {
			return err
		}
		if wait == unsaid {
			wait = backoff(n)
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

// How long to wait before the next attempt, where it is no time.
const (
	final  time.Duration = -1 // another attempt would not help
	unsaid time.Duration = -2 // the API does not say
)

// attempt makes one attempt. After an error it returns how long to wait before the
// next attempt.
func (c *Client) attempt(ctx context.Context, route string, body []byte, answer any) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+route, bytes.NewReader(body))
	if err != nil {
		return final, errors.New("the request cannot be made")
	}
	req.Header.Set("Authorization", "Bearer "+c.key())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // or the transport would unpack what claims to be packed
	resp, err := c.send.RoundTrip(req)
	if err != nil {
		return broken(ctx)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, longest+1))
	if resp.StatusCode != http.StatusOK {
		wait := final
		switch resp.StatusCode {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			wait = retryAfter(resp.Header.Get("Retry-After"), c.now())
		}
		return wait, c.refusal(resp.StatusCode, text)
	}
	kind := resp.Header.Get("Content-Type")
	media, _, _ := mime.ParseMediaType(kind)
	switch {
	case err != nil:
		return broken(ctx)
	case len(text) > longest:
		return final, fmt.Errorf("%w: it is too long", ErrAnswer)
	case kind != "" && media != "application/json":
		return final, fmt.Errorf("%w: it is not JSON", ErrAnswer)
	}
	// Unlike encoding/json, this package takes a name in one case only, and
	// refuses an object with a name twice.
	if json.Unmarshal(text, answer) != nil {
		return final, fmt.Errorf("%w: it is not the JSON of this call", ErrAnswer)
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
	refused := &Error{Status: status, Title: c.withhold(problem.Title)}
	for _, f := range problem.Errors {
		refused.Faults = append(refused.Faults, Fault{Pointer: c.withhold(f.Pointer), Detail: c.withhold(f.Detail)})
	}
	return refused
}

// risky is text that may hold an address or a number.
var risky = regexp.MustCompile(`@|%40|\d(?:\W*\d){4}`) //nolint:gochecknoglobals // a constant

// withhold returns the API's text, unless it may hold an address or the key.
func (c *Client) withhold(text string) string {
	if strings.Contains(text, c.key()) || risky.MatchString(text) {
		return "[withheld]"
	}
	return text
}

// broken is what an attempt returns that got no whole answer. The transport's
// error is not shown: it may hold the request.
func broken(ctx context.Context) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return final, fmt.Errorf("the API did not answer in time: %w", err)
	}
	return unsaid, errors.New("the connection to the API broke")
}

// retryAfter reads the header's seconds or date.
func retryAfter(header string, now time.Time) time.Duration {
	if digits.MatchString(header) {
		seconds, err := strconv.ParseUint(header, 10, 16)
		if err != nil {
			return time.Hour // more than any call has
		}
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0)
	}
	return unsaid
}

var digits = regexp.MustCompile(`^[0-9]+$`) //nolint:gochecknoglobals // a constant

// backoff doubles with every attempt, from about a tenth of a second.
func backoff(n int) time.Duration {
	ceiling := 200 * time.Millisecond << min(n, 10)
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
