// Package client asks the tools' API before a message is sent. It fails closed
// by construction: a nil Client and the zero Result say no, no other package
// can make a Result that says yes, and any answer but a whole and well-formed
// one of status 200, with one result for each contact, is an error under which
// every Result says no. Members of an answer that the client does not know are
// ignored. A call is retried while the API is busy or the connection breaks, as
// long as its time limit allows. No error and no printed value shows the API key
// or an address.
//
// The API's OpenAPI file is shared/api/openapi.yaml.
package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client is one tool's access to the API. It is safe for concurrent use.
type Client struct {
	base    string
	key     func() string     // a function, so that no way of printing a Client shows it
	send    http.RoundTripper // not an http.Client: a redirect is not an answer, and must not get the key
	timeout time.Duration
	retries int
	now     func() time.Time
	seen    *keys
}

// Option changes how a Client works.
type Option func(*Client)

// WithTimeout limits how long one call may take as a whole, with its retries
// (10 seconds). A context may end a call earlier.
func WithTimeout(limit time.Duration) Option { return func(c *Client) { c.timeout = limit } }

// WithRetries limits how often a call is repeated (2).
func WithRetries(n int) Option { return func(c *Client) { c.retries = n } }

// WithClock compares the time of an answer with a clock other than time.Now.
func WithClock(now func() time.Time) Option { return func(c *Client) { c.now = now } }

// WithTransport sends requests through a transport other than
// http.DefaultTransport.
func WithTransport(transport http.RoundTripper) Option {
	return func(c *Client) {
		if transport != nil {
			c.send = transport
		}
	}
}

// New returns a client of the API at this address ("https://host", without
// /v1) with a tool's key. Plain http is for this machine only. After an error
// the client is nil, and says no.
func New(base, apiKey string, options ...Option) (*Client, error) {
	at, err := url.Parse(base)
	switch {
	case err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "":
		return nil, errors.New("client: the address of the API must be like https://host")
	case at.Scheme != "https" && (at.Scheme != "http" || !isLoopback(at.Hostname())):
		return nil, errors.New("client: the API key would travel in the clear: use https")
	case apiKey == "" || strings.ContainsFunc(apiKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("client: the API key must be printable ASCII without spaces")
	}
	c := &Client{
		base:    strings.TrimRight(base, "/"),
		key:     func() string { return apiKey },
		send:    http.DefaultTransport,
		timeout: 10 * time.Second,
		retries: 2,
		now:     time.Now, //nolint:forbidigo // a sender is not asked for a clock
		seen:    newKeys(),
	}
	for _, option := range options {
		option(c)
	}
	return c, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Format implements fmt.Formatter: every verb prints the address alone.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "client of "+c.base) }

// Error is an answer with another status than 200.
type Error struct {
	Status int
	Title  string  // of the API's problem, if there is one
	Faults []Fault // every bad field, where Status is 400
}

// Fault is one bad field of a request. The pointer counts contacts within one
// call, which has up to a thousand.
type Fault struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error names the status, the title and the bad fields.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the API answered %d", e.Status)
	if e.Title != "" {
		b.WriteString(": " + e.Title)
	}
	for _, f := range e.Faults {
		fmt.Fprintf(&b, "; %s %s", f.Pointer, f.Detail)
	}
	return b.String()
}

var errNoClient = errors.New("there is no client: New returned an error")

// ErrAnswer is wrapped by errors about an answer of status 200 that does not fit
// the request.
var ErrAnswer = errors.New("the API's answer cannot be used")
