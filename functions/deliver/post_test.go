package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestOnlyAStatusOfSuccessIsTaken(t *testing.T) {
	redirected := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/elsewhere":
			redirected = true
		case r.URL.Path == "/redirects":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case err != nil || string(body) != "{}" || r.Method != http.MethodPost || r.Header.Get("webhook-id") != "id":
			w.WriteHeader(http.StatusBadRequest)
		case r.URL.Path == "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		case r.URL.Path == "/fails":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	for path, want := range map[string]string{"/": "", "/endless": "", "/fails": "the receiver answered 503", "/redirects": "the receiver answered 307"} {
		err := newClient(true).post(t.Context(), server.URL+path, map[string]string{"Webhook-Id": "id"}, []byte("{}"))
		if got := ""; err != nil && err.Error() != want || err == nil && want != got {
			t.Errorf("%s: error %v", path, err)
		}
	}
	if redirected {
		t.Error("a redirect is followed")
	}
}

func TestNoCallReachesAPrivateAddress(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	for _, url := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), strings.Replace(server.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		if err := newClient(false).post(t.Context(), url, nil, nil); !errors.Is(err, errPrivate) || called {
			t.Errorf("%s: error %v, called %v", url, err, called)
		}
	}
}

func TestAnErrorHoldsNothingOfTheURL(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted := server.URL + "/token"
	closed := httptest.NewServer(http.NotFoundHandler())
	refused := closed.URL + "/token"
	closed.Close()
	ended, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for _, test := range []struct {
		ctx  context.Context
		url  string
		want error
	}{{t.Context(), untrusted, errTLS}, {t.Context(), refused, errRefused}, {ended, refused, errTimeout}, {t.Context(), "https://%zz/token", errUnknown}} {
		err := newClient(true).post(test.ctx, test.url, nil, nil)
		if !errors.Is(err, test.want) || strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("error %v, want %v", err, test.want)
		}
	}
	server.Close()
}
