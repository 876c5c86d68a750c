// Package client asks the tools' API before a message is sent. It fails closed
// by construction: the zero Answer says no, nobody outside can make one that
// says yes, and whatever is not a whole and well-formed answer of status 200,
// with as many results as were asked for, is an error under which every Answer
// says no. Calls are repeated where the API is busy or its store is down, as
// long as the context allows. No error and no printed Client shows the API key.
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
	base string
	key  func() string // a function, so that no way of printing a Client shows it
	http *http.Client
}

// perAttempt is a little longer than the gateway waits for an answer.
const perAttempt = 35 * time.Second

// New returns a client of the API at this address ("https://host", without
// /v1) with a tool's key. Plain http is for this machine only. A nil transport
// is http.DefaultTransport.
func New(base, apiKey string, transport http.RoundTripper) (*Client, error) {
	at, err := url.Parse(base)
	switch {
	case err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "":
		return nil, errors.New("client: the address of the API must be like https://host")
	case at.Scheme != "https" && (at.Scheme != "http" || !thisMachine(at.Hostname())):
		return nil, errors.New("client: the API key would travel in the clear: use https")
	case apiKey == "" || strings.ContainsFunc(apiKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("client: that is no API key")
	}
	return &Client{
		base: strings.TrimSuffix(base, "/"),
		key:  func() string { return apiKey },
		http: &http.Client{
			Transport: transport,
			Timeout:   perAttempt,
			// A redirect is no answer, and must not get the key.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func thisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Format implements fmt.Formatter: whatever the verb, it prints the address.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "client of "+c.base) }

// Error is an answer that is not 200.
type Error struct {
	Status int
	Title  string  // what the API says of it, if it does
	Faults []Fault // every bad field, where Status is 400
}

// Fault is one bad field of a request. The pointer is one into the call of up
// to a thousand contacts that it was found in.
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

// ErrAnswer is wrapped by errors about an answer of status 200 that is not
// what was asked for.
var ErrAnswer = errors.New("the API's answer cannot be used")
