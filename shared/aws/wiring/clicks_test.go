package wiring

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/contact"
)

func TestOnlyAStoredClickIsTimed(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		method  string
		status  int
		arrived int64
		want    string
	}{
		"a stored click":              {http.MethodPost, http.StatusOK, at.UnixMilli() - 37, `"channel":"email","ClickToEnforced":37,`},
		"a gateway whose clock leads": {http.MethodPost, http.StatusOK, at.UnixMilli() + 5, `"ClickToEnforced":0,`},
		"a click that waits":          {http.MethodPost, http.StatusServiceUnavailable, at.UnixMilli() - 37, ""},
		"a page":                      {http.MethodGet, http.StatusOK, at.UnixMilli() - 37, ""},
		"an unknown arrival":          {http.MethodPost, http.StatusOK, 0, ""},
	} {
		var logs bytes.Buffer
		serve := timed(func(context.Context, gateway.Request) (gateway.Response, error) {
			return gateway.Response{StatusCode: test.status}, nil
		}, contact.Email, slog.New(slog.NewJSONHandler(&logs, nil)), func() time.Time { return at })
		var req gateway.Request
		req.RequestContext.HTTP.Method, req.RequestContext.TimeEpoch = test.method, test.arrived
		if answer, err := serve(t.Context(), req); err != nil || answer.StatusCode != test.status {
			t.Errorf("%s: status %d, error %v", name, answer.StatusCode, err)
		}
		if got := logs.String(); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: it logs %q, want %q", name, got, test.want)
		}
	}
}
