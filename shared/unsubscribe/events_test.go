package unsubscribe_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/contact"
)

// load reads an event and puts a token in the place of TOKEN.
func load(t *testing.T, name, token string) gateway.Request {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "events", name))
	must(t, err)
	var req gateway.Request
	must(t, json.Unmarshal([]byte(strings.ReplaceAll(string(content), "TOKEN", token)), &req))
	return req
}

func TestEventsOfAPIGatewayAreAnswered(t *testing.T) {
	type answer struct {
		Status   int
		Language string // of a page
		Stopped  bool
	}
	cases := map[string]answer{
		"unsubscribe-email.page-get.json":   {200, "nb", false},
		"unsubscribe-email.page-head.json":  {200, "en", false},
		"unsubscribe-email.page-post.json":  {200, "nb", true},
		"unsubscribe-email.page-undo.json":  {200, "nb", false},
		"unsubscribe-email.one-click.json":  {200, "", true},
		"unsubscribe-email.multipart.json":  {200, "", true},
		"unsubscribe-email.empty-post.json": {200, "", true},
		"unsubscribe-sms.page-get.json":     {200, "nb", false},
		"unsubscribe-sms.page-post.json":    {200, "en", true},
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "events", "unsubscribe-*.json"))
	must(t, err)
	if len(files) != len(cases) {
		t.Errorf("%d events, %d of them tested", len(files), len(cases))
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ch := contact.Email
			if strings.HasPrefix(name, "unsubscribe-sms") {
				ch = contact.SMS
			}
			resp := w.send(t, load(t, name, w.path(t, ch, acmeID)[3:]))
			got := answer{resp.StatusCode, resp.Headers["content-language"], w.stopped(t, ch, "acme")}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			w.noLeak(t, resp)
		})
	}
}
