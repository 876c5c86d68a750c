package unsubscribe_test

import (
	"net/url"
	"strings"
	"testing"

	"stille/shared/contact"
	"stille/shared/link"
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
		clear(w.items)
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

// FuzzPath asks for any path at both doors. None is ours but those minted, and
// none is an error of ours.
func FuzzPath(f *testing.F) {
	w := newWorld(f)
	ours := map[contact.Channel]string{}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		ours[ch] = w.path(f, ch, acmeID)
		f.Add(ours[ch])
		f.Add(ours[ch] + "/")
		f.Add("/stage" + ours[ch])
	}
	f.Add("/e/" + ours[contact.SMS][3:])
	f.Add("/s/" + ours[contact.Email][3:])
	f.Fuzz(func(t *testing.T, path string) {
		for ch, h := range w.handlers {
			clear(w.items)
			w.logs.Reset()
			req := oneClick(path)
			resp, err := h.Serve(t.Context(), req)
			must(t, err)
			token := path[strings.LastIndexByte(path, '/')+1:]
			want := 404
			if strings.HasSuffix(path, ours[ch]) && link.Path(ch, token) == ours[ch] {
				want = 200
			}
			if resp.StatusCode != want || w.stopped(t, ch, "acme") != (want == 200) {
				t.Errorf("%s: status %d, want %d", ch, resp.StatusCode, want)
			}
		}
	})
}
