package deployment_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stille/shared/aws/deployment"
	"stille/shared/feedback/hook"
)

func TestHookIsCalledAsTheProviderCallsIt(t *testing.T) {
	var got, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, body = r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("webhook-id"), string(read)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	call := hook.Sample{Request: hook.Request{URL: server.URL + "/in/p?key=hush", Header: map[string]string{"webhook-id": "1"}, Body: []byte("x")}}
	for form, want := range map[bool]string{false: "application/json", true: "application/x-www-form-urlencoded"} {
		call.Form = form
		status, err := deployment.CallHook(t.Context(), call)
		if err != nil || status != http.StatusFound || got != "POST /in/p?key=hush "+want+" 1" || body != "x" {
			t.Errorf("status %d, error %v: called as %q with %q", status, err, got, body)
		}
	}
	server.Close()
	if _, err := deployment.CallHook(t.Context(), call); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody answers: %v", err)
	}
	call.URL = "://hush"
	if _, err := deployment.CallHook(t.Context(), call); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("no address: %v", err)
	}
}
