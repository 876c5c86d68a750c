package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
)

func TestABodyIsReadUpToItsLimit(t *testing.T) {
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	cases := []struct {
		name string
		req  gateway.Request
		want string
		err  error
	}{
		{"no body", gateway.Request{}, "", nil},
		{"plain text", gateway.Request{Body: "12345678"}, "12345678", nil},
		{"plain text, a byte too long", gateway.Request{Body: "123456789"}, "", gateway.ErrTooLarge},
		{"base64", gateway.Request{Body: encoded("1234567"), IsBase64Encoded: true}, "1234567", nil},
		{"base64 of exactly the limit", gateway.Request{Body: encoded("12345678"), IsBase64Encoded: true}, "12345678", nil},
		{"base64, a byte too long", gateway.Request{Body: encoded("123456789"), IsBase64Encoded: true}, "", gateway.ErrTooLarge},
		{"base64, far too long", gateway.Request{Body: encoded(strings.Repeat("x", 99)), IsBase64Encoded: true}, "", gateway.ErrTooLarge},
		{"what is no base64", gateway.Request{Body: "a=b&", IsBase64Encoded: true}, "", gateway.ErrNotBase64},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := gateway.Body(c.req, 8)
			if diff := cmp.Diff(c.want, string(got)); diff != "" || !errors.Is(err, c.err) {
				t.Errorf("want error %v, got %v %s", c.err, err, diff)
			}
		})
	}
}

func TestAPanicsTextIsNotLogged(t *testing.T) {
	var logged bytes.Buffer
	failing := func(context.Context, gateway.Request) (gateway.Response, error) { panic("content of the request") }
	h := gateway.Recovered(slog.New(slog.NewJSONHandler(&logged, nil)), failing, func() gateway.Response {
		return gateway.Problem(500, "internal error")
	})

	resp, err := h(t.Context(), gateway.Request{})

	if err != nil || resp.StatusCode != 500 {
		t.Errorf("want 500 and no error, got %d and %v", resp.StatusCode, err)
	}
	if !strings.Contains(logged.String(), `"type":"string"`) || strings.Contains(logged.String(), "content of the request") {
		t.Error("the log must have the panic's type, not its text")
	}
}

func TestAProblemHasItsOwnContentType(t *testing.T) {
	resp := gateway.Problem(400, "bad request", gateway.Fault{Pointer: "/scope", Detail: "is needed"})

	want := `{"title":"bad request","status":400,"errors":[{"pointer":"/scope","detail":"is needed"}]}` + "\n"
	if diff := cmp.Diff(want, resp.Body); diff != "" {
		t.Error(diff)
	}
	wantHeaders := map[string]string{
		"content-type": "application/problem+json", "cache-control": "no-store", "x-content-type-options": "nosniff",
	}
	if diff := cmp.Diff(wantHeaders, resp.Headers); diff != "" {
		t.Error(diff)
	}
}

func TestSomeProblemsSayWhatToDoNext(t *testing.T) {
	if got := gateway.Problem(401, "unauthenticated").Headers["www-authenticate"]; got != "Bearer" {
		t.Errorf("401: got %q", got)
	}
	if got := gateway.Problem(503, "the store is down").Headers["retry-after"]; got == "" {
		t.Error("503 without Retry-After")
	}
}

func TestTheFirstFaultOfAFieldIsKept(t *testing.T) {
	resp := gateway.Problem(400, "bad request",
		gateway.Fault{Pointer: "/contacts/1", Detail: "must be an object"},
		gateway.Fault{Pointer: "/contacts/1/address", Detail: "is needed"},
		gateway.Fault{Pointer: "/contacts/10/address", Detail: "is needed"},
		gateway.Fault{Pointer: "/contacts/1", Detail: "is needed"})

	var got struct{ Errors []gateway.Fault }
	if err := json.Unmarshal([]byte(resp.Body), &got); err != nil {
		t.Fatal(err)
	}
	want := []gateway.Fault{{Pointer: "/contacts/1", Detail: "must be an object"}, {Pointer: "/contacts/10/address", Detail: "is needed"}}
	if diff := cmp.Diff(want, got.Errors); diff != "" {
		t.Error(diff)
	}
}

func TestTooManyFaultsAreCutOff(t *testing.T) {
	faults := make([]gateway.Fault, 0, 9000)
	for i := range 9000 {
		faults = append(faults, gateway.Fault{Pointer: "/" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + strings.Repeat("y", i/50), Detail: "is not a field of this request"})
	}
	resp := gateway.Problem(400, "bad request", faults...)
	if len(resp.Body) > 5<<20 || !strings.Contains(resp.Body, "there are more faults") {
		t.Errorf("an answer of %d bytes", len(resp.Body))
	}
}

func TestAValueWithoutAJSONFormIsA500(t *testing.T) {
	if got := gateway.JSON(200, make(chan int)).StatusCode; got != 500 {
		t.Errorf("want 500, got %d", got)
	}
}

// The HTTP API passes on what a caller sent: bytes that are no UTF-8 in a header, too.
func TestAnEventOfTheHTTPAPIIsAnswered(t *testing.T) {
	echo := gateway.Handler(func(_ context.Context, req gateway.Request) (gateway.Response, error) {
		text := req.RequestContext.HTTP.Method + req.RawPath + "?" + req.RawQueryString + req.Headers["accept"] + req.Body
		return gateway.Response{StatusCode: 200, Headers: map[string]string{"content-type": "text/plain"}, Body: "<b>" + text}, nil
	})
	event := `{"version":"2.0","rawPath":"/e/x","rawQueryString":"a=b","headers":{"accept":"text/html","x-name":"K` + "\xe5" + `ri","x-name":"K"},` +
		`"requestContext":{"accountId":"1","http":{"method":"POST","path":"/e/x"},"timeEpoch":1795316400000},"body":"c","isBase64Encoded":false}`
	answer, err := echo.Invoke(t.Context(), []byte(event))
	const want = `{"statusCode":200,"headers":{"content-type":"text/plain"},"body":"<b>POST/e/x?a=btext/htmlc"}`
	if err != nil || string(answer) != want {
		t.Errorf("error %v, got %s\nwant %s", err, answer, want)
	}
}

func TestAnotherEventIsAnError(t *testing.T) {
	never := gateway.Handler(func(context.Context, gateway.Request) (gateway.Response, error) { panic("it was called") })
	if _, err := never.Invoke(t.Context(), []byte(`{"rawPath":["kari@example.no"]}`)); err == nil || strings.Contains(err.Error(), "kari") {
		t.Errorf("error %v", err)
	}
}
