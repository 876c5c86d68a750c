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

	"github.com/aws/aws-lambda-go/events"
)

// Request is a request as an HTTP API passes it to a function.
type Request = events.APIGatewayV2HTTPRequest

// Response is the answer that an HTTP API takes from a function.
type Response = events.APIGatewayV2HTTPResponse

// Handler answers one request. It never returns an error: for an error, API
// Gateway would show the caller a bare 500.
type Handler func(ctx context.Context, req Request) (Response, error)

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
