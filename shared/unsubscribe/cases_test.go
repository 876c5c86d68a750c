package unsubscribe_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"stille/shared/contact"
)

func TestLinksInTheWildOpen(t *testing.T) {
	data, err := os.ReadFile("testdata/links.tsv")
	must(t, err)
	w := newWorld(t)
	paths := map[string]string{"email": w.path(t, contact.Email, acmeID), "sms": w.path(t, contact.SMS, acmeID), "-": "/e/"}
	other := map[string]string{"email": paths["sms"], "sms": paths["email"], "-": "/e/"}
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		fields := strings.Split(line, "\t")
		want, err := strconv.Atoi(fields[2])
		must(t, err)
		for named := range strings.FieldsSeq(fields[0]) {
			token := paths[named][3:]
			path, _, _ := strings.Cut(fields[1], "?")
			path = strings.NewReplacer("{door}", paths[named][1:2], "{token}", token, "{token-1}", token[:max(len(token), 1)-1], "{other-door-token}", other[named][3:]).Replace(path)
			t.Run(fmt.Sprintf("line %d of %s", i+2, named), func(t *testing.T) {
				// The gateway decides which function a path reaches.
				for at, h := range w.handlers {
					w.list.Clear()
					for _, req := range []struct {
						method string
						stops  bool
					}{{"GET", false}, {"POST", want == 200}} {
						asked := oneClick(path)
						if req.method == "GET" {
							asked = request("GET", path)
						}
						got, err := h.Serve(t.Context(), asked)
						must(t, err)
						if got.StatusCode != want || len(w.list.Items()) > 0 != req.stops {
							t.Errorf("%s at %s: status %d, %d written", req.method, at, got.StatusCode, len(w.list.Items()))
						}
						if want == 404 && !strings.HasPrefix(got.Headers["content-type"], "text/html") {
							t.Errorf("%s answers %s, want a page", req.method, got.Headers["content-type"])
						}
					}
				}
			})
		}
	}
}
