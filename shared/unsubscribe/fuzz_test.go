package unsubscribe_test

import (
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"stille/shared/contact"
)

// FuzzBody sends any body to a link of ours. It opts out, except where a form
// with nothing but action=resubscribe was sent.
func FuzzBody(f *testing.F) {
	w := newWorld(f)
	path := w.path(f, contact.Email, acmeID)
	multipartType, undo := multipartBody("action", "resubscribe")
	_, both := multipartBody("action", "resubscribe", "List-Unsubscribe", "One-Click")
	f.Add(multipartType, undo, false)
	f.Add(multipartType, both, false)
	f.Add(urlencoded, "List-Unsubscribe=One-Click&action=resubscribe", false)
	f.Add(urlencoded, "YWN0aW9uPXJlc3Vic2NyaWJl", true) // action=resubscribe
	f.Fuzz(func(t *testing.T, contentType, body string, encoded bool) {
		w.list.Clear()
		w.logs.Reset()
		req := post(path, contentType, body)
		req.IsBase64Encoded = encoded
		if got := w.send(t, req).StatusCode; got != 200 {
			t.Fatalf("status %d", got)
		}
		if w.stopped(t, contact.Email, "acme") {
			return
		}
		kind := strings.ToLower(strings.TrimSpace(contentType))
		switch {
		case strings.HasPrefix(kind, "multipart/form-data"):
			if !encoded && (!strings.Contains(body, "resubscribe") || strings.Contains(strings.ToLower(body), "list-unsubscribe")) {
				t.Error("taken for an undo")
			}
		case strings.HasPrefix(kind, urlencoded):
			if fields, err := url.ParseQuery(body); !encoded && (err != nil || len(fields) != 1 || fields.Get("action") != "resubscribe") {
				t.Error("taken for an undo")
			}
		default:
			t.Error("taken for an undo, and is no form")
		}
	})
}

// FuzzPath asks both functions for any path. A path opens only a token that was
// minted, with nothing of the token's alphabet around it.
func FuzzPath(f *testing.F) {
	w := newWorld(f)
	ours := map[contact.Channel]string{}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		ours[ch] = w.path(f, ch, acmeID)
		f.Add(ours[ch])
		f.Add(ours[ch] + "/")
		f.Add("/stage" + ours[ch])
	}
	octet := regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	opens := map[contact.Channel]*regexp.Regexp{
		contact.Email: regexp.MustCompile(`(?s)/e/[^A-Za-z0-9_-]*` + ours[contact.Email][3:] + `[^A-Za-z0-9_-]*$`),
		contact.SMS:   regexp.MustCompile(`(?s)/s/[^A-Za-z0-9]*` + ours[contact.SMS][3:] + `[^A-Za-z0-9]*$`),
	}
	f.Add("//e//%3C" + ours[contact.Email][3:] + ".%0A/")
	f.Add("/e/" + ours[contact.SMS][3:])
	f.Add("/s/" + ours[contact.Email][3:])
	f.Fuzz(func(t *testing.T, path string) {
		decoded := path
		for range 3 {
			decoded = octet.ReplaceAllStringFunc(decoded, func(s string) string {
				raw, err := hex.DecodeString(s[1:])
				must(t, err)
				return string(raw)
			})
		}
		for _, h := range w.handlers {
			w.list.Clear()
			w.logs.Reset()
			req := oneClick(path)
			resp, err := h.Serve(t.Context(), req)
			must(t, err)
			want := 404
			for ch, pattern := range opens {
				genuine := pattern.MatchString(decoded)
				if genuine {
					want = 200
				}
				if w.stopped(t, ch, "acme") != genuine {
					t.Errorf("%s stopped: %t, want %t", ch, !genuine, genuine)
				}
			}
			if resp.StatusCode != want {
				t.Errorf("status %d, want %d", resp.StatusCode, want)
			}
		}
	})
}
