// Package gateway reads requests and writes answers of API Gateway's HTTP APIs
// (payload format 2.0): bodies with a limit, JSON that names every bad field at
// once, problems (RFC 9457), and an answer after a panic. It promises that no
// answer is the runtime's error text and that no log line holds content of a
// request. It knows no route and no rule.
package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Request is what functions read of a request that an HTTP API passes to them. The
// names of Headers are in lower case.
type Request struct {
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Headers        map[string]string `json:"headers"`
	RequestContext struct {
		TimeEpoch int64 `json:"timeEpoch"` // when the request arrived, in milliseconds
		HTTP      struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

// Response is the answer that an HTTP API takes from a function.
type Response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

// Handler answers one request. It never returns an error: for an error, API
// Gateway would show the caller a bare 500.
type Handler func(ctx context.Context, req Request) (Response, error)

// leniency reads and writes what passes the HTTP API as it is: Decode and the handlers
// look at a request's text.
func leniency() json.Options {
	return json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
}

// Invoke answers an event as Lambda's runtime passes it.
func (h Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var req Request
	if err := json.Unmarshal(event, &req, leniency()); err != nil {
		return nil, errors.New("the event is not that of an HTTP API") // the cause might quote a request
	}
	resp, err := h(ctx, req)
	if err != nil {
		return nil, err
	}
	return json.Marshal(resp, leniency())
}

var (
	// ErrTooLarge means that a body is longer than its limit.
	ErrTooLarge = errors.New("the body is too large")
	// ErrNotBase64 means that a body is marked as base64 and is not base64.
	ErrNotBase64 = errors.New("the body is marked as base64 and is not base64")
)

// Body returns the bytes of the body, at most limit of them. Its error is
// ErrTooLarge or ErrNotBase64.
func Body(req Request, limit int) ([]byte, error) {
	if !req.IsBase64Encoded {
		if len(req.Body) > limit {
			return nil, ErrTooLarge
		}
		return []byte(req.Body), nil
	}
	// Padding makes the estimate up to two bytes too long.
	if base64.StdEncoding.DecodedLen(len(req.Body)) > limit+2 {
		return nil, ErrTooLarge
	}
	body, err := base64.StdEncoding.DecodeString(req.Body)
	switch {
	case err != nil:
		return nil, ErrNotBase64
	case len(body) > limit:
		return nil, ErrTooLarge
	}
	return body, nil
}

// Recovered returns a handler that answers as h does, and after a panic of h as
// onPanic does. The log gets the panic's type and the stack, because the panic's
// text might quote the request.
func Recovered(log *slog.Logger, h Handler, onPanic func() Response) Handler {
	return func(ctx context.Context, req Request) (resp Response, err error) {
		defer func() {
			if p := recover(); p != nil {
				log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				resp, err = onPanic(), nil
			}
		}()
		return h(ctx, req)
	}
}
