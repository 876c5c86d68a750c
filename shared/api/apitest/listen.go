package apitest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"stille/shared/api"
	"stille/shared/api/gateway"
	"stille/shared/sdk/go"
)

// Client returns the Go client of a server that answers the call's route, with the
// house's key. The client makes each call once, however long it takes.
func (h *House) Client(t testing.TB, call api.Call) *client.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+h.route, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		resp := h.Serve(t, call, gateway.Request{Body: string(body), Headers: map[string]string{"authorization": r.Header.Get("Authorization")}})
		for name, value := range resp.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.WriteString(w, resp.Body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	made, err := client.New(server.URL, h.APIKey, client.WithTimeout(time.Hour), client.WithRetries(0), client.WithClock(func() time.Time { return h.Now }))
	must(t, err)
	return made
}
