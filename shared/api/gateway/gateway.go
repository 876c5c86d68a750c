// Package gateway is HTTP in and out of API Gateway's HTTP APIs (payload format
// 2.0): bodies with a limit, JSON that names every bad field at once, problems
// (RFC 9457), and a panic turned into an answer. It promises that no answer is
// the runtime's raw error text and that no log line carries content of a
// request. It knows no route and no rule.
package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
)

// Request is what an HTTP API hands to a function.
type Request = events.APIGatewayV2HTTPRequest

// Response is what an HTTP API takes back from one.
type Response = events.APIGatewayV2HTTPResponse

// Handler answers one request. It never returns an error: API Gateway would
// show a caller a bare 500 for it.
type Handler func(ctx context.Context, req Request) (Response, error)

var (
	// ErrTooLarge means that a body is longer than its limit.
	ErrTooLarge = errors.New("the body is too large")
	// ErrNotBase64 means that a body said to be base64 is not. There was a
	// body nevertheless.
	ErrNotBase64 = errors.New("the body is not the base64 it is said to be")
)

// Body returns the bytes the caller sent, at most limit of them. It returns
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

// Recovered returns h with its panics turned into what onPanic answers, which
// should have status 500. The log gets the panic's type and the stack: its
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
