package apitest

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/scope"

	"github.com/google/go-cmp/cmp"
)

// Front checks the refusals of every call of the tools' API: a good request is
// refused without the key, without the right or the scope, with a body that is
// too large or not JSON, and after the key was revoked.
func Front(t *testing.T, right access.Right, good string, call func(h *House) api.Call) {
	t.Helper()
	for _, test := range []struct {
		name   string
		change func(*House, *gateway.Request)
		status int
		title  string // how it ends
	}{
		{"a request that is answered", func(*House, *gateway.Request) {}, http.StatusOK, ""},
		{"no key", func(_ *House, r *gateway.Request) { r.Headers = nil }, http.StatusUnauthorized, "a valid API key is needed"},
		{"another scheme", func(h *House, r *gateway.Request) { r.Headers["authorization"] = "Basic " + h.APIKey }, http.StatusUnauthorized, "a valid API key is needed"},
		{"a key that was revoked", func(h *House, _ *gateway.Request) { h.Tool.RevokedAt = h.Now }, http.StatusUnauthorized, "a valid API key is needed"},
		{"every right but this one", func(h *House, _ *gateway.Request) { h.Tool.Rights = without(right) }, http.StatusForbidden, `it lacks the right "` + string(right) + `"`},
		{"every scope but this one", func(h *House, _ *gateway.Request) { h.Tool.Scopes = []scope.Scope{"globex"} }, http.StatusForbidden, `it lacks the scope "acme"`},
		{"a body that is too large", func(_ *House, r *gateway.Request) { r.Body += strings.Repeat(" ", api.MaxBody) }, http.StatusRequestEntityTooLarge, "bytes"},
		{"a body that is cut off", func(_ *House, r *gateway.Request) { r.Body = r.Body[:len(r.Body)-1] }, http.StatusBadRequest, "not valid JSON"},
		{"a table of tools that does not answer", func(h *House, _ *gateway.Request) { h.ToolsErr = errors.New("the store is down") }, http.StatusServiceUnavailable, "as if the answer were no"},
		{"keys that cannot be read", func(h *House, _ *gateway.Request) { h.KeysErr = errors.New("the store is down") }, http.StatusServiceUnavailable, "as if the answer were no"},
	} {
		t.Run("front: "+test.name, func(t *testing.T) {
			h := New(t)
			req := h.Post(good)
			test.change(h, &req)
			title := Body[struct{ Title string }](t, h.Serve(t, call(h), req), test.status).Title
			if !strings.HasSuffix(title, test.title) {
				t.Errorf("title %q, want the ending %q", title, test.title)
			}
		})
	}
	t.Run("front: a key stops working within a minute of its revocation", func(t *testing.T) {
		h := New(t)
		guard := access.NewGuard(tools{h}, func() time.Time { return h.Now })
		serve := api.Serve(guard, h.Log, call(h))
		for _, step := range []struct{ after, revoked time.Duration }{{0, 0}, {time.Second, time.Second}, {60 * time.Second, 0}} {
			h.Now = h.Now.Add(step.after)
			if step.revoked > 0 {
				h.Tool.RevokedAt = h.Now
			}
			resp, err := serve(t.Context(), h.Post(good))
			must(t, err)
			late := step.after >= time.Minute
			if refused := resp.StatusCode == http.StatusUnauthorized; late && !refused || step.after == 0 && resp.StatusCode != http.StatusOK {
				t.Errorf("%v after: status %d", step.after, resp.StatusCode)
			}
		}
	})
}

func without(right access.Right) []access.Right {
	var rights []access.Right
	for _, r := range access.Rights() {
		if r != right {
			rights = append(rights, r)
		}
	}
	return rights
}

// EachEvent hands every event of a function to check, with what is wanted of the
// event. Both must have the same names.
func EachEvent[W any](t *testing.T, function string, want map[string]W, check func(t *testing.T, h *House, req gateway.Request, want W)) {
	t.Helper()
	names := Events(t, function)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			h := New(t)
			var req gateway.Request
			h.Event(t, name, &req)
			check(t, h, req, want[name])
		})
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), names); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
}
